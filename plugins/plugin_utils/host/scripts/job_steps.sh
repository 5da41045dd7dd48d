# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
#
# Third part of the job runner: one unit (a step, or the undo of one) from its start to its exit code, with its
# timeout, its process tree and its log; and the undo of a step. The working directory is the job's.

# launch UNIT: becomes the command of a unit. Runs in a session of its own, tagged in its environment.
# Nothing but positional parameters and OPENFLEET_* may be used once the plan's environment arrives.
launch() {
    OPENFLEET_UNIT=$1
    case $1 in
    steps/*) OPENFLEET_ARGV=$1/argv ;;
    *) OPENFLEET_ARGV=steps/${1#undo/}/undo_argv ;;
    esac
    exec </dev/null >>"$1/log" 2>&1
    printf '%s\n' "$ME" >"$1/pid.new" && mv -f "$1/pid.new" "$1/pid"
    # An orphan of a runner that lost the lock must not begin what its successor already judged.
    lock_read "$BASE/lock"
    [ "$L_TOKEN" = "$2" ] || exit 125
    OPENFLEET_STDIN=
    shift $#
    while read -r OPENFLEET_KIND OPENFLEET_A OPENFLEET_B; do
        case $OPENFLEET_KIND in
        arg) decode "$OPENFLEET_A" ;;
        file)
            decode "$OPENFLEET_B"
            VALUE=$VALUE$JOB/$OPENFLEET_A
            ;;
        stdin)
            OPENFLEET_STDIN=$JOB/$OPENFLEET_A
            continue
            ;;
        *) exit 125 ;;
        esac
        set -- "$@" "$VALUE"
    done <"$OPENFLEET_ARGV"
    [ $# -gt 0 ] || exit 125
    export HOME="${HOME:-/root}"
    for OPENFLEET_FILE in environment secrets/environment "steps/${OPENFLEET_UNIT#*/}/environment"; do
        [ -f "$OPENFLEET_FILE" ] || continue
        while read -r OPENFLEET_A OPENFLEET_B; do
            case $OPENFLEET_B in
            *\\*)
                OPENFLEET_B=$(printf '%b_' "$OPENFLEET_B")
                OPENFLEET_B=${OPENFLEET_B%_}
                ;;
            esac
            export "$OPENFLEET_A=$OPENFLEET_B"
        done <"$OPENFLEET_FILE"
    done
    cd / || exit 125
    [ -z "$OPENFLEET_STDIN" ] || exec <"$OPENFLEET_STDIN"
    exec "$@"
}

# log_bound FILE: keeps the newer half of a log that has outgrown its limit. A hole in its front loses nothing that is
# written meanwhile. Where the file system or an old fallocate cannot make one, the front is cut off.
log_bound() {
    lb_size=$(wc -c <"$1" 2>/dev/null) || return 0
    first_line "$1.hole" 0
    [ $((lb_size - LINE)) -gt "$LOG_LIMIT" ] || return 0
    lb_keep=$((LOG_LIMIT / 2))
    if fallocate -p -o 0 -l $((lb_size - lb_keep)) "$1" 2>/dev/null; then
        printf '%s\n' $((lb_size - lb_keep)) >"$1.hole"
    else
        log_cut "$1"
    fi
}

# log_cut FILE, with lb_size and lb_keep. What is written between copying and cutting is lost; the writers append.
log_cut() {
    tail -c "$lb_keep" "$1" >"$1.keep" || return 0
    first_line "$1.dropped" 0
    : >"$1"
    cat "$1.keep" >>"$1"
    rm -f "$1.keep" "$1.hole"
    printf '%s\n' $((LINE + lb_size - lb_keep)) >"$1.dropped"
}

job_elapsed() {
    read -r je_epoch je_clock je_boot <created
    clock_read
    if [ "$je_boot" = "$BOOT" ]; then
        ELAPSED=$((CLOCK - je_clock))
    else
        ELAPSED=$(($(date +%s) - je_epoch))
        # The clock went backwards over the boot: how long it took is unknown, so no time is left.
        [ "$ELAPSED" -ge 0 ] || ELAPSED=$JOB_TIMEOUT
    fi
}

# end_reason UNIT: REASON, why a unit must end now. Steps marked cleanup, and undo, only know their own timeout.
end_reason() {
    REASON=
    clock_read
    if [ "$CLOCK" -ge "$UNIT_UNTIL" ]; then
        REASON=step
    elif [ -n "$UNIT_FORWARD" ]; then
        job_elapsed
        if [ "$ELAPSED" -ge "$JOB_TIMEOUT" ]; then
            REASON=job
        elif [ -f cancel ]; then
            REASON=cancel
        fi
    fi
    [ -n "$REASON" ]
}

# watch UNIT WRAPPER: beside a running unit; ends when the runner does, or the unit. It is sent a signal then as well,
# but one that comes between fork and the child's own signal setup is lost.
watch() {
    WATCH_PID=
    { read -r WATCH_PID _ </proc/self/stat; } 2>/dev/null
    RUNNER_PIDS=" $$ $2 $WATCH_PID "
    while process_alive "$$" "$MY_START" "$BOOT" && ! unit_exit "$1"; do
        log_bound "$1/log"
        if end_reason; then
            durable "$1/ended_by" "$REASON"
            tree_end "$1" || { durable "$1/ended_by" "$REASON unkillable"; kill -KILL "$2"; }
            return
        fi
        nap 1
    done
}

unit_limits() {
    case $1 in
    steps/*) setting "steps/${1#*/}/settings" timeout 3600 ;;
    *) setting "steps/${1#*/}/settings" undo_timeout 300 ;;
    esac
    clock_read
    UNIT_UNTIL=$((CLOCK + LINE))
    UNIT_FORWARD=
    setting "steps/${1#*/}/settings" cleanup no
    case $1:$LINE in steps/*:no) UNIT_FORWARD=1 ;; esac
}

# unit_run UNIT: the attempt and the start are on disk before the command exists, its exit code is written by the
# process that waits for it, which outlives a killed runner.
unit_run() {
    unit_attempt "$1"
    UNIT_ATTEMPT=$((ATTEMPT + 1))
    if [ "$ATTEMPT" -gt 0 ]; then rm -f "$1/ended_by" "$1/hung"; fi
    durable "$1/started" "$(date +%s) $UNIT_ATTEMPT" || return 1
    unit_limits "$1"
    cgroup_list
    CGROUP_BEFORE=$CGROUP_PIDS CGROUP_UNIT=$1
    (
        OPENFLEET_PATCH_UNIT=$JOB/$1 $SETSID "$SHELL_PATH" ./runner launch "$JOB" "$1" "$LOCK_TOKEN" </dev/null &
        wait $!
        durable "$1/exit" "$? $UNIT_ATTEMPT $(date +%s)"
    ) &
    unit_wrapper=$!
    watch "$1" "$unit_wrapper" </dev/null >/dev/null 2>&1 &
    unit_watch=$!
    # A trapped signal ends wait early.
    until wait "$unit_wrapper"; ! kill -0 "$unit_wrapper" 2>/dev/null; do :; done
    unit_exit "$1" || durable "$1/exit" "137 $UNIT_ATTEMPT $(date +%s)"
    [ -f "$1/ended_by" ] || kill "$unit_watch" 2>/dev/null
    until wait "$unit_watch" 2>/dev/null; ! kill -0 "$unit_watch" 2>/dev/null; do :; done
}

# unit_attempt UNIT: STARTED and ATTEMPT of the latest one, 0 before the first.
unit_attempt() {
    STARTED='' ATTEMPT=''
    { read -r STARTED ATTEMPT <"$1/started"; } 2>/dev/null
    ATTEMPT=${ATTEMPT:-0}
}

# unit_exit UNIT: CODE and ENDED of the latest attempt; fails while it has none.
unit_exit() {
    CODE='' ENDED='' unit_exit_attempt=''
    { read -r CODE unit_exit_attempt ENDED <"$1/exit"; } 2>/dev/null
    unit_attempt "$1"
    [ -n "$ENDED" ] && [ "$unit_exit_attempt" = "$ATTEMPT" ]
}

# unit_note UNIT CODE: an attempt of the runner's own, without a command.
unit_note() {
    unit_attempt "$1"
    note_attempt=$((ATTEMPT + 1))
    durable "$1/started" "$(date +%s) $note_attempt" && durable "$1/exit" "$2 $note_attempt $(date +%s)"
}

# unit_adopt UNIT: a runner died and its unit lives on. Wait for the end of the whole tree, within its limits.
unit_adopt() {
    CGROUP_UNIT=
    tree_list "$1" || return 0
    unit_limits "$1"
    while tree_list "$1"; do
        if end_reason; then
            durable "$1/ended_by" "$REASON"
            tree_end "$1" || durable "$1/ended_by" "$REASON unkillable"
            break
        fi
        log_bound "$1/log"
        nap 0.5
    done
    adopt_wait=0
    until unit_exit "$1" || [ $adopt_wait -ge 10 ]; do
        adopt_wait=$((adopt_wait + 1))
        nap 0.1
    done
}

# undo_prepare NNN: what the step may change is copied before it starts. Complete or not there at all.
undo_prepare() {
    [ ! -d "undo/$1" ] || return 0
    [ -f "steps/$1/undo_files" ] || [ -f "steps/$1/undo_argv" ] || return 0
    rm -rf "undo/$1.new"
    mkdir "undo/$1.new" || return 1
    up_count=0
    if [ -f "steps/$1/undo_files" ]; then
        while IFS= read -r up_path; do
            up_count=$((up_count + 1))
            undo_save "undo/$1.new" "$up_count" "$up_path" || return 1
        done <"steps/$1/undo_files"
        flush "undo/$1.new/files"
    fi
    flush "undo/$1.new" && mv "undo/$1.new" "undo/$1" && flush undo
}

# copy_exact FROM TO: content, owner, mode, time. busybox cp drops the fraction of a second, its touch does not.
copy_exact() {
    cp -a "$1" "$2" || return 1
    [ -L "$2" ] || { touch -r "$1" "$2" && flush "$2"; }
}

undo_save() {
    decode "$3"
    us_kind=saved
    if [ -L "$VALUE" ] || [ -f "$VALUE" ]; then
        copy_exact "$VALUE" "$1/$2.saved" || return 1
    elif [ -e "$VALUE" ]; then
        printf '%s is no regular file\n' "$VALUE"
        return 1
    else
        us_kind=absent
    fi
    printf '%s %s %s\n' "$us_kind" "$2" "$3" >>"$1/files"
}

# undo_file KIND COUNT PATH UNDO: one rename, so the path always holds one complete version.
undo_file() {
    decode "$3"
    uf_dir=${VALUE%/*}/
    if [ "$1" = absent ]; then
        rm -f "$VALUE" || return 1
        [ ! -d "$uf_dir" ] || flush "$uf_dir"
        return 0
    fi
    if [ -d "$VALUE" ] && [ ! -L "$VALUE" ]; then
        printf '%s is a directory now\n' "$VALUE"
        return 1
    fi
    uf_new=$uf_dir.openfleet-patch-$2-${4#undo/}
    rm -rf "$uf_new"
    copy_exact "$4/$2.saved" "$uf_new" || return 1
    mv -f "$uf_new" "$VALUE" && flush "$uf_dir"
}

# undo_run NNN: restoring a file and an undo command may be repeated; an attempt that was cut off is.
undo_run() {
    unit_exit "undo/$1" && return 0
    unit_adopt "undo/$1"
    unit_exit "undo/$1" && [ "$CODE" != 0 ] && return 0
    if [ "$ATTEMPT" -ge "$UNDO_ATTEMPT_LIMIT" ]; then
        unit_note "undo/$1" 125
    elif [ -f "undo/$1/files" ] && ! undo_files "undo/$1" >>"undo/$1/log" 2>&1; then
        unit_note "undo/$1" 1
    elif [ -f "steps/$1/undo_argv" ]; then
        unit_run "undo/$1"
    else
        unit_note "undo/$1" 0
    fi
}

undo_files() {
    while read -r uf_kind uf_count uf_path; do
        undo_file "$uf_kind" "$uf_count" "$uf_path" "$1" || return 1
    done <"$1/files"
}
