# shellcheck shell=sh
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Acts on a host with zypper. It stands around the real run: right before it, zypper is asked once more what it would do,
# and nothing is done where that is anything beyond what the simulation showed.
#
#   simulate OPTIONS -- WORDS / WORDS ...   what zypper would do for each set of words, one after the other
#   install ORDER [SOURCES]                 does what the file says, see of_install
#   mark NAMES                              puts automatic marks back that naming a package takes away
#   repair [SOURCES]                        ends replacements of packages that were cut off half-way
#
# SOURCES is a file, see of_use_file. Simulations find its parts in the environment. Stands after zypper_sources.sh.
# WORDS are name.architecture=version, of what is to go with a ! before. OPTIONS: "agree" to licences, "locks" and "vendors"
# that are not to count, "back" to older versions.

PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin
LC_ALL=C.UTF-8
export PATH LC_ALL
unset ZYPP_CONF
of_marks=/var/lib/zypp/AutoInstalled
of_history=/var/log/zypp/history
of_work=
of_sources=
of_until=
trap '[ -z "$of_work" ] || rm -rf "$of_work"' EXIT
trap 'exit 143' HUP INT TERM

of_say() { printf 'openfleet-patch: %s\n' "$*"; }

of_workspace() {
    umask 077
    of_parent=/tmp
    [ ! -w /dev/shm ] || of_parent=/dev/shm
    of_work=$(mktemp -d "$of_parent/openfleet-patch-XXXXXX") || exit 1
}

# Nothing new but what is needed, and every file checked before the first is touched.
of_arguments='--no-recommends --download-in-advance --type package'
of_allow() {
    case $1 in
        agree) of_arguments="--auto-agree-with-licenses $of_arguments" ;;
        back) of_arguments="--oldpackage $of_arguments" ;;
        vendors) of_arguments="--allow-vendor-change $of_arguments" ;;
        locks)
            of_own_conf
            printf 'locksfile.apply = no\n' >>"$of_work/zypp.conf"
            ;;
    esac
}

# The same without its lock, its log and its caches: changes nothing.
# shellcheck disable=SC2086  # options that are written above
of_simulate() {
    [ -d "$of_work/solv" ] || cp -a "${of_sources:-/var/cache/zypp}/${of_sources:+cache/}solv" "$of_work/solv" 2>/dev/null ||
        mkdir -p "$of_work/solv"
    env ZYPP_READONLY_HACK=1 ZYPP_LOGFILE=/dev/null "ZYPPTMPDIR=$of_work" "TMPDIR=$of_work" \
        zypper --xmlout --non-interactive --no-refresh --solv-cache-dir "$of_work/solv" install $of_arguments --dry-run --details -- "$@" 2>/dev/null </dev/null
}

of_simulate_all() {
    of_workspace
    if [ -n "${OPENFLEET_PATCH_SOURCES:-}" ]; then
        of_place=$OPENFLEET_PATCH_SOURCES_FOLDER
        printf '%s\n' "$OPENFLEET_PATCH_SOURCES" >"$of_work/text"
        unset OPENFLEET_PATCH_SOURCES OPENFLEET_PATCH_SOURCES_FOLDER
        of_use_sources "$of_place" <"$of_work/text"
    fi
    while [ "$1" != -- ]; do
        of_allow "$1"
        shift
    done
    shift
    set -- "$@" /
    of_count=0
    # Words before the next / are taken off the front, put behind, and cut off again.
    while [ $# -gt 0 ]; do
        of_batch=
        while [ "$1" != / ]; do
            of_batch="$of_batch $1"
            shift
        done
        shift
        of_count=$((of_count + 1))
        printf '\nopenfleet-patch-batch %s\n' "$of_count"
        # shellcheck disable=SC2086  # names and versions have no spaces
        of_simulate $of_batch
        printf '\nopenfleet-patch-code %s\n' "$?"
    done
}

# "arrive NAME ARCH VERSION" and "leave NAME ARCH VERSION", from what zypper announces as XML
of_announced() {
    awk 'BEGIN { RS = ">" }
        function word(key,   rest) {
            if (!match($0, "[ \t\n]" key "=\"[^\"]*\"")) return "-"
            rest = substr($0, RSTART, RLENGTH)
            sub(/^[^"]*"/, "", rest)
            sub(/"$/, "", rest)
            return rest
        }
        /<to-[a-z-]+$/ { group = ($0 ~ /<to-remove$/) ? "leave" : "arrive" }
        /<solvable[ \t\n]/ && word("type") == "package" { print group, word("name"), word("arch"), word("edition") }'
}

# FILE: the folder of the sources in the first line, their repositories below.
of_use_file() {
    [ -n "$1" ] || return 0
    { IFS= read -r of_place && cat >"$of_work/text"; } <"$1" || exit 1
    of_use_sources "$of_place" <"$of_work/text"
    rm -f "$of_work/text"
}

# ORDER has lines "target WORD", "expect arrive|leave NAME ARCH VERSION", "allow OPTION" and "lock_timeout SECONDS".
of_install() {
    of_workspace
    of_use_file "${2:-}"
    of_patience=0
    of_words=
    grep '^expect ' "$1" | cut -d ' ' -f 2- >"$of_work/expected"
    while read -r of_key of_value; do
        case $of_key in
            target) of_words="$of_words $of_value" ;;
            allow) of_allow "$of_value" ;;
            lock_timeout) of_patience=$of_value ;;
        esac
    done <"$1"
    # shellcheck disable=SC2086  # names and versions have no spaces
    set -- $of_words
    of_wait
    of_repair || exit 91
    of_check "$@" || exit "$of_code"
    of_before=$(of_snapshots)
    of_run "$@"
    of_snapshots | while read -r of_number; do
        case " $(printf '%s' "$of_before" | tr '\n' ' ') " in *" $of_number "*) ;; *) of_say "snapshot $of_number" ;; esac
    done
    exit "$of_code"
}

# Asks zypper once more, right before each run of it. Fails where there must be none, of_code is then what to end with.
of_check() {
    of_simulate "$@" >"$of_work/announced"
    of_code=$?
    case $of_code in
        0 | 100 | 101 | 102 | 103 | 106) ;;
        *)
            of_say "zypper refuses before anything is changed:"
            # shellcheck disable=SC2086  # options that are written above
            zypper --non-interactive --no-color --no-refresh install $of_arguments --dry-run --details -- "$@" </dev/null
            return 1
            ;;
    esac
    of_code=90
    of_announced <"$of_work/announced" >"$of_work/arriving"
    grep -v -x -F -f "$of_work/expected" "$of_work/arriving" >"$of_work/unexpected"
    of_compared=$?
    # More than 1 is grep itself failing, on a full disk for one.
    [ "$of_compared" != 1 ] || grep -q '</stream>' "$of_work/announced" || of_compared=2
    case $of_compared in
        0)
            of_say "error: zypper would also do what the simulation did not show: $(tr '\n' ';' <"$of_work/unexpected")"
            return 1
            ;;
        1) ;;
        *)
            of_say "error: what zypper would do cannot be compared with the simulation, so nothing is done"
            return 1
            ;;
    esac
    of_code=0
    [ ! -s "$of_work/arriving" ] || return 0
    of_say "all of it is there already"
    return 1
}

# Whoever works with zypper now, as "NAME (pid PID) holds FILE".
of_holder() {
    for of_file in /run/zypp.pid /var/run/zypp.pid; do
        of_pid=
        { IFS= read -r of_pid <"$of_file"; } 2>/dev/null
        of_pid=${of_pid%%[!0-9]*}
        if [ -n "$of_pid" ] && [ -d "/proc/$of_pid" ]; then
            printf '%s (pid %s) holds %s' "$(cat "/proc/$of_pid/comm" 2>/dev/null)" "$of_pid" "$of_file"
            return 0
        fi
    done
    return 1
}

# Until nobody else works with packages, as long as the order says in all; exit code 7 as zypper's own.
of_wait() {
    [ -n "$of_until" ] || of_until=$(($(date +%s) + of_patience))
    of_told=
    while of_busy=$(of_holder); do
        if [ "$(date +%s)" -ge "$of_until" ]; then
            of_say "error: $of_busy"
            exit 7
        fi
        [ -n "$of_told" ] || of_say "waiting: $of_busy"
        of_told=1
        sleep 2
    done
}

# Exit codes of zypper(8): 102 and 103 ask for a reboot and for another run, 106 says that a repository was left out,
# 107 that a package was installed and its own script failed, as its log tells; 7 is somebody else at work.
of_run() {
    of_turn=1
    while :; do
        # shellcheck disable=SC2086  # options that are written above
        zypper --non-interactive --no-color --no-refresh install $of_arguments --details -- "$@" </dev/null
        of_code=$?
        of_say "zypper ended with $of_code"
        case $of_code in
            7)
                [ "$(date +%s)" -lt "$of_until" ] || return 0
                sleep 2
                of_wait
                ;;
            103)
                of_turn=$((of_turn + 1))
                [ "$of_turn" -le 5 ] || return 0
                of_say "the package manager itself was renewed; once more"
                ;;
            100 | 101 | 102 | 106 | 107)
                of_code=0
                return 0
                ;;
            *) return 0 ;;
        esac
        of_check "$@" || return 0
    done
}

# Numbers of snapper's snapshots, where it makes them.
of_snapshots() {
    [ -e /etc/snapper/configs/root ] || return 0
    #  12 | pre  |     | ...   or, of a single one that is in use,   5* | single
    snapper -c root list 2>/dev/null </dev/null | sed -n 's/^ *\([0-9][0-9]*\)[-+*]* *[|│].*/\1/p;s/^[a-z]* *[|│] *\([0-9][0-9]*\) *[|│].*/\1/p'
}

of_mark() {
    [ -r "$of_marks" ] || return 0
    { cat "$of_marks" && printf '%s\n' "$@"; } | awk '/^#/ || !NF || !seen[$0]++' >"$of_marks.openfleet" &&
        chmod 644 "$of_marks.openfleet" && sync && mv -f "$of_marks.openfleet" "$of_marks"
}

# Of a package that was being replaced when the host lost power, rpm has the version that came and still the one before.
# What is left to do is what rpm would have done next: erase that. Which one came an order says where there is one, else
# the times at which they did. Two versions that somebody put beside each other with rpm are his own: those that came before
# zypper began to work last, and those that zypper notes as done.
of_repair() {
    of_form='%{NAME}.%{ARCH} %{INSTALLTIME} %{NAME}-%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}.%{ARCH}\n'
    rpm -q --whatprovides 'multiversion(kernel)' --queryformat "$of_form" >"$of_work/beside" 2>/dev/null
    [ -f "$of_work/expected" ] || : >"$of_work/expected"
    rpm -qa --queryformat "$of_form" | grep -v '^gpg-pubkey' | grep -v -x -F -f "$of_work/beside" |
        awk -v ordered="$of_work/expected" '
            BEGIN { while ((getline line <ordered) > 0) if (split(line, word, " ") == 4 && word[1] == "arrive") came[word[2] "-" word[4] "." word[3]] }
            # A word: not every awk writes a large number as it is.
            $3 in came { $2 = "99999999999" }
            { print }' |
        sort -k 1,1 -k 2,2n >"$of_work/all"
    of_since=$(awk -F '|' '!/^#/ && $2 == "command" { last = $1 } END { print last }' "$of_history" 2>/dev/null)
    of_since=$(date -d "${of_since:-1970-01-01}" +%s 2>/dev/null)
    # 2026-11-21 13:01:02|install|acme|1.1-1|noarch|root@host|...
    awk -F '|' '!/^#/ && $2 == "command" { split("", done) } !/^#/ && $2 == "install" { done[$3 "-" $4 "." $5] = 1 }
        END { for (word in done) print word }' "$of_history" >"$of_work/done" 2>/dev/null
    awk -v since="${of_since:-0}" -v noted="$of_work/done" '
        BEGIN { while ((getline line <noted) > 0) done[line] = 1 }
        $1 == name && ($2 == "99999999999" || ($2 + 0 >= since + 0 && !($3 in done))) { print older }
        { name = $1; older = $3 }' "$of_work/all" >"$of_work/older"
    of_worst=0
    while read -r of_old; do
        of_may_erase "$of_old" || continue
        of_say "left by an interrupted transaction: $of_old, whose replacement is there; erasing it"
        rpm -e --nodeps "$of_old" </dev/null || of_worst=$?
    done <"$of_work/older"
    return "$of_worst"
}

# Not what may stay beside other versions of itself, be it that rpm did not list it above or that zypp.conf says so; every
# package provides its own name. Not what rpm cannot tell of.
of_may_erase() {
    of_provided=$(rpm -q --provides "$1") || return 1
    for of_word in 'multiversion(kernel)' \
        $(sed -n 's/^[[:blank:]]*multiversion[[:blank:]]*=//p' /etc/zypp/zypp.conf 2>/dev/null | tr ',' ' '); do
        printf '%s\n' "$of_provided" | awk -v word="${of_word#provides:}" '$1 == word { found = 1 } END { exit !found }' &&
            return 1
    done
    return 0
}

of_operation=$1
shift
case $of_operation in
    simulate) of_simulate_all "$@" ;;
    install) of_install "$@" ;;
    mark) of_mark "$@" ;;
    repair)
        of_workspace
        of_use_file "${1:-}"
        of_patience=60
        of_wait
        of_repair
        ;;
    *) exit 64 ;;
esac
