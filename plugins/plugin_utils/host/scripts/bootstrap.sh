# shellcheck shell=sh
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs on the managed host inside an `eval`, under dash, bash, busybox ash or ksh. The lines that the controller
# puts in front of this text set of_mark, of_limit, of_total, of_stage, of_table and $@ (interpreters to try
# first). Standard input continues with of_total bytes: loader, request and readers, see payload.py. Options of the
# request also come as of_option_NAME, for readers in sh.
# shellcheck disable=SC2154  # set in front of this text

# Whatever anybody prints from here on is noise; the answer travels on descriptor 3.
exec 3>&1 1>&2
PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin
LC_ALL=C.UTF-8
export PATH LC_ALL
unset LANGUAGE BASH_ENV ENV CDPATH
cd / || exit 1

of_say() { printf '%s=%s\n' "$1" "$2" >&3; }
of_has() { command -v "$1" >/dev/null 2>&1; }
of_word() {
    of_word=$1
    of_word=${of_word#[\"\']}
    of_word=${of_word%[\"\']}
}

printf '\n%s begin system\n' "$of_mark" >&3
of_kernel=$(uname -s -r -m 2>/dev/null)
of_say kernel "$of_kernel"
of_uid=
if [ -r /proc/self/status ]; then
    # "Uid:	0	0	0	0": saves a process
    # shellcheck disable=SC2034
    while read -r of_line of_uid of_rest; do
        [ "$of_line" != Uid: ] || break
    done < /proc/self/status
fi
[ -n "$of_uid" ] || of_uid=$(id -u 2>/dev/null)
of_say uid "$of_uid"

of_id=
of_like=
for of_file in /etc/os-release /usr/lib/os-release; do
    [ -r "$of_file" ] || continue
    of_count=0
    while IFS= read -r of_line || [ -n "$of_line" ]; do
        of_count=$((of_count + 1))
        [ "$of_count" -le 100 ] || break
        of_say os_release "$of_line"
        case $of_line in
            ID=*) of_word "${of_line#ID=}"; of_id=$of_word ;;
            ID_LIKE=*) of_word "${of_line#ID_LIKE=}"; of_like=$of_word ;;
        esac
    done < "$of_file"
    break
done
for of_file in /etc/debian_version /etc/redhat-release /etc/system-release /etc/SuSE-release; do
    [ -r "$of_file" ] || continue
    IFS= read -r of_line < "$of_file" || :
    of_say "file:$of_file" "$of_line"
done

# A host whose root is an image is patched by replacing the image, not package by package.
of_image=
if [ -e /run/ostree-booted ]; then
    of_image=ostree
    of_has bootc && of_image=bootc
elif [ ! -w / ] && [ -r /proc/self/mounts ]; then
    # Root can write to / unless it is read-only; for others the mounts tell.
    # "overlay / overlay ro,relatime 0 0"; the last mount on / is the one that counts
    case $(sed -n 's,^[^ ]* / [^ ]* \(r[ow]\)[, ].*,\1,p' /proc/self/mounts) in
        *ro)
            of_image=read_only_root
            of_has transactional-update && of_image=transactional
            ;;
    esac
fi
of_say image "$of_image"

# What installs of ours put here since the last boot, and whether one was cut off; docs/journal.md.
of_state=/var/lib/openfleet-patch
if [ -r "$of_state/current" ] && IFS= read -r of_line < "$of_state/current"; then
    of_end=unfinished
    [ ! -s "$of_state/jobs/$of_line/result" ] || of_end=finished
    [ ! -d "$of_state/jobs/$of_line" ] || of_say job "$of_line $of_end"
fi
of_boot=
case $of_kernel in
    Darwin*) of_boot=$(sysctl -n kern.bootsessionuuid 2>/dev/null | tr 'A-F' 'a-f') ;;
    *) [ ! -r /proc/sys/kernel/random/boot_id ] || IFS= read -r of_boot < /proc/sys/kernel/random/boot_id || : ;;
esac
if [ -n "$of_boot" ] && [ -r "$of_state/pending/$of_boot" ]; then
    while IFS= read -r of_line; do
        of_say pending "$of_line"
    done < "$of_state/pending/$of_boot"
fi

of_managers=
for of_name in apt-get dnf5 dnf microdnf yum zypper softwareupdate brew; do
    of_has "$of_name" && of_managers="$of_managers $of_name"
done
of_say managers "${of_managers# }"

# The os-release text decides before the commands do: a Debian host may carry dnf as a tool, and Fedora apt.
of_order='apt-get dnf dnf5 yum zypper softwareupdate'
case " $of_id $of_like " in
    *' debian '* | *' ubuntu '* | *' raspbian '*) of_order='apt-get' ;;
    *' suse '* | *' opensuse '* | *' sles '* | *' sles_sap '*) of_order='zypper' ;;
    *' rhel '* | *' fedora '* | *' centos '* | *' amzn '*) of_order='dnf dnf5 yum' ;;
esac
# A Mac may have other systems' package managers from Homebrew or MacPorts.
case $of_kernel in Darwin*) of_order='softwareupdate' ;; esac
of_manager=
for of_name in $of_order; do
    case " $of_managers " in *" $of_name "*) of_manager=$of_name; break ;; esac
done
# Since Fedora 41 the command dnf is a link to dnf5, and Python's dnf module is another program's.
if [ "$of_manager" = dnf ]; then
    case $(readlink "$(command -v dnf)" 2>/dev/null) in *dnf5) of_manager=dnf5 ;; esac
    # Where dnf is the host's own, yum is a link to it; where yum is a program of its own, dnf is an extra (EL7).
    case " $of_managers " in
        *' yum '*) [ -L "$(command -v yum)" ] || of_manager=yum ;;
    esac
fi

of_reader=
of_language=python
of_modules=
of_pythons=
case $of_manager in
    apt-get)
        of_reader=apt
        of_modules=apt_pkg
        of_pythons='/usr/bin/python3'
        ;;
    dnf)
        of_reader=dnf
        of_modules=dnf
        of_pythons='/usr/libexec/platform-python /usr/bin/python3'
        ;;
    dnf5)
        of_reader=dnf5
        of_modules=libdnf5
        of_pythons='/usr/bin/python3'
        ;;
    yum)
        of_reader=yum
        of_modules=yum
        of_pythons='/usr/bin/python2 /usr/bin/python2.7 /usr/bin/python2.6 /usr/bin/python'
        ;;
    zypper)
        of_reader=zypper
        of_language=shell
        ;;
    softwareupdate)
        of_reader=macos
        of_language=shell
        ;;
esac
of_say reader "$of_reader"
case " $of_table" in
    *" $of_reader:"*) ;;
    *) of_reader= ;;
esac
printf '%s end system\n' "$of_mark" >&3

if [ -z "$of_image" ] && [ -n "$of_reader" ] && [ "$of_language" = shell ]; then
    # "apt:5000:30000 zypper:35000:9000": where each reader starts, and its bytes
    of_row=" $of_table "
    of_row=${of_row#*" $of_reader:"}
    of_row=${of_row%% *}
    of_text=$({ dd bs="$of_total" count=1 iflag=fullblock 2>/dev/null || dd bs=1 count="$of_total" 2>/dev/null; } |
        tail -c +"$((${of_row%:*} + 1))" | head -c "${of_row#*:}")
    printf '\n%s begin interpreters\nused=/bin/sh\n%s end interpreters\n' "$of_mark" "$of_mark" >&3
    printf '\n%s begin sections\n' "$of_mark" >&3
    # The last line says that nothing was cut; a reader that ends early never gets there.
    (exec 3>&-; eval "$of_text"; printf '\n%s complete\n' "$of_mark") | gzip -1 -c | base64 >&3
    printf '\n%s end sections\n' "$of_mark" >&3
elif [ -z "$of_image" ] && [ -n "$of_reader" ]; then
    printf '\n%s begin interpreters\n' "$of_mark" >&3
    for of_name in 3.14 3.13 3.12 3.11 3.10 3.9 3.8 3.7 3.6 3.5 3.4 3; do
        of_pythons="$of_pythons /usr/bin/python$of_name"
    done
    of_seen=' '
    # shellcheck disable=SC2086  # a list of paths that are written above
    for of_python in "$@" $of_pythons; do
        case $of_seen in *" $of_python "*) continue ;; esac
        of_seen="$of_seen$of_python "
        if ! of_has "$of_python"; then
            # Only what somebody asked for is worth a line when it is not there.
            case " $of_pythons " in *" $of_python "*) ;; *) of_say tried "$of_python not found" ;; esac
            continue
        fi
        # The probe and the run are one process: it imports the library first and leaves standard input alone
        # until that has worked. Descriptor 4 is how it says why not; ksh hands 3 down only where it is named.
        # With -B no compiled files are left on the host.
        # shellcheck disable=SC2086
        of_why=$("$of_python" -BESs -c "$of_stage" "$of_modules" $of_total $of_limit "$of_mark" "$of_reader" "$of_table" \
            3>&3 4>&1 1>&2)
        of_code=$?
        case $of_code in
            0) of_say used "$of_python"; break ;;
            97 | 126 | 127) of_say tried "$of_python ${of_why:-cannot be started (exit code $of_code)}" ;;
            *) of_say broke "$of_python exit code $of_code"; break ;;
        esac
    done
    printf '%s end interpreters\n' "$of_mark" >&3
fi
exit 0
