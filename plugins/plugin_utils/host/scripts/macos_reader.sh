# shellcheck shell=sh
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Last part of the macos reader: a Mac as softwareupdate, its receipts and Homebrew tell it. Apart from what these
# know of what there is to fetch, nothing on the host changes. Stands after sections.sh. Options of GNU programs are
# not there: ls, df, sed, awk and mktemp are those of BSD.
# shellcheck disable=SC2154,SC2016  # set in front of this text; $HOME is another shell's to fill in

of_history=/Library/Receipts/InstallHistory.plist

# NAME COMMAND...: its standard output, then its standard error, as sections of their own.
of_both() {
    of_errors=$of_work/errors
    of_name=$1
    shift
    of_section "$of_name" of_apart "$@"
    of_section "${of_name}_errors" cat "$of_errors"
}
of_apart() { "$@" 2>"$of_errors"; }

of_machine() {
    printf 'now=%s\nuid=%s\nrunning=%s\narch=%s\n' "$(date +%s)" "$of_uid" "$(uname -r)" "$(uname -m)"
    printf 'boottime=%s\n' "$(sysctl -n kern.boottime 2>/dev/null)"
    printf 'boot_session=%s\n' "$(sysctl -n kern.bootsessionuuid 2>/dev/null)"
}

of_disks() {
    for of_path in / /System/Volumes/Data; do
        [ -d "$of_path" ] || continue
        # /dev/disk3s1s1  971350180 10330260 500000000     3%    /
        df -Pk "$of_path" 2>/dev/null | awk -v path="$of_path" 'NR == 2 { print path "\t" $(NF - 4) "\t" $(NF - 2) }'
    done
}

# 66 says that there is none. The file is XML until somebody converts it.
of_installed() {
    [ -e "$of_history" ] || return 66
    if of_has plutil; then
        plutil -convert xml1 -o - "$of_history"
    else
        cat "$of_history"
    fi
}

# Apple's own are in the history with their versions, and there are hundreds; its command line tools are the exception.
of_receipts() {
    pkgutil --pkgs 2>/dev/null | grep -E -v '^com\.apple\.' | head -n 2000 >"$of_work/packages"
    pkgutil --pkgs 2>/dev/null | grep -E '^com\.apple\.pkg\.CLTools_' >>"$of_work/packages"
    while IFS= read -r of_package; do
        pkgutil --pkg-info-plist "$of_package" 2>/dev/null </dev/null
    done <"$of_work/packages"
    return 0
}

# brew stands where it is configured, or where its installer puts it.
of_find_brew() {
    for of_brew in ${of_option_brew_path:+"$of_option_brew_path"} /opt/homebrew/bin/brew /usr/local/bin/brew; do
        [ ! -x "$of_brew" ] || return 0
    done
    of_brew=
    return 1
}

# COMMAND...: brew as the owner of its folder, with nothing of our environment but the proxies, whose addresses may hold
# passwords and so come on standard input.
of_proxies() { printf '%s\n' "${http_proxy-}" "${https_proxy-}" "${all_proxy-}" "${no_proxy-}"; }
of_inner='IFS= read -r http_proxy; IFS= read -r https_proxy; IFS= read -r all_proxy; IFS= read -r no_proxy
    for each in http_proxy https_proxy all_proxy no_proxy; do
        eval "[ -z \"\$$each\" ] || export $each"
    done
    exec "$@" </dev/null'
of_outer='exec env -i "HOME=$HOME" "USER=$(id -un)" "LOGNAME=$(id -un)" PATH=/usr/bin:/bin:/usr/sbin:/sbin \
    LC_ALL=en_US.UTF-8 HOMEBREW_NO_AUTO_UPDATE=1 HOMEBREW_NO_ANALYTICS=1 HOMEBREW_NO_ENV_HINTS=1 \
    HOMEBREW_NO_INSTALL_CLEANUP=1 HOMEBREW_NO_ASK=1 HOMEBREW_NO_COLOR=1 /bin/sh -c "$@"'
of_as_owner() {
    set -- /bin/sh -c "$of_outer" sh "$of_inner" sh "$@"
    [ "$of_uid" != 0 ] || set -- sudo -n -H -u "$of_owner" -- "$@"
    of_proxies | "$@"
}

of_brew_state() {
    of_state=absent
    of_owner=
    if of_find_brew; then
        # HOMEBREW_REPOSITORY is where brew's own link leads: PREFIX/bin/brew or PREFIX/Homebrew/bin/brew
        of_real=$of_brew
        of_link=$(readlink "$of_brew" 2>/dev/null)
        case $of_link in
            /*) of_real=$of_link ;;
            ?*) of_real=${of_brew%/*}/$of_link ;;
        esac
        of_tree=$(cd "${of_real%/*}/.." 2>/dev/null && pwd -P)
        # drwxrwxr-x  20 501  80  640 Nov 20 12:00 /opt/homebrew: one form everywhere, unlike stat's
        # shellcheck disable=SC2012
        of_number=$(ls -ldn "${of_tree:-/nonexistent}" 2>/dev/null | awk '{ print $3 }')
        # shellcheck disable=SC2012
        of_owner=$(ls -ld "${of_tree:-/nonexistent}" 2>/dev/null | awk '{ print $3 }')
        if [ "$of_number" = 0 ]; then
            of_state=owner_is_root
        elif [ -z "$of_number" ] || [ "$of_owner" = "$of_number" ]; then
            of_state=no_such_user
        elif [ "$of_uid" = 0 ] && ! of_has sudo; then
            of_state=no_sudo
        elif [ "$of_uid" != 0 ] && [ "$of_uid" != "$of_number" ] && [ ! -w "$of_tree" ]; then
            of_state=not_owner
        else
            of_state=ready
        fi
    fi
    printf 'state=%s\npath=%s\nowner=%s\n' "$of_state" "$of_brew" "$of_owner"
}

# SECONDS ARGUMENTS...
of_brew() {
    of_seconds=$1
    shift
    if of_has perl; then
        of_as_owner env PERL_BADLANG=0 perl -e 'alarm shift; exec @ARGV or exit 127' "$of_seconds" "$of_brew" "$@"
    else
        of_as_owner "$of_brew" "$@"
    fi
}

of_update_brew() {
    if [ "${of_option_refresh:-auto}" = never ]; then
        printf 'skipped=refresh is set to never\n'
        return 0
    fi
    of_limit_brew=${of_option_refresh_timeout:-300}
    of_brew "${of_limit_brew%.*}" update
}

of_homebrew() {
    [ "$of_state" = ready ] || return 0
    of_both brew_update of_update_brew
    for of_kind in formula cask; do
        of_both "brew_outdated_$of_kind" of_brew 120 outdated --json=v2 "--$of_kind"
        of_both "brew_list_$of_kind" of_brew 120 list --versions "--$of_kind"
    done
    of_both brew_taps of_brew 60 tap
    of_both brew_version of_brew 60 --version
}

of_list_updates() {
    of_most=${of_option_refresh_timeout:-600}
    # shellcheck disable=SC2086  # none or one word
    of_within "${of_most%.*}" softwareupdate --list $of_scan
}

# macOS does not know C.UTF-8 everywhere, and has this one everywhere.
[ "$(uname -s)" != Darwin ] || LC_ALL=en_US.UTF-8
of_workspace
of_scan=
# After an installation softwareupdate is asked anew: what it remembers may be what it offered before.
[ "${of_option_asked_refresh:-${of_option_refresh:-auto}}" != never ] || of_scan=--no-scan
of_section machine of_machine
of_section sw_vers sw_vers
of_section updates_command printf '%s' "softwareupdate --list $of_scan"
of_both updates of_list_updates
of_section history of_installed
of_section receipts of_receipts
of_section disk of_disks
of_brew_state >"$of_work/brew"
of_section brew cat "$of_work/brew"
of_homebrew
