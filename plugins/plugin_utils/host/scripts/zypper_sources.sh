# shellcheck shell=sh
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Part of the zypper reader and of the program that acts with zypper: repositories that replace those of the host for one
# run. zypper finds them, and nothing else, by a configuration in our folder of this run; what opens them is there alone.
# shellcheck disable=SC2154  # of_work is set by the text around it

# A copy of the host's configuration in our folder, to which settings can be added; the last of one name counts.
of_own_conf() {
    [ "${ZYPP_CONF:-}" != "$of_work/zypp.conf" ] || return 0
    cp /etc/zypp/zypp.conf "$of_work/zypp.conf" 2>/dev/null || printf '[main]\n' >"$of_work/zypp.conf"
    printf '\n' >>"$of_work/zypp.conf"
    ZYPP_CONF=$of_work/zypp.conf
    export ZYPP_CONF
}

# FOLDER, else one in our own, with the text of the repository file on standard input. Folders of earlier runs beside it
# go.
of_use_sources() {
    of_sources=${1:-$of_work/sources}
    case $of_sources in
        /var/cache/openfleet-patch/*)
            [ -d /var/cache/openfleet-patch ] || mkdir -m 711 /var/cache/openfleet-patch
            for of_path in /var/cache/openfleet-patch/*; do
                [ "$of_path" = "$of_sources" ] || rm -rf "$of_path"
            done
            ;;
    esac
    [ -d "$of_sources" ] || mkdir -m 700 "$of_sources" || exit 1
    # Never one that somebody else put there.
    [ -n "$(find "$of_sources" -prune -type d -user "$(id -u)")" ] || exit 1
    mkdir -p "$of_work/repos.d" "$of_work/services.d" "$of_sources/cache" || exit 1
    cat >"$of_work/repos.d/openfleet-patch.repo"
    of_own_conf
    {
        printf 'reposdir = %s\nservicesdir = %s\n' "$of_work/repos.d" "$of_work/services.d"
        printf 'cachedir = %s\nmetadatadir = %s\n' "$of_sources/cache" "$of_sources/cache/raw"
        printf 'solvfilesdir = %s\npackagesdir = %s\n' "$of_sources/cache/solv" "$of_sources/cache/packages"
    } >>"$of_work/zypp.conf"
}
