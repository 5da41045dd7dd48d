#!/bin/sh
# debian_packages.sh COMMAND:PACKAGE... installs the packages whose command is missing; the lab brings its own.
# Elsewhere than as root on a Debian-family machine it says what is missing: tests that need it then fail in CI.
set -eu

missing=
for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "not installed, and not root on a Debian-family machine:$missing" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086  # one word per package
apt-get install -y -qq --no-install-recommends $missing
