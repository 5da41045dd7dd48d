#!/bin/sh
# store_and_metrics.sh CACHE: PostgreSQL and promtool for the tests of store and metrics, from Debian's packages.
# PostgreSQL is installed without a cluster, so that no server runs: tests start one of their own. Of prometheus only the
# program is unpacked into CACHE. What cannot be had is said; the tests that need it are then skipped and say so too.
set -eu

tools=$(dirname "$0")
cache=$1

has_postgresql() {
    command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1
}

if ! has_postgresql; then
    settings=/etc/postgresql-common/createcluster.d
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        mkdir -p "$settings"
        echo 'create_main_cluster = false' >"$settings/openfleet-tests.conf"
    fi
    "$tools/debian_packages.sh" initdb:postgresql || true
    rm -f "$settings/openfleet-tests.conf"
    rmdir "$settings" 2>/dev/null || true
    has_postgresql || echo 'PostgreSQL could not be installed: the store is tested with SQLite alone' >&2
fi

if ! command -v promtool >/dev/null && [ ! -x "$cache/promtool" ]; then
    mkdir -p "$cache"
    work=$(mktemp -d "$cache/unpacking.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    chmod 755 "$work"
    if (cd "$work" && apt-get -qq download prometheus) >/dev/null 2>&1 && dpkg-deb -x "$work"/prometheus_*.deb "$work/tree"; then
        mv "$work/tree/usr/bin/promtool" "$cache/promtool"
    else
        echo 'promtool could not be had from Debian: the strict reader of the tests reads the metrics alone' >&2
    fi
fi
