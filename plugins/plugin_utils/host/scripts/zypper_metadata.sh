# shellcheck shell=sh
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Part of the zypper reader: what the cached metadata of repositories says of packages that are installed. zypper's own
# output names patches without their packages, and packages without their build times. Stands after linux_facts.sh.
#
# A repository has tens of thousands of packages and thousands of patches, of which a host has a few: so an awk program
# takes the elements as they come (a record ends with ">") and passes on, as lines of tab-separated fields, what names
# a package that the file of names has. Entities stay as they are.
# shellcheck disable=SC2154  # set by the other parts

of_conf=/etc/zypp/zypp.conf
of_folder_of() { # NAME DEFAULT: a folder's setting in zypp.conf
    of_set=$(sed -n "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*\([^[:space:]]*\).*/\1/p" "$of_conf" 2>/dev/null |
        tail -n 1)
    printf '%s' "${of_set:-$2}"
}

of_unpack() {
    case $1 in
        *.gz) gzip -dc "$1" ;;
        *.xz) xz -dc "$1" ;;
        *.bz2) bzip2 -dc "$1" ;;
        *.zst) zstd -dcq "$1" ;;
        *.xml) cat "$1" ;;
        *) return 2 ;;
    esac
}

# What every awk program here needs: the tag of the record, the text in front of it, which is the content of an element
# where it ends, and attributes.
# shellcheck disable=SC2016  # awk's own
of_awk_words='
FILENAME != "-" { wanted[$0] = 1; next }
{
    if (!match($0, /<[^ \t\r\n]*/)) next
    tag = substr($0, RSTART + 1, RLENGTH - 1)
    before = RSTART - 1
}
function clean(text) { gsub(/[\t\r\n]/, " ", text); return text }
function content() { return clean(substr($0, 1, before)) }
function word(key,   rest) {
    if (!match($0, "[ \t\n]" key "=\"[^\"]*\"")) return ""
    rest = substr($0, RSTART, RLENGTH)
    sub(/^[^"]*"/, "", rest)
    sub(/"$/, "", rest)
    return clean(rest)
}
'

# P name arch epoch version release build size installed vendor source
# shellcheck disable=SC2016
of_awk_primary='
tag == "/name" { name = content(); here = (name in wanted); arch = vendor = source = build = size = installed = ""; next }
tag == "/metadata" { print "p"; next }
!here { next }
tag == "/arch" { arch = content(); next }
tag == "version" { epoch = word("epoch"); version = word("ver"); release = word("rel"); next }
tag == "time" { build = word("build"); next }
tag == "size" { size = word("package"); installed = word("installed"); next }
tag == "/rpm:vendor" { vendor = content(); next }
tag == "/rpm:sourcerpm" { source = content(); next }
tag == "/package" {
    print "P\t" name "\t" arch "\t" epoch "\t" version "\t" release "\t" build "\t" size "\t" installed "\t" vendor "\t" source
    here = 0
}
'

# U id version type status severity issued updated flags, then its R kind id and K name arch epoch version release. The
# exit code tells of a file that ends early or could not be unpacked, which would look like one without patches.
# shellcheck disable=SC2016
of_awk_updates='
tag == "package" {
    name = word("name")
    if (name in wanted) {
        named = 1
        lines = lines "K\t" name "\t" word("arch") "\t" word("epoch") "\t" word("version") "\t" word("release") "\n"
    }
    next
}
tag == "reference" || tag == "reference/" {
    kind = word("type")
    if (kind == "cve" || kind == "bugzilla") lines = lines "R\t" kind "\t" word("id") "\n"
    next
}
tag == "update" {
    id = severity = issued = updated = flags = lines = ""
    type = word("type"); status = word("status"); number = word("version"); named = 0
    next
}
tag == "/id" { id = content(); next }
tag == "/severity" { severity = content(); next }
tag == "/message" { if (content() != "") flags = flags " message"; next }
tag == "issued" || tag == "issued/" { issued = word("date"); next }
tag == "updated" || tag == "updated/" { updated = word("date"); next }
tag ~ /^\/(reboot|restart|relogin)_suggested$/ { if (tolower(content()) ~ /^(true|1)$/) flag(substr(tag, 2)); next }
tag ~ /^(reboot|restart|relogin)_suggested\/$/ { flag(tag); next }
tag == "/update" {
    if (named) printf "U\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n%s", id, number, type, status, severity, issued, updated, flags, lines
    next
}
tag == "/updates" || tag == "updates/" || (tag == "updates" && /\/$/) { print "u"; whole = 1 }
END { if (!whole) exit 1 }
function flag(text) { sub(/_suggested.*/, "", text); flags = flags " " text }
'

# L name arch epoch version release: has a licence that somebody has to agree to
# shellcheck disable=SC2016
of_awk_licences='
tag == "package" { name = word("name"); arch = word("arch"); licence = 0 }
tag == "version" { epoch = word("epoch"); version = word("ver"); release = word("rel") }
tag == "eula" || tag == "/eula" { licence = 1 }
tag == "/package" && licence && (name in wanted) { print "L\t" name "\t" arch "\t" epoch "\t" version "\t" release }
'

# FILE PROGRAM [PATTERN]: only lines with PATTERN need be looked at, which saves most of the time.
of_extract() {
    if ! of_unpack "$1" 2>/dev/null | {
        if [ -n "${3:-}" ]; then LC_ALL=C grep -E "$3"; else cat; fi
    } | awk "$of_awk_words$2" "$of_work/names" RS='>' -; then
        printf 'X\t%s\n' "${1##*/}"
    fi
}

# D folder, M when its index was last known to be current, V the index' own revision, then what its files say.
of_metadata() {
    for of_index in "$of_raw"/*/repodata/repomd.xml; do
        [ -r "$of_index" ] || continue
        of_folder=${of_index%/repodata/repomd.xml}
        of_alias=${of_folder##*/}
        case $of_disabled in *"|$of_alias|"*) continue ;; esac
        printf 'D\t%s\nM\t%s\n' "$of_alias" "$(stat -c %Y "$of_index" 2>/dev/null)"
        printf 'V\t%s\n' "$(sed -n 's,.*<revision>\([0-9]*\)</revision>.*,\1,p' "$of_index" | head -n 1)"
        # Some servers write the whole index in one line.
        # shellcheck disable=SC2013  # words without spaces
        for of_file in $(tr '>' '\n' <"$of_index" | sed -n 's,.*<location.* href="\([A-Za-z0-9._/-]*\)".*,\1,p'); do
            case $of_file in
                *primary.xml.zck | *updateinfo.xml.zck) continue ;;
                *primary.xml*)
                    of_extract "$of_folder/$of_file" "$of_awk_primary" \
                        '<(name|arch|version|time|size|rpm:vendor|rpm:sourcerpm)[ >]|</(package|metadata)>' ;;
                *updateinfo.xml*) of_extract "$of_folder/$of_file" "$of_awk_updates" ;;
                *susedata.xml*) of_extract "$of_folder/$of_file" "$of_awk_licences" ;;
            esac
        done
    done
}
