# shellcheck shell=sh
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# First part of every reader in sh. The bootstrap evaluates the parts as one text (READER_PARTS in host/payload.py) in a
# shell of its own whose standard output is the answer: named sections of raw text between lines with the run's random
# mark, which the controller parses. of_mark and of_option_NAME, the options of the request, are set in front of it.
# shellcheck disable=SC2154  # set in front of this text

# NAME COMMAND...: what the command prints, and its exit code.
of_section() {
    printf '\n%s section %s\n' "$of_mark" "$1"
    shift
    "$@" </dev/null
    printf '\n%s code %s\n' "$of_mark" "$?"
}

# SECONDS COMMAND...: as long as that, where the host can count.
of_within() {
    if of_has timeout; then
        timeout -k 10 "$@"
    elif of_has perl; then
        # macOS has no timeout; the clock goes on in what perl becomes.
        PERL_BADLANG=0 perl -e 'alarm shift; exec @ARGV or exit 127' "$@"
    else
        shift
        "$@"
    fi
}

of_work=
of_cleanup() { [ -z "$of_work" ] || rm -rf "$of_work"; }
trap of_cleanup EXIT
trap 'exit 143' HUP INT TERM

# A Mac has no /proc: Fri Nov 20 14:00:00 2026
of_process_began() {
    if [ -e /proc/self/stat ]; then
        sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
    else
        LC_ALL=C ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' _
    fi
}

# A private folder for this run, in memory where that can be; of_cleanup takes it away.
of_workspace() {
    umask 077
    of_parent=/tmp
    [ ! -w /dev/shm ] || of_parent=/dev/shm
    for of_left in "$of_parent"/openfleet-patch-*; do
        of_pid=
        { read -r of_pid of_began <"$of_left/owner"; } 2>/dev/null
        # Of a run that was killed: its process is gone, or another one has its number.
        if [ -n "$of_pid" ] && [ -n "$(find "$of_left" -prune -type d -user "$(id -u)" 2>/dev/null)" ] && [ "$(of_process_began "$of_pid")" != "$of_began" ]; then
            rm -rf "$of_left"
        fi
    done
    of_work=$(mktemp -d "$of_parent/openfleet-patch-XXXXXX") || exit 1
    printf '%s %s\n' "$$" "$(of_process_began "$$")" >"$of_work/owner"
}

# Addresses without what opens them: https://user:word@host/x?token -> https://host/x
of_without_secrets() {
    sed -e '/:\/\//!b' -e 's,\([A-Za-z][A-Za-z0-9+.-]*://\)[^/@"<>[:space:]]*@,\1,g' \
        -e 's,\([A-Za-z][A-Za-z0-9+.-]*://[^?"<>[:space:]]*\)?[^"<>[:space:]]*,\1,g'
}
