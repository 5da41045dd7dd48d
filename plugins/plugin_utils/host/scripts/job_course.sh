# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
#
# Fourth part of the job runner: the course of a job, from step to step to its verdict, with its undo, its boot hook and
# its secrets. The working directory is the job's.

# verdict WHAT UNIT: decided once; what is decided survives a crash.
verdict() {
    [ -z "$VERDICT" ] || return 0
    VERDICT=$1 VERDICT_STEP=$2
    durable verdict "$1 $2"
}

# step_settle NNN: what an earlier runner left of a step that it began. 1: the step is to be run again.
step_settle() {
    unit_exit "steps/$1" && return 0
    [ ! -f "steps/$1/crashed" ] || return 0
    unit_adopt "steps/$1"
    unit_exit "steps/$1" && return 0
    setting "steps/$1/settings" on_crash undo
    settle=$LINE
    # A step that restarts the host has done its work when another boot cut it off.
    if [ "$settle" = restart ]; then
        settle=report
        step_boot=$BOOT
        { read -r _ _ step_boot <"steps/$1/pid"; } 2>/dev/null
        if [ "$step_boot" != "$BOOT" ]; then
            durable "steps/$1/exit" "0 $ATTEMPT $(date +%s)"
            return 0
        fi
    fi
    if [ "$settle" = retry ] && [ "$ATTEMPT" -lt "$ATTEMPT_LIMIT" ] && [ ! -f "steps/$1/ended_by" ]; then
        return 1
    fi
    durable "steps/$1/crashed" "$settle"
}

# step_allowed NNN: a step that has not begun (or is to begin again) may do so now.
step_allowed() {
    setting "steps/$1/settings" cleanup no
    [ "$LINE" != yes ] || return 0
    if [ -z "$VERDICT" ]; then
        job_elapsed
        setting plan on_crash resume
        if [ -f cancel ]; then
            verdict CANCELLED "$1"
        elif [ "$ELAPSED" -ge "$JOB_TIMEOUT" ]; then
            verdict TIMED_OUT "$1"
        elif [ -n "$RESUMED" ] && [ "$LINE" = undo ]; then
            verdict INTERRUPTED "$1"
        fi
    fi
    [ -z "$VERDICT" ]
}

step_failed() {
    setting "steps/$1/settings" continue no
    if [ "$LINE" = yes ]; then PARTIAL=1; else verdict FAILED "$1"; fi
}

step_judge() {
    if [ -f "steps/$1/refused" ]; then
        step_failed "$1"
        return
    fi
    if ! unit_exit "steps/$1"; then
        first_line "steps/$1/crashed"
        if [ "$LINE" = report ]; then step_failed "$1"; else verdict INTERRUPTED "$1"; fi
        return
    fi
    first_line "steps/$1/ended_by"
    case $LINE in
    job*) verdict TIMED_OUT "$1" ;;
    cancel*) verdict CANCELLED "$1" ;;
    step*) step_failed "$1" ;;
    *)
        setting "steps/$1/settings" ok 0
        case " $LINE " in *" $CODE "*) ;; *) step_failed "$1" ;; esac
        ;;
    esac
}

step_do() {
    if [ -f "steps/$1/started" ]; then
        step_settle "$1" || { step_allowed "$1" && { unit_run "steps/$1" || return 1; }; }
        unit_exit "steps/$1" || [ -f "steps/$1/crashed" ] || durable "steps/$1/crashed" undo
    elif [ ! -f "steps/$1/refused" ]; then
        step_allowed "$1" || return 0
        if undo_prepare "$1" >>"steps/$1/log" 2>&1; then
            unit_run "steps/$1" || return 1
        else
            durable "steps/$1/refused" "what it may change could not be saved first"
        fi
    fi
    step_judge "$1"
}

undo_due() {
    [ -d "undo/$1" ] && [ -f "steps/$1/started" ] || return 1
    setting "steps/$1/settings" undo_when always
    case $VERDICT in SUCCEEDED | PARTIAL) [ "$LINE" = always ] ;; esac
}

# undo_all: UNDONE none, done or failed.
undo_all() {
    UNDONE=none
    for ua_dir in $(printf '%s\n' steps/* | sort -r); do
        ua_number=${ua_dir#steps/}
        undo_due "$ua_number" || continue
        undo_run "$ua_number" || return 1
        unit_exit "undo/$ua_number" || return 1
        if [ "$CODE" != 0 ]; then UNDONE=failed; elif [ "$UNDONE" = none ]; then UNDONE='done'; fi
    done
}

# For a second try, asked for by `undo`: a failed undo is as if it had never been tried.
undo_reset() {
    for ur_dir in undo/*; do
        unit_exit "$ur_dir" && [ "$CODE" != 0 ] && rm -f "$ur_dir/exit" "$ur_dir/started" "$ur_dir/ended_by"
    done
    rm -f result && flush . && rm -f undo_again
}

hook_text_systemd() {
    printf '%s\n' '[Unit]' "Description=Finish or undo the interrupted openfleet.patch job ${JOB##*/}" \
        "ConditionPathExists=$JOB/runner" "RequiresMountsFor=$BASE" 'After=network.target' \
        '[Service]' 'Type=simple' 'KillMode=process' "ExecStart=$SHELL_PATH $JOB/runner run $JOB" \
        '[Install]' 'WantedBy=multi-user.target'
}

# Where nothing can call at boot, the next contact does; the job says which.
hook_install() {
    setting plan boot_hook yes
    HOOK=none
    if [ "$LINE" = yes ] && [ -n "$MAC" ]; then
        if [ -d "${HOOK_PLIST%/*}" ]; then durable "$HOOK_PLIST" "$(hook_text_launchd)" && HOOK=launchd; fi
    elif [ "$LINE" = yes ] && [ -d /run/systemd/system ] && [ -d "${HOOK_UNIT%/*}" ]; then
        mkdir -p "${HOOK_WANT%/*}" && durable "$HOOK_UNIT" "$(hook_text_systemd)" &&
            ln -sf "$HOOK_UNIT" "$HOOK_WANT" && flush "${HOOK_WANT%/*}" && HOOK=systemd
    elif [ "$LINE" = yes ] && [ -d "${HOOK_CRON%/*}" ] && { command -v cron || command -v crond; } >/dev/null; then
        durable "$HOOK_CRON" "@reboot root $SHELL_PATH $JOB/runner run $JOB" && HOOK=cron
    fi
    printf '%s\n' "$HOOK" >boot_hook
}

hook_remove() {
    for hr_file in "$HOOK_WANT" "$HOOK_UNIT" "$HOOK_CRON" "$HOOK_PLIST"; do
        rm -f "$hr_file.new"
        if [ -L "$hr_file" ] || [ -f "$hr_file" ]; then rm -f "$hr_file" && flush "${hr_file%/*}"; fi
    done
}

# Overwritten first: the blocks of a removed file stay readable on many a disk.
wipe() {
    for wipe_file in "$@"; do
        if [ ! -f "$wipe_file" ] || [ -L "$wipe_file" ]; then continue; fi
        wipe_blocks=$(($(wc -c <"$wipe_file") / 512 + 1))
        dd if=/dev/zero of="$wipe_file" bs=512 count="$wipe_blocks" conv=notrunc 2>/dev/null
        flush "$wipe_file"
    done
    rm -f "$@"
}

secrets_wipe() {
    [ -d "$1/secrets" ] || return 0
    wipe "$1"/secrets/*
    rm -rf "$1/secrets"
}

# Files saved for an undo may hold passwords too; only an undo that failed needs them again.
saved_wipe() {
    first_line result
    case $LINE in *' failed') ;; *) wipe undo/*/*.saved ;; esac
}

# 1: left unfinished on purpose (told to stop) or because the journal cannot be written; to be taken up again.
job_advance() {
    VERDICT='' VERDICT_STEP='' PARTIAL=''
    { read -r VERDICT VERDICT_STEP <verdict; } 2>/dev/null
    hook_install || return 1
    if [ ! -f undo_again ]; then
        echo running >phase
        for ja_dir in steps/*; do
            step_do "${ja_dir#steps/}" || return 1
            [ -z "$STOP" ] || return 1
        done
        [ -z "$PARTIAL" ] || verdict PARTIAL -
        verdict SUCCEEDED -
    else
        undo_reset || return 1
    fi
    echo undoing >phase
    undo_all && secrets_wipe . && durable result "$VERDICT $VERDICT_STEP $UNDONE $(date +%s)"
}
