# shellcheck shell=sh
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Part of a reader in sh: facts of a Linux host that no package manager decides, from /proc and the file system.
# Stands after sections.sh. of_uid is the bootstrap's.
# shellcheck disable=SC2154  # set in front of this text

of_machine() {
    printf 'now=%s\nuid=%s\nrunning=%s\narch=%s\n' "$(date +%s)" "$of_uid" "$(uname -r)" "$(uname -m)"
    printf 'boot_id=%s\n' "$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)"
    sed -n 's/^btime /btime=/p' /proc/stat 2>/dev/null
    # "1 (systemd) S 0 1 ...": the 22nd field, in ticks since the machine's boot
    printf 'init_start=%s\n' "$(sed 's/.*) //' /proc/1/stat 2>/dev/null | cut -d ' ' -f 20)"
    printf 'ticks=%s\n' "$(getconf CLK_TCK 2>/dev/null)"
    if [ -e /run/systemd/container ] || [ -e /.dockerenv ] ||
        tr '\0' '\n' </proc/1/environ 2>/dev/null | grep -q '^container='; then
        printf 'container=yes\n'
    fi
}

# Of each folder that is there: PATH, kibibytes in all and free, free inodes.
of_disks() {
    for of_path do
        shift
        [ ! -d "$of_path" ] || set -- "$@" "$of_path"
    done
    # /dev/sda2  41922560 3145728 38776832  8% /: a line for each, in their order
    { df -Pk "$@" && df -Pi "$@"; } 2>/dev/null | awk -v paths="$*" '
        BEGIN { count = split(paths, path, " ") }
        NR == 1 || NR == count + 2 { next }
        NR <= count + 1 { sizes[NR - 1] = $(NF - 4) " " $(NF - 2); next }
        { print path[NR - count - 2] "\t" sizes[NR - count - 2] "\t" $(NF - 2) }'
}

# Lines "running PID NAME" for processes named in $1, "stale PID NAME SERVICE PATH" for those that still use replaced
# files of packages, and how many could not be looked at.
of_processes() {
    of_hidden=0
    of_seen=0
    for of_folder in /proc/[0-9]*; do
        of_name=
        { IFS= read -r of_name <"$of_folder/comm"; } 2>/dev/null || continue
        of_seen=$((of_seen + 1))
        case " $1 " in *" $of_name "*) printf 'running\t%s\t%s\n' "${of_folder#/proc/}" "$of_name" ;; esac
        [ -r "$of_folder/environ" ] || of_hidden=$((of_hidden + 1))
    done
    printf 'seen\t%s\nhidden\t%s\n' "$of_seen" "$of_hidden"
    # 7f53..-7f54.. r-xp 00000000 00:1f 12345   /usr/lib64/libssl.so.3;5f3e6d7c (deleted): rpm writes beside the old file
    of_within 5 grep -s -H ' (deleted)$' /proc/[0-9]*/maps >"$of_work/maps"
    [ $? -ne 124 ] || printf 'truncated\t1\n'
    sed -n -e 's,^/proc/\([0-9]*\)/maps:[^ ]* *[^ ]* *[^ ]* *[^ ]* *[^ ]* *\(/.*\) (deleted)$,\1 \2,p' "$of_work/maps" |
        sed -e 's/;[0-9a-f]\{8\}$//' |
        grep -E '^[0-9]+ /(usr/)?(local/)?(lib|lib32|lib64|libx32|libexec|bin|sbin)/' | sort -u |
        while read -r of_pid of_path; do
            of_name=
            { IFS= read -r of_name <"/proc/$of_pid/comm"; } 2>/dev/null || continue
            of_group=$(cat "/proc/$of_pid/cgroup" 2>/dev/null)
            # What runs in a container has files of its own.
            case $of_group in *docker* | *kubepods* | *containerd* | */lxc* | *machine.slice* | *libpod*) continue ;; esac
            of_service=$(printf '%s\n' "$of_group" | sed -n 's,.*/\([^/]*\.service\).*,\1,p' | head -n 1)
            printf 'stale\t%s\t%s\t%s\t%s\n' "$of_pid" "$of_name" "$of_service" "$of_path"
        done
}

# FILE NAMES: "PID NAME FILE" of the process among NAMES that holds a lock on the file.
of_file_lock() {
    of_inode=$(stat -c %i "$1" 2>/dev/null)
    [ -n "$of_inode" ] || return 0
    # 1: POSIX  ADVISORY  WRITE 3568 fd:00:2531452 0 EOF
    # shellcheck disable=SC2013  # words of digits
    for of_pid in $(sed -n "s/^.* WRITE *\([0-9]*\) [0-9a-f]*:[0-9a-f]*:$of_inode .*/\1/p" /proc/locks 2>/dev/null); do
        of_name=
        { IFS= read -r of_name <"/proc/$of_pid/comm"; } 2>/dev/null || continue
        case " $2 " in *" $of_name "*) printf '%s\t%s\t%s\n' "$of_pid" "$of_name" "$1"; return 0 ;; esac
    done
}
