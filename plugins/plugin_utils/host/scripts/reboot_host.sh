# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
#
# Follows job_journal.sh in one program (host/reboot_probe.py joins them): what a reboot has to know, the reboot itself,
# and restarts of services instead of one.
# shellcheck disable=SC2034,SC2153,SC2154  # variables of job_journal.sh

# Their locks are held while packages change: dpkg's two, rpm's in its old and its new place.
PACKAGE_LOCKS='/var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/rpm/.rpm.lock /usr/lib/sysimage/rpm/.rpm.lock'

# package_lock: K_PID, K_FILE. "3: POSIX  ADVISORY  WRITE 812 00:2f:1893 0 EOF" names the holder; inode numbers of
# /proc/locks and of stat differ on overlays, so what the holder has open tells the file. A container's processes show
# paths of their own root. Read at once: between two reads of a few bytes the kernel passes over a line when a lock above
# it is given back.
# shellcheck disable=SC3013  # every sh we know has -ef, and POSIX since 2024
package_lock() {
    k_locks=$(cat /proc/locks 2>/dev/null)
    while read -r _ k_kind _ k_mode k_pid _; do
        case $k_kind:$k_mode:$k_pid in
        POSIX:WRITE:[1-9]*) ;;
        *) continue ;;
        esac
        k_open=$(ls -l "/proc/$k_pid/fd" 2>/dev/null)
        for k_file in $PACKAGE_LOCKS; do
            case $k_open in
            *" -> $k_file"*)
                [ "/proc/$k_pid/root$k_file" -ef "$k_file" ] || continue
                K_PID=$k_pid K_FILE=$k_file
                return 0
                ;;
            esac
        done
    done <<LOCKS
$k_locks
LOCKS
    return 1
}

lock_alive() {
    lock_read "$BASE/lock" && process_alive "$L_PID" "$L_START" "$L_BOOT"
}

# What installs of ours put here since the boot, a line "name arch version" each; docs/journal.md.
pending_tell() {
    [ -r "$BASE/pending/$BOOT" ] || return 0
    while IFS= read -r pt_line; do
        tell pending "$pt_line"
    done <"$BASE/pending/$BOOT"
}

# The age of the first process, as seconds since some moment and its start after that moment.
look_age() {
    if [ -n "$MAC" ]; then
        if boottime_read; then
            tell uptime $(($(date +%s) - BOOT_SECONDS))
            tell first '0 100'
        fi
        return 0
    fi
    look_uptime=
    { read -r look_uptime _ </proc/uptime; } 2>/dev/null
    tell uptime "${look_uptime:--}"
    if process_read 1; then
        tell first "$P_START $(getconf CLK_TCK 2>/dev/null || echo 100)"
    fi
}

op_look() {
    answer_begin
    tell ok yes
    tell boot "$BOOT"
    tell uid "$(id -u)"
    look_age
    if lock_alive; then
        setting "$BASE/jobs/$L_JOB/plan" title -
        tell job "$L_JOB $L_ROLE $LINE"
    fi
    if package_lock; then
        look_name='?'
        { read -r look_name <"/proc/$K_PID/comm"; } 2>/dev/null
        tell lock "$K_PID $K_FILE $look_name"
    fi
    pending_tell
    answer_end
}

# warn MESSAGE, to whoever is logged in.
op_warn() {
    if command -v wall >/dev/null; then printf '%s\n' "$1" | wall 2>/dev/null; fi
    answer_begin
    tell ok yes
    answer_end
}

reboot_ask() {
    if command -v shutdown >/dev/null; then
        shutdown -r "$1" "$2"
    elif [ "$1" != now ]; then
        echo "there is no shutdown command to ask for a reboot at $1"
        return 127
    elif command -v systemctl >/dev/null; then
        systemctl reboot
    else
        reboot
    fi
}

# go BOOT WHEN MESSAGE. A connection plugin that retries may bring this a second time, to the host as it is afterwards:
# BOOT keeps that from being a second reboot. The lock keeps a job from starting between the look and the act.
op_go() {
    [ "$BOOT" = "$1" ] || refuse other_boot "This host has booted since it was looked at"
    [ "$(id -u)" = 0 ] || refuse no_privilege "Only root can reboot this host"
    LOCK_TOKEN=
    if [ -d "$BASE" ]; then
        lock_take reboot -
        case $? in 1) refuse job_running "Job $L_JOB ($L_ROLE) is at work" ;; esac
    fi
    if package_lock; then
        lock_release
        refuse packages_locked "Process $K_PID holds $K_FILE"
    fi
    go_output=$(reboot_ask "$2" "$3" 2>&1 </dev/null)
    go_code=$?
    if [ $go_code != 0 ] || [ "$2" != now ]; then lock_release; fi
    answer_begin
    tell ok yes
    tell code "$go_code"
    printf '%s' "$go_output" | head -c 2000 | tell_bytes output
    answer_end
}

# unit_judge UNIT PIDS: UNIT_WORD is restart; or carries, when this very process would end with it; or sessions, when a
# restart leaves all but the main process alone (sshd's way) and that is none of PIDS, the stale ones.
unit_judge() {
    UNIT_WORD=restart
    case $(systemctl show -p KillMode "$1" 2>/dev/null) in
    *=process | *=none)
        uj_main=$(systemctl show -p MainPID "$1" 2>/dev/null)
        case ",$2," in *",${uj_main#*=},"*) ;; *) UNIT_WORD=sessions ;; esac
        ;;
    *) if grep -q "/$1\(/\|\$\)" /proc/self/cgroup; then UNIT_WORD=carries; fi ;;
    esac
}

# restart UNIT=PID,PID...; the unit "." is the first process, which executes itself anew.
op_restart() {
    [ -d /run/systemd/system ] || refuse no_systemd "Services are restarted through systemd, which does not run here"
    answer_begin
    tell ok yes
    for restart_word in "$@"; do
        restart_unit=${restart_word%%=*}
        if [ "$restart_unit" = . ]; then
            restart_output=$(systemctl daemon-reexec 2>&1 </dev/null)
            restart_code=$?
        else
            unit_judge "$restart_unit" "${restart_word#*=}"
            if [ $UNIT_WORD != restart ]; then
                tell $UNIT_WORD "$restart_unit"
                continue
            fi
            restart_output=$(systemctl try-restart -- "$restart_unit" 2>&1 </dev/null)
            restart_code=$?
        fi
        tell unit "$restart_code $restart_unit $(printf '%s' "$restart_output" | head -c 500 | hex)"
    done
    answer_end
}

reboot_main() {
    if ! { boot_read && self_read; }; then
        refuse unsupported_host "Reboots are proved by /proc or, on macOS, by sysctl; this host has neither"
    fi
    reboot_op=$1
    shift
    case $reboot_op in
    look) op_look ;;
    warn) op_warn "$1" ;;
    go) op_go "$@" ;;
    restart) op_restart "$@" ;;
    *) refuse bad_request "There is no operation $reboot_op" ;;
    esac
}

reboot_main "$@"
