#!/bin/sh
# make_venv.sh VENV PYTHON [PIP-INSTALL-ARGUMENT...]
#
# Creates VENV with PYTHON where it is missing and installs what the arguments name.
# Debian splits ensurepip off into python3-venv. Where it is missing, nothing gets installed on this machine: the
# same pip that python3-venv would use is fetched as a Debian package with apt's own signature checks, with lists and
# cache of its own, and unpacked beside the environment. Where that is not possible either, it says what to install.
set -eu

venv=$1 python=$2
shift 2

borrow_pip() {
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
    store=$(mkdir -p "$venv/.pip" && cd "$venv/.pip" && pwd)
    mkdir -p "$store/lists/partial" "$store/cache/archives/partial"
    set -- -o "Dir::State::lists=$store/lists" -o "Dir::Cache=$store/cache"
    echo "python3-venv is not installed: fetching Debian's pip wheel for $venv alone" >&2
    apt-get "$@" -qq update >&2 || return 1
    (cd "$store" && apt-get "$@" -qq download python3-pip-whl >&2) || return 1
    dpkg-deb -x "$store"/python3-pip-whl_*.deb "$store/tree" || return 1
    wheel=$(find "$store/tree" -name 'pip-*.whl' | head -n 1)
    [ -n "$wheel" ] || return 1
    "$venv/bin/python" "$wheel/pip" install --quiet --disable-pip-version-check --no-index "$wheel" || return 1
    rm -rf "$store"
}

if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    rm -rf "$venv"
    if "$python" -c 'import ensurepip' 2>/dev/null; then
        "$python" -m venv "$venv"
    elif "$python" -m venv --without-pip "$venv" && borrow_pip; then
        :
    else
        rm -rf "$venv"
        echo "Cannot create a Python environment with $python ($("$python" --version 2>&1)): its venv module has no" \
            "ensurepip. Install it and try again; on Debian and Ubuntu: apt-get install python3-venv" >&2
        exit 1
    fi
fi
if [ $# -gt 0 ]; then
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
fi
