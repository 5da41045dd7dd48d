# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
#
# First of five parts of the job runner; the controller joins them (host/job_client.py).
# Here: time, processes, durable files, the lock, and the lines of an answer. The format is in docs/journal.md.
# No function uses `local`, which POSIX lacks: the variables of one function carry its prefix.

set -u
umask 077
LC_ALL=C
export LC_ALL

JOURNAL_VERSION=1
KEEP_JOBS=10
ATTEMPT_LIMIT=3
UNDO_ATTEMPT_LIMIT=5
UNIT_PREFIX=openfleet-patch

# Seconds that do not jump while the host is up.
clock_read() {
    if { read -r CLOCK _ </proc/uptime; } 2>/dev/null; then
        CLOCK=${CLOCK%%.*}
    else
        CLOCK=$(date +%s)
    fi
}

boot_read() {
    BOOT=
    { read -r BOOT </proc/sys/kernel/random/boot_id; } 2>/dev/null
    [ -n "$BOOT" ]
}

# A fraction is not POSIX, a whole second always works.
nap() {
    sleep "$1" 2>/dev/null || sleep 1
}

# process_read PID: P_STATE P_PPID P_SID P_START. The name field may hold anything, so count from its last bracket.
process_read() {
    p_line=
    { read -r p_line <"/proc/$1/stat"; } 2>/dev/null || return 1
    p_line=${p_line##*) }
    # shellcheck disable=SC2086
    set -- $p_line
    [ $# -ge 20 ] || return 1
    P_STATE=$1 P_PPID=$2 P_SID=$4 P_START=${20}
}

# process_alive PID START BOOT. A pid comes back after a while, pid and start time together do not.
process_alive() {
    [ "$3" = "$BOOT" ] && process_read "$1" && [ "$P_START" = "$2" ] && [ "$P_STATE" != Z ] && [ "$P_STATE" != X ]
}

self_read() {
    process_read "$$" && MY_START=$P_START && ME="$$ $P_START $BOOT"
}

# sync with arguments flushes those files; versions that know no arguments flush everything.
flush() {
    sync "$@" 2>/dev/null || sync
}

free_reserve() {
    [ -n "${JOB:-}" ] && [ -f "$JOB/reserve" ] && rm -f "$JOB/reserve"
}

# durable FILE TEXT: afterwards FILE holds TEXT even if power goes; before, it holds what it held.
# A full disk gets the room kept for that once.
durable() {
    durable_once "$1" "$2" || { free_reserve && durable_once "$1" "$2"; }
}

durable_once() {
    { printf '%s\n' "$2" >"$1.new"; } 2>/dev/null && flush "$1.new" && mv -f "$1.new" "$1" && flush "${1%/*}"
}

# first_line FILE [DEFAULT]: LINE
first_line() {
    LINE=
    { IFS= read -r LINE <"$1"; } 2>/dev/null
    [ -n "$LINE" ] || LINE=${2:-}
}

# setting FILE KEY DEFAULT: LINE. Lines are "key value".
setting() {
    LINE=$3
    [ -f "$1" ] || return 0
    while IFS= read -r setting_line; do
        case $setting_line in
        "$2 "*) LINE=${setting_line#"$2 "} ;;
        esac
    done <"$1"
}

# decode TEXT: VALUE, every byte of it. In TEXT all that is not plain is \0ooo.
decode() {
    case $1 in
    *\\*)
        VALUE=$(printf '%b_' "$1")
        VALUE=${VALUE%_}
        ;;
    *) VALUE=$1 ;;
    esac
}

# The lock is one file made by link(2), so it never exists without its content: TOKEN ROLE JOB PID START BOOT.
lock_read() {
    L_TOKEN='' L_ROLE='' L_JOB='' L_PID='' L_START='' L_BOOT=''
    { read -r L_TOKEN L_ROLE L_JOB L_PID L_START L_BOOT <"$1"; } 2>/dev/null
    [ -n "$L_BOOT" ]
}

# Dead holders lose it; and a start hands it over to the runner that it launched.
lock_free_for() {
    if [ "$1" = run ] && [ "$L_ROLE" = start ] && [ "$L_JOB" = "$2" ]; then
        return 0
    fi
    ! process_alive "$L_PID" "$L_START" "$L_BOOT"
}

# lock_take ROLE JOB: 0 taken, 1 held by a living process (L_*), 2 the file system refuses.
# Two that find the same dead holder: only one can link "lock.after.<dead token>"; one that died there is passed the
# same way. Whoever made that link replaces the lock, unless the lock has meanwhile moved on.
lock_take() {
    lock_own=$BASE/lock.$$
    LOCK_TOKEN=$BOOT.$$.$MY_START.$1
    { printf '%s %s %s %s\n' "$LOCK_TOKEN" "$1" "$2" "$ME" >"$lock_own"; } 2>/dev/null || return 2
    flush "$lock_own"
    lock_tries=0
    while [ $lock_tries -lt 20 ]; do
        lock_tries=$((lock_tries + 1))
        if ln "$lock_own" "$BASE/lock" 2>/dev/null; then
            rm -f "$lock_own"
            return 0
        fi
        lock_read "$BASE/lock" || { nap 0.05; continue; }
        lock_free_for "$1" "$2" || { rm -f "$lock_own"; return 1; }
        lock_seen=$L_TOKEN
        lock_next=$BASE/lock.after.$lock_seen
        until ln "$lock_own" "$lock_next" 2>/dev/null; do
            lock_read "$lock_next" || continue 2
            lock_free_for run "" || { rm -f "$lock_own"; return 1; }
            lock_next=$BASE/lock.after.$L_TOKEN
        done
        if lock_read "$BASE/lock" && [ "$L_TOKEN" = "$lock_seen" ]; then
            mv -f "$lock_own" "$BASE/lock" || return 2
            rm -f "$BASE"/lock.after.*
            return 0
        fi
        rm -f "$lock_next"
    done
    rm -f "$lock_own"
    return 2
}

# What contenders that died left behind.
lock_sweep() {
    for sweep_file in "$BASE"/lock.[0-9]*; do
        if lock_read "$sweep_file" && ! process_alive "$L_PID" "$L_START" "$L_BOOT"; then rm -f "$sweep_file"; fi
    done
}

lock_release() {
    if lock_read "$BASE/lock" && [ "$L_TOKEN" = "$LOCK_TOKEN" ]; then
        lock_sweep
        rm -f "$BASE"/lock.after.* "$BASE/lock"
    fi
}

# lock_of JOB: somebody alive works on it.
lock_of() {
    lock_read "$BASE/lock" && [ "$L_JOB" = "$1" ] && process_alive "$L_PID" "$L_START" "$L_BOOT"
}

hex() {
    od -An -v -tx1 | tr -d ' \t\n'
}

tell() {
    printf '%s %s\n' "$1" "$2"
}

tell_bytes() {
    printf '%s.hex ' "$1"
    hex
    printf '\n'
}

answer_begin() {
    printf '\nopenfleet-patch-answer %s begin\n' "$NONCE"
    tell journal "$JOURNAL_VERSION"
}

answer_end() {
    printf 'openfleet-patch-answer %s end\n' "$NONCE"
}

# refuse KIND MESSAGE
refuse() {
    answer_begin
    tell ok no
    tell kind "$1"
    printf '%s' "$2" | tell_bytes message
    answer_end
    exit 0
}
