# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
#
# Stands after the parts whose functions it replaces, of the job runner and of the program that reboots: macOS has
# sysctl and ps in place of /proc. Where /proc is, nothing here is run.

MAC=
if [ ! -e /proc/self/stat ] && [ "$(uname -s)" = Darwin ]; then
    MAC=yes

    boot_read() {
        BOOT=$(sysctl -n kern.bootsessionuuid 2>/dev/null | tr 'A-F' 'a-f')
        [ -n "$BOOT" ]
    }

    # BOOT_SECONDS, of "{ sec = 1763647200, usec = 512345 } Thu Nov 20 14:00:00 2026". A clock that is set moves it along,
    # so the age that is counted from it stays true.
    boottime_read() {
        BOOT_SECONDS=$(sysctl -n kern.boottime 2>/dev/null | sed -n 's/^{ sec = \([0-9][0-9]*\),.*/\1/p')
        [ -n "$BOOT_SECONDS" ]
    }

    # "1 812 Ss Fri Nov 20 14:00:00 2026". Sessions have no number there; the group of a leader stands for its session.
    process_read() {
        p_line=$(ps -o ppid= -o pgid= -o stat= -o lstart= -p "$1" 2>/dev/null) || return 1
        # shellcheck disable=SC2086
        set -- $p_line
        [ $# -ge 8 ] || return 1
        P_PPID=$1 P_SID=$2 P_STATE=${3%"${3#?}"}
        P_START=$4_$5_$6_$7_$8
    }

    # The processes of a unit: its leader's group, and whatever descends from that. What hands work to a daemon of
    # the system (softwareupdate does) leaves that one alone.
    tree_list() {
        tl_leader='' tl_start='' tl_boot='' TREE=' '
        { read -r tl_leader tl_start tl_boot <"$1/pid"; } 2>/dev/null
        [ -n "$tl_leader" ] && [ "$tl_boot" = "$BOOT" ] || return 1
        if process_read "$tl_leader" && [ "$P_START" != "$tl_start" ]; then return 1; fi
        TREE=" $(ps -A -o pid= -o ppid= -o pgid= -o stat= | awk -v leader="$tl_leader" -v self="$$" '
            { parent[$1] = $2; state[$1] = $4; if ($1 == leader || $3 == leader) tree[$1] = 1 }
            END {
                for (grown = 1; grown;) {
                    grown = 0
                    for (pid in parent)
                        if (!(pid in tree) && (parent[pid] in tree)) { tree[pid] = 1; grown = 1 }
                }
                for (pid in tree) if (pid != self && state[pid] !~ /^Z/) printf "%s ", pid
            }')"
        [ "$TREE" != ' ' ]
    }

    tree_describe() {
        for td_pid in $TREE; do
            ps -o pid= -o ppid= -o state= -o wchan= -o comm= -p "$td_pid" 2>/dev/null |
                while read -r td_pid td_parent td_state td_wait td_name; do
                    printf '%s %s %s %s %s\n' "$td_pid" "$td_parent" "$td_state" "$td_wait" "${td_name##*/}"
                done
        done
    }

    hook_text_launchd() {
        printf '%s\n' '<?xml version="1.0" encoding="UTF-8"?>' '<plist version="1.0"><dict>' \
            '<key>Label</key><string>openfleet-patch-recover</string>' \
            '<key>ProgramArguments</key><array>' \
            "<string>$SHELL_PATH</string><string>$JOB/runner</string><string>run</string><string>$JOB</string>" \
            '</array>' '<key>RunAtLoad</key><true/>' '<key>AbandonProcessGroup</key><true/>' '</dict></plist>'
    }
fi
