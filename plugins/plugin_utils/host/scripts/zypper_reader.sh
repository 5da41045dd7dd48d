# shellcheck shell=sh
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Last part of the zypper reader: the host as zypper and rpm tell it. Apart from metadata, when asked to refresh it,
# nothing on the host changes: zypper works without its lock and its log, on a copy of its binary caches, which it
# writes anew wherever it finds them old. Stands after zypper_metadata.sh.
# shellcheck disable=SC2154,SC2034  # of_option_... are set in front of this text

of_updaters='zypper Zypp-main rpm packagekitd yast2 y2base YaST2.call zypp-refresh transactional-up os-update pkcon'
of_rpm_form='%{NAME}\t%{ARCH}\t%|EPOCH?{%{EPOCH}}:{0}|\t%{VERSION}\t%{RELEASE}\t%{INSTALLTIME}\t%{BUILDTIME}\t%{VENDOR}\t%{SOURCERPM}\n'
of_short_form='%{NAME}\t%{ARCH}\t%|EPOCH?{%{EPOCH}}:{0}|\t%{VERSION}\t%{RELEASE}\n'

# SECONDS ARGUMENTS...: a zypper that leaves no trace; what it unpacks for itself goes to our folder.
of_zypper() {
    of_seconds=$1
    shift
    of_within "$of_seconds" env ZYPP_READONLY_HACK=1 ZYPP_LOGFILE=/dev/null "ZYPPTMPDIR=$of_work" "TMPDIR=$of_work" \
        zypper "$@"
}

# "PID NAME FILE" of who works with packages now.
of_lock() {
    for of_file in /run/zypp.pid /var/run/zypp.pid; do
        of_pid=
        { IFS= read -r of_pid <"$of_file"; } 2>/dev/null
        of_pid=${of_pid%%[!0-9]*}
        if [ -n "$of_pid" ] && [ -d "/proc/$of_pid" ]; then
            printf '%s\t%s\t%s\n' "$of_pid" "$(cat "/proc/$of_pid/comm" 2>/dev/null)" "$of_file"
            return 0
        fi
    done
    for of_file in /var/lib/rpm/.rpm.lock /usr/lib/sysimage/rpm/.rpm.lock; do
        of_holder=$(of_file_lock "$of_file" "$of_updaters")
        [ -z "$of_holder" ] || { printf '%s\n' "$of_holder"; return 0; }
    done
}

# Seconds since the metadata of the repository that is longest without was last known to be current; nothing where one
# has none.
of_age() {
    of_now=$(date +%s)
    of_oldest=$of_now
    while IFS= read -r of_name; do
        [ -n "$of_name" ] || continue
        of_then=$(stat -c %Y "$of_raw/$of_name/repodata/repomd.xml" 2>/dev/null) || return 0
        # The clock was set back since: nobody knows when it was fetched.
        [ "$of_then" -le "$((of_now + 60))" ] || return 0
        [ "$of_then" -ge "$of_oldest" ] || of_oldest=$of_then
    done <"$of_work/enabled"
    printf '%s' "$((of_now - of_oldest))"
}

of_refresh() {
    of_most=${of_option_metadata_max_age:-3600}
    # Nobody else ever fetches the metadata of sources.
    [ -z "${of_option_sources:-}" ] || [ -n "$(of_age)" ] || of_option_refresh=always
    if [ "${of_option_refresh:-auto}" = never ]; then
        printf 'skipped=refresh is set to never\n'
        return 0
    fi
    of_old=$(of_age)
    if [ "${of_option_refresh:-auto}" = auto ] && [ -n "$of_old" ] && [ "$of_old" -le "${of_most%.*}" ]; then
        printf 'skipped=metadata is %s s old, younger than %s s\n' "$of_old" "$of_most"
        return 0
    fi
    if [ "$of_uid" != 0 ]; then
        printf 'skipped=zypper refreshes for root alone, and this user is another\n'
        return 0
    fi
    printf 'attempted=1\n'
    of_waited=0
    of_patience=${of_option_lock_timeout:-60}
    while of_holder=$(of_lock) && [ -n "$of_holder" ]; do
        if [ "$of_waited" -ge "${of_patience%.*}" ]; then
            printf 'locked=%s\nwaited=%s\n' "$of_holder" "$of_waited"
            return 0
        fi
        sleep 1
        of_waited=$((of_waited + 1))
    done
    # Without --gpg-auto-import-keys: a key that nobody has accepted yet stays unaccepted.
    of_within "${of_option_refresh_timeout:-300}" zypper --xmlout --non-interactive refresh >"$of_work/refresh" 2>&1
    printf 'ended=%s\n' "$?"
    head -c 262144 "$of_work/refresh" | of_without_secrets
}

# Aliases of repositories with this setting of `enabled`; their folders in the cache have _ for /.
of_aliases() { sed -n "s/.*<repo alias=\"\([^\"]*\)\".* enabled=\"$1\".*/\1/p" "$of_work/repositories"; }

# zypper fetches what its cache lacks, whatever --no-refresh says: it is asked about what is there alone.
of_updates() {
    set --
    while IFS= read -r of_name; do
        [ ! -r "$of_raw/$(printf '%s' "$of_name" | tr / _)/repodata/repomd.xml" ] || set -- "$@" --repo "$of_name"
    done <"$of_work/aliases"
    [ $# -gt 0 ] || { printf '<stream></stream>\n'; return 0; }
    of_zypper 600 --xmlout --non-interactive --no-refresh --solv-cache-dir "$of_work/solv" list-updates --type package "$@"
}

# The last part of the name of each that is there.
of_names() {
    for of_path do
        [ ! -e "$of_path" ] || printf '%s\n' "${of_path##*/}"
    done
}

of_snapper() { of_has snapper && of_names /etc/snapper/configs/*; }

of_workspace
if [ -n "${of_option_sources:-}" ]; then
    printf '%s\n' "$of_option_sources" >"$of_work/text"
    of_use_sources "${of_option_sources_folder:-}" <"$of_work/text"
    rm -f "$of_work/text"
    of_conf=$ZYPP_CONF
    # Its log and its temporary files are the host's else.
    ZYPP_LOGFILE=/dev/null
    ZYPPTMPDIR=$of_work
    TMPDIR=$of_work
    export ZYPP_LOGFILE ZYPPTMPDIR TMPDIR
fi
of_cache=$(of_folder_of cachedir /var/cache/zypp)
of_raw=$(of_folder_of metadatadir "$of_cache/raw")
of_section machine of_machine
of_zypper 60 --xmlout --non-interactive repos --details >"$of_work/plain" 2>/dev/null
of_without_secrets <"$of_work/plain" >"$of_work/repositories"
of_aliases 1 >"$of_work/aliases"
tr / _ <"$of_work/aliases" >"$of_work/enabled"
of_disabled=$(of_aliases 0 | tr '/\n' '_|')
of_disabled="|$of_disabled"
of_section refresh of_refresh
of_section repositories cat "$of_work/repositories"
cp -a "$(of_folder_of solvfilesdir "$of_cache/solv")" "$of_work/solv" 2>/dev/null || mkdir -p "$of_work/solv"
of_section rpm rpm -qa --queryformat "$of_rpm_form" >"$of_work/rpm"
cat "$of_work/rpm"
cut -f 1 "$of_work/rpm" | sort -u >"$of_work/names"
of_section multiversion rpm -q --whatprovides 'multiversion(kernel)' --queryformat "$of_short_form"
# zypper loads its caches meanwhile: the two take most of the time.
of_section metadata of_metadata >"$of_work/metadata" &
of_section version of_zypper 60 --version >"$of_work/version" &
of_section updates of_updates >"$of_work/updates"
wait
of_without_secrets <"$of_work/updates"
cat "$of_work/metadata" "$of_work/version"
of_section settings sed -n 's/^[[:space:]]*\([A-Za-z.]*\)[[:space:]]*=[[:space:]]*/\1=/p' /etc/zypp/zypp.conf
of_section locks cat /etc/zypp/locks
of_section automatic cat /var/lib/zypp/AutoInstalled
of_section processes of_processes "$of_updaters"
of_section lock of_lock
of_section disk of_disks / /boot /var /var/cache/zypp
of_section reboot of_names /run/reboot-needed /var/run/reboot-needed
of_section timers of_names /etc/systemd/system/timers.target.wants/*
of_section snapper of_snapper
