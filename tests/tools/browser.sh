#!/bin/sh
# browser.sh CACHE: Chromium from Debian, axe-core from the npm registry, for tests/browser. Says what it could not get.
set -eu

tools=$(dirname "$0")
cache=$1
axe='axe-core@4.14.1'
"$tools/debian_packages.sh" chromium:chromium
[ ! -f "$cache/node_modules/axe-core/axe.min.js" ] || exit 0
if ! command -v npm >/dev/null; then
    echo "npm is not installed: the report is not checked with axe-core" >&2
    exit 0
fi
mkdir -p "$cache"
npm install --prefix "$cache" --silent --no-save --ignore-scripts "$axe" || echo "$axe could not be installed" >&2
