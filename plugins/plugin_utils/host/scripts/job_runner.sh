# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
#
# Last part of the job runner: a job as a whole, and the operations that the controller calls.
# Everything a runner must know after a crash is in files; it works from those alone, first time or tenth.

job_open() {
    JOB=$1
    BASE=${1%/jobs/*}
    cd "$JOB" && [ -f plan ] || return 1
    setting plan log_limit 4194304
    LOG_LIMIT=$LINE
    setting plan kill_grace 10
    KILL_GRACE=$LINE
    setting plan timeout 14400
    JOB_TIMEOUT=$LINE
    setting plan shell /bin/sh
    SHELL_PATH=$LINE
    SETSID=
    if command -v setsid >/dev/null; then
        SETSID=setsid
    elif command -v perl >/dev/null; then
        # macOS has no setsid. One word each: it is split where it is used.
        SETSID='perl -MPOSIX -e POSIX::setsid();exec(@ARGV);exit(126)'
    fi
}

# The detached process. Also what the boot hook calls.
op_run() {
    job_open "$1" || exit 1
    setting plan search_path "$PATH"
    decode "$LINE"
    PATH=$VALUE
    export PATH
    exec </dev/null >>runner.log 2>&1
    lock_take run "${JOB##*/}" || exit 0
    STOP=''
    # A host that shuts down sends TERM: the step under way ends in its own time, the next one is left to the next boot.
    trap 'STOP=1' TERM INT
    trap ':' HUP
    RESUMED=
    [ ! -f pid ] || RESUMED=1
    first_line runners 0
    printf '%s\n' $((LINE + 1)) >runners
    cgroup_find
    durable pid "$ME"
    if [ ! -s result ] || [ -f undo_again ]; then job_advance; fi
    if [ -s result ] && [ ! -f undo_again ]; then job_tidy; fi
    lock_release
    exit 0
}

job_tidy() {
    secrets_wipe .
    saved_wipe
    rm -f reserve
    hook_remove
    rm -f unfinished && flush .
}

job_id_check() {
    case $1 in
    '' | .* | *[!A-Za-z0-9._-]*) refuse bad_job_id "A job id is made of letters, digits, dot, dash and underscore" ;;
    esac
}

base_open() {
    first_line "$BASE/version" "$JOURNAL_VERSION"
    case $LINE in
    "$JOURNAL_VERSION") ;;
    *) refuse journal_version "$BASE has journal format $LINE; this controller knows $JOURNAL_VERSION" ;;
    esac
}

current_read() {
    first_line "$BASE/current"
    CURRENT=$LINE
    [ -n "$CURRENT" ] && [ -f "$BASE/jobs/$CURRENT/plan" ]
}

unfinished() {
    [ -f "$BASE/jobs/$1/unfinished" ]
}

# detach JOB: outside the login session, whose end would kill it. Returns when the runner works, or after 20 seconds.
detach() {
    job_open "$BASE/jobs/$1" || refuse bad_job "The job directory $BASE/jobs/$1 is not complete"
    first_line runners 0
    DETACH_BEFORE=$LINE
    DETACHED='' DETACHED_PID=''
    if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null; then
        for detach_flags in "--collect -p KillMode=process" "-p KillMode=process" ""; do
            # shellcheck disable=SC2086
            if systemd-run --unit="$UNIT_PREFIX-$1-$$" --description="openfleet.patch job $1" $detach_flags \
                "$SHELL_PATH" "$JOB/runner" run "$JOB" >>runner.log 2>&1 </dev/null; then
                DETACHED=systemd
                break
            fi
        done
    fi
    if [ -z "$DETACHED" ]; then
        DETACHED=${SETSID%% *}
        DETACHED=${DETACHED:-background}
        # None of env, setsid and perl forks here, so this is the runner's own pid.
        # shellcheck disable=SC2086
        DETACHED_PID=$(env -i PATH="$PATH" $SETSID "$SHELL_PATH" "$JOB/runner" run "$JOB" </dev/null >>runner.log 2>&1 &
            echo $!)
    fi
    printf '%s\n' "$DETACHED" >detached
    detach_tries=0
    while [ $detach_tries -lt 200 ]; do
        detach_tries=$((detach_tries + 1))
        detach_alive=1
        [ -z "$DETACHED_PID" ] || kill -0 "$DETACHED_PID" 2>/dev/null || detach_alive=
        first_line runners 0
        if [ "$LINE" != "$DETACH_BEFORE" ] || { lock_of "$1" && [ "$L_ROLE" = run ]; }; then return; fi
        [ -n "$detach_alive" ] || return 1
        nap 0.1
    done
    return 1
}

# The payload: "file PATH" opens a file, "= TEXT" is a line of it, "bytes PATH ENCODED" is a whole file, "end" ends.
payload_unpack() {
    unpack_file=
    while IFS= read -r unpack_line; do
        case $unpack_line in
        'file '*) unpack_file=${unpack_line#file } ;;
        '= '*) printf '%s\n' "${unpack_line#= }" >>"$1/$unpack_file" ;;
        'bytes '*)
            unpack_line=${unpack_line#bytes }
            printf '%b' "${unpack_line#* }" >"$1/${unpack_line%% *}"
            ;;
        'mkdir '*) mkdir -p "$1/${unpack_line#mkdir }" ;;
        end) return 0 ;;
        *) return 1 ;;
        esac || return 1
    done
    return 1
}

jobs_rotate() {
    rm -rf "$BASE"/jobs/.trash-* "$BASE"/jobs/.incoming-*
    rotate_count=0
    for rotate_dir in "$BASE"/jobs/*; do
        read -r rotate_epoch _ <"$rotate_dir/created" && printf '%s %s\n' "$rotate_epoch" "${rotate_dir##*/}"
    done 2>/dev/null | sort -rn | while read -r _ rotate_id; do
        rotate_count=$((rotate_count + 1))
        if [ "$rotate_count" -ge "$KEEP_JOBS" ] && [ "$rotate_id" != "$CURRENT" ]; then
            mv "$BASE/jobs/$rotate_id" "$BASE/jobs/.trash-$rotate_id" && rm -rf "$BASE/jobs/.trash-$rotate_id"
        fi
    done
}

# The rename to jobs/ID is the moment from which the job exists.
job_write() {
    write_dir=$BASE/jobs/.incoming-$1
    mkdir -p "$write_dir/undo" || return 1
    printf '%s\n' "$OPENFLEET_PAYLOAD" | payload_unpack "$write_dir" || return 1
    printf '%s\n' "$OPENFLEET_RUNNER" >"$write_dir/runner" || return 1
    clock_read
    printf '%s\n' "$(date +%s) $CLOCK $BOOT" >"$write_dir/created"
    : >"$write_dir/unfinished"
    dd if=/dev/zero of="$write_dir/reserve" bs=4096 count=64 2>/dev/null || return 1
    # shellcheck disable=SC2046
    flush $(find "$write_dir") || return 1
    durable "$BASE/current" "$1" && mv "$write_dir" "$BASE/jobs/$1" && flush "$BASE/jobs"
}

op_start() {
    job_id_check "$1"
    case $(command -v printf) in
    printf) ;;
    *) refuse unsuitable_shell "This host's sh has no printf of its own, so what it prints would show in the process list" ;;
    esac
    { mkdir -p "$BASE/jobs" && chmod 700 "$BASE"; } 2>/dev/null || refuse no_privilege "Cannot write to $BASE"
    base_open
    lock_take start "$1"
    case $? in
    1)
        [ -f "$BASE/jobs/$L_JOB/plan" ] || refuse busy "Job $L_JOB is being written by process $L_PID"
        if [ "$L_JOB" = "$1" ]; then op_poll "$1" attached; else op_poll "$L_JOB" busy; fi
        return
        ;;
    2) refuse state_unwritable "Cannot make the lock in $BASE: full, read-only, or without hard links" ;;
    esac
    START_ID=$1
    trap 'rm -rf "$BASE/jobs/.incoming-$START_ID"; lock_release' EXIT
    if [ ! -f "$BASE/version" ]; then
        flush "${BASE%/*}/" && durable "$BASE/version" "$JOURNAL_VERSION"
    fi
    if current_read && unfinished "$CURRENT"; then
        lock_release
        detach "$CURRENT"
        if [ "$CURRENT" = "$1" ]; then op_poll "$1" attached; else op_poll "$CURRENT" recovering; fi
        return
    fi
    if [ -d "$BASE/jobs/$1" ]; then
        op_poll "$1" attached
        return
    fi
    first_line "$BASE/jobs/${CURRENT:-none}/result"
    case $LINE in *' failed '*) refuse undo_pending "An undo of job $CURRENT failed; see $BASE/jobs/$CURRENT/undo" ;; esac
    jobs_rotate
    job_write "$1" || refuse state_unwritable "Cannot write the job to $BASE: $(df -P "$BASE" | tail -n 1)"
    detach "$1" || refuse runner_not_started "The runner did not begin: $(tail -n 3 runner.log)"
    op_poll "$1" started
}

# Nothing to do is an answer too: disposition idle.
op_recover() {
    if ! current_read; then
        op_none
    elif unfinished "$CURRENT" && ! lock_of "$CURRENT"; then
        detach "$CURRENT"
        op_poll "$CURRENT" recovering
    else
        op_poll "$CURRENT" idle
    fi
}

# undo JOB: ends a running job and undoes it; of a finished job it tries again what could not be undone.
op_undo() {
    job_id_check "$1"
    [ -d "$BASE/jobs/$1" ] || refuse no_such_job "There is no job $1 in $BASE"
    first_line "$BASE/jobs/$1/result"
    case $LINE in
    '') durable "$BASE/jobs/$1/cancel" "$(date +%s)" ;;
    *' failed '*) durable "$BASE/jobs/$1/undo_again" "$(date +%s)" && durable "$BASE/jobs/$1/unfinished" "" ;;
    esac
    if unfinished "$1" && ! lock_of "$1"; then detach "$1"; fi
    op_poll "$1" undo
}

op_none() {
    answer_begin
    tell ok yes
    tell disposition idle
    tell state none
    answer_end
}

unit_tell() {
    unit_state=waiting
    if unit_exit "$1"; then
        unit_state=ended
    else
        CODE=- ENDED=-
        [ -z "$STARTED" ] || unit_state=running
        [ ! -f "$1/crashed" ] || unit_state=crashed
        [ ! -f "$1/refused" ] || unit_state=refused
    fi
    first_line "$1/ended_by" -
    unit_by=${LINE%% *}
    unit_number=${1#*/}
    setting "steps/$unit_number/settings" name -
    tell "${1%%/*}" "$unit_number $unit_state $CODE ${STARTED:--} $ENDED $ATTEMPT $unit_by $LINE"
    [ ! -s "$1/hung" ] || tell_bytes "hung.${1%%/*}.$unit_number" <"$1/hung"
}

# log_tell UNIT OFFSET: at most 32 KiB of its log from OFFSET on, counted from the first byte ever written; with
# OFFSET -1 the last 32 KiB.
log_tell() {
    [ -f "$1/log" ] || return 0
    first_line "$1/log.dropped" 0
    log_dropped=$LINE
    first_line "$1/log.hole" 0
    if [ "$2" = -1 ]; then
        log_from=$(($(wc -c <"$1/log") - 32768))
    else
        log_from=$(($2 - log_dropped))
    fi
    log_from=$((log_from > LINE ? log_from : LINE))
    tell log_from "$1 $((log_from + log_dropped))"
    tail -c +$((log_from + 1)) "$1/log" | head -c 32768 | tell_bytes log
}

# poll JOB DISPOSITION [UNIT OFFSET]
op_poll() {
    job_id_check "$1"
    [ -f "$BASE/jobs/$1/plan" ] || refuse no_such_job "There is no job $1 in $BASE"
    job_open "$BASE/jobs/$1"
    poll_alive=no
    if lock_of "$1"; then poll_alive=yes; fi
    first_line phase starting
    poll_state=$LINE
    if [ $poll_alive = no ]; then
        poll_state=interrupted
        unfinished "$1" || poll_state=finished
    fi
    answer_begin
    tell ok yes
    tell disposition "${2:-poll}"
    tell job "$1"
    setting plan title -
    tell title "$LINE"
    tell state "$poll_state"
    tell alive "$poll_alive"
    for poll_file in detached boot_hook runners result; do
        first_line "$poll_file" -
        tell "$poll_file" "$LINE"
    done
    read -r poll_created _ <created
    tell created "$poll_created"
    tell now "$(date +%s)"
    poll_last=
    for poll_dir in steps/* undo/[0-9]*; do
        case $poll_dir in *'*' | *.new) continue ;; esac
        unit_tell "$poll_dir"
        if [ "$unit_state" = running ]; then poll_last=$poll_dir; fi
    done
    poll_log=${3:-$poll_last}
    [ -z "$poll_log" ] || log_tell "$poll_log" "${4:-0}"
    tell end yes
    answer_end
}

poll_mark() {
    for mark_file in "$BASE/jobs/$1"/steps/* "$BASE/jobs/$1"/undo/*; do
        first_line "$mark_file/exit"
        printf '%s' "$LINE"
        [ ! -f "$mark_file/started" ] || printf s
    done
} 2>/dev/null

log_size() {
    [ -z "$2" ] || wc -c <"$BASE/jobs/$1/$2/log"
} 2>/dev/null

# wait JOB SECONDS [UNIT OFFSET]: answers as poll does, as soon as a step or the job has got further, or after two
# seconds if its log has grown. A package manager prints all the time, and answering costs the host what it works with.
op_wait() {
    job_id_check "$1"
    clock_read
    wait_until=$((CLOCK + $2))
    wait_log=$((CLOCK + 2))
    wait_mark=$(poll_mark "$1")
    wait_size=$(log_size "$1" "${3:-}")
    while [ "$CLOCK" -lt "$wait_until" ] && lock_of "$1" && [ "$(poll_mark "$1")" = "$wait_mark" ]; do
        if [ "$CLOCK" -ge "$wait_log" ] && [ "$(log_size "$1" "${3:-}")" != "$wait_size" ]; then break; fi
        nap 0.1
        clock_read
    done
    op_poll "$1" poll "${3:-}" "${4:-0}"
}

HOOK_UNIT=/etc/systemd/system/openfleet-patch-recover.service
HOOK_WANT=/etc/systemd/system/multi-user.target.wants/openfleet-patch-recover.service
HOOK_CRON=/etc/cron.d/openfleet-patch-recover
HOOK_PLIST=/Library/LaunchDaemons/openfleet-patch-recover.plist

job_main() {
    NONCE=${NONCE:-none}
    job_op=$1
    shift
    if ! boot_read || ! self_read; then refuse unsupported_host "The job runner needs Linux with /proc, or macOS"; fi
    case $job_op in
    run) op_run "$1" ;;
    launch)
        job_open "$1" || exit 125
        launch "$2" "$3"
        ;;
    start) op_start "$1" ;;
    recover)
        base_open
        op_recover
        ;;
    undo) op_undo "$1" ;;
    poll) op_poll "$1" poll "${2:-}" "${3:-0}" ;;
    wait) op_wait "$@" ;;
    current) if current_read; then op_poll "$CURRENT" poll; else op_none; fi ;;
    *) refuse bad_request "There is no operation $job_op" ;;
    esac
}

job_main "$@"
