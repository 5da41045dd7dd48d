# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
#
# Second part of the job runner: the process tree of a unit, who belongs to it, and its end.

# The cgroup is worth something only where it is the runner's own.
cgroup_find() {
    CGROUP=
    while IFS=: read -r _ cg_kind cg_path; do
        case $cg_kind:$cg_path in
        *"/$UNIT_PREFIX"-*.service) ;;
        *) continue ;;
        esac
        for cg_root in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
            [ -r "$cg_root$cg_path/cgroup.procs" ] && CGROUP=$cg_root$cg_path && return
        done
    done 2>/dev/null </proc/self/cgroup
}

cgroup_list() {
    CGROUP_PIDS=' '
    [ -n "$CGROUP" ] || return 0
    while read -r cg_pid; do
        CGROUP_PIDS="$CGROUP_PIDS$cg_pid "
    done <"$CGROUP/cgroup.procs"
}

# SPARED: services. A unit that restarts sshd on a host without systemd is its ancestor and lends it the tag; ending the
# unit must not end the way in. A service is a child of PID 1 with a pid file, with all that descends from it.
tree_spare() {
    SPARED=' '
    for sp_file in /run/*.pid /run/*/*.pid /var/run/*.pid; do
        sp_pid=
        { read -r sp_pid _ <"$sp_file"; } 2>/dev/null
        case $sp_pid in '' | *[!0-9]*) continue ;; esac
        process_read "$sp_pid" && [ "$P_PPID" = 1 ] && SPARED="$SPARED$sp_pid "
    done
    [ "$SPARED" != ' ' ] || return 0
    sp_grown=1
    while [ -n "$sp_grown" ]; do
        sp_grown=
        for sp_dir in /proc/[0-9]*; do
            sp_pid=${sp_dir#/proc/}
            case $SPARED in *" $sp_pid "*) continue ;; esac
            process_read "$sp_pid" || continue
            case $SPARED in *" $P_PPID "*) SPARED="$SPARED$sp_pid " sp_grown=1 ;; esac
        done
    done
}

# tree_tagged TEXT: environ files that hold it. busybox grep stops at the first NUL of a line; `read` skips NULs.
tree_tagged() {
    if printf 'a\000b\n' | grep -qF b; then
        grep -lF "$1" /proc/[0-9]*/environ
    else
        for tt_file in /proc/[0-9]*/environ; do
            while IFS= read -r tt_line || [ -n "$tt_line" ]; do
                case $tt_line in *"$1"*) printf '%s\n' "$tt_file" && break ;; esac
            done <"$tt_file"
        done
    fi 2>/dev/null
}

# tree_list UNIT: TREE, the living processes of a unit: those carrying its tag, those in its session, their
# descendants, and what has turned up in the runner's cgroup since the unit began (daemons that shed the first three).
tree_list() {
    tl_known=' '
    tree_spare
    for tl_file in $(tree_tagged "OPENFLEET_PATCH_UNIT=$JOB/$1"); do
        tl_pid=${tl_file#/proc/}
        tl_known="$tl_known${tl_pid%/environ} "
    done
    tl_leader='' tl_start='' tl_boot=''
    { read -r tl_leader tl_start tl_boot <"$1/pid"; } 2>/dev/null
    [ "$tl_boot" = "$BOOT" ] || tl_leader=''
    if [ -n "$tl_leader" ] && process_read "$tl_leader" && [ "$P_START" != "$tl_start" ]; then
        tl_leader=''
    fi
    if [ "${CGROUP_UNIT:-}" = "$1" ]; then
        cgroup_list
        for tl_pid in $CGROUP_PIDS; do
            case "$CGROUP_BEFORE$RUNNER_PIDS" in *" $tl_pid "*) continue ;; esac
            process_read "$tl_pid" || continue
            case "$RUNNER_PIDS" in *" $P_PPID "*) continue ;; esac
            tl_known="$tl_known$tl_pid "
        done
    fi
    TREE=' '
    tl_grown=1
    while [ -n "$tl_grown" ]; do
        tl_grown=
        for tl_dir in /proc/[0-9]*; do
            tl_pid=${tl_dir#/proc/}
            case $TREE$SPARED in *" $tl_pid "*) continue ;; esac
            if process_read "$tl_pid" && [ "$P_STATE" != Z ] && tree_holds "$tl_pid"; then
                TREE="$TREE$tl_pid "
                tl_grown=1
            fi
        done
    done
    [ "$TREE" != ' ' ]
}

# tree_holds PID, just read: part of the unit, by what is known of it so far.
tree_holds() {
    [ "$1" != "$$" ] || return 1
    case $tl_known$TREE in *" $1 "* | *" $P_PPID "*) return 0 ;; esac
    [ -n "$tl_leader" ] && [ "$P_SID" = "$tl_leader" ]
}

# Where it hung: pid, parent, state, kernel wait channel, name.
tree_describe() {
    for td_pid in $TREE; do
        process_read "$td_pid" || continue
        td_wait='-' td_name='?'
        { read -r td_wait <"/proc/$td_pid/wchan"; } 2>/dev/null
        { read -r td_name <"/proc/$td_pid/comm"; } 2>/dev/null
        printf '%s %s %s %s %s\n' "$td_pid" "$P_PPID" "$P_STATE" "${td_wait:--}" "$td_name"
    done
}

tree_signal() {
    for ts_pid in $TREE; do
        kill "-$1" "$ts_pid" 2>/dev/null
    done
}

# tree_end UNIT: TERM, the grace time, KILL until nothing is left. 1: something cannot be killed.
tree_end() {
    tree_list "$1" || return 0
    tree_describe >"$1/hung"
    tree_signal TERM
    clock_read
    te_until=$((CLOCK + KILL_GRACE))
    while [ "$CLOCK" -lt "$te_until" ]; do
        nap 0.2
        tree_list "$1" || return 0
        clock_read
    done
    te_round=0
    while tree_list "$1"; do
        [ $te_round -lt 25 ] || return 1
        te_round=$((te_round + 1))
        tree_signal KILL
        nap 0.2
    done
}
