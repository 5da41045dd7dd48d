"""Programs of a Mac, as far as a patch run meets them, on a host that is none; the name they are called by says which.

They replay what real ones printed (/opt/mac/recorded) and keep what they did in /opt/mac/state.json, Homebrew's part in
/opt/homebrew/var/state.json, which only its owner may write. Every call is noted beside those, a JSON line each.
An update is ``lines`` (its two lines of the list, a list of texts), ``title``, ``version``, and what installing it
does: ``restart`` (by itself, on 11 and later), ``becomes`` (the system's version after it), ``fails`` (disk, download:
as recorded, the first with exit code 0; hangs, with a child), ``late`` (seconds from the command's end to the restart).
A formula or cask is ``installed`` (versions, none where it is only known), ``current`` and ``needs`` (formulae that its
current version cannot be without, by their full names).
"""

import datetime
import json
import os
import plistlib
import subprocess
import sys
import time
import uuid

STATE = "/opt/mac/state.json"
CALLS = "/opt/mac/calls"
RECORDED = "/opt/mac/recorded"
HISTORY = "/Library/Receipts/InstallHistory.plist"
DAEMONS = "/Library/LaunchDaemons"
BREW_STATE = "/opt/homebrew/var/state.json"
BREW_CALLS = "/opt/homebrew/var/calls"
BANNER = "Software Update Tool\n\nFinding available software\n"
FOUND = "Software Update found the following new or updated software:\n"
BREW_KEYS = {"formula": "formulae", "cask": "casks"}


def load(path):
    with open(path) as handle:
        return json.load(handle)


def save(path, state):
    with open(path + ".new", "w") as handle:
        json.dump(state, handle, indent=1)
    os.replace(path + ".new", path)


def note(path, **what):
    with open(path, "a") as handle:
        handle.write(json.dumps(what) + "\n")


def recorded(name):
    with open(f"{RECORDED}/{name}.txt", newline="") as handle:
        # Carriage returns are written as two characters there.
        return handle.read().replace("\\r", "\r")


def say(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def sw_vers(state, _words):
    lines = [("ProductName", state["name"]), ("ProductVersion", state["version"]), ("BuildVersion", state["build"])]
    say("".join(f"{key}:\t\t{value}\n" for key, value in lines))


def sysctl(state, words):
    moment = time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(state["boottime"]))
    known = {
        "kern.boottime": f"{{ sec = {state['boottime']}, usec = 512345 }} {moment}",
        "kern.bootsessionuuid": state["boot_session"],
    }
    for word in words[1:]:
        if word not in known:
            sys.exit(f"sysctl: unknown oid '{word}'")
        say(known[word] + "\n")


def pkgutil(state, words):
    if words[0] == "--pkgs":
        say("".join(f"{each}\n" for each in state["receipts"]))
    elif words[0] == "--pkg-info-plist" and words[1] in state["receipts"]:
        sys.stdout.buffer.write(plistlib.dumps(state["receipts"][words[1]] | {"pkgid": words[1], "volume": "/"}))
    else:
        sys.exit(f"No receipt for '{words[-1]}' found at '/'.")


def plutil(_state, words):
    with open(words[-1], "rb") as handle:
        sys.stdout.buffer.write(plistlib.dumps(plistlib.load(handle)))


def remember(name, version, process):
    with open(HISTORY, "rb") as handle:
        entries = plistlib.load(handle)
    moment = datetime.datetime.utcnow().replace(microsecond=0)
    entries.append({"date": moment, "displayName": name, "displayVersion": version, "processName": process})
    with open(HISTORY + ".new", "wb") as handle:
        plistlib.dump(entries, handle)
    os.replace(HISTORY + ".new", HISTORY)


def finish(state, update):
    state["updates"].remove(update)
    if update.get("becomes"):
        state["version"], state["build"] = update["becomes"]
    remember(update["title"], update["version"], "softwareupdated")
    save(STATE, state)


def list_updates(state):
    if state.get("offline"):
        say("Software Update Tool\n\nFinding available software\nThe Internet connection appears to be offline.\n")
    elif state["updates"]:
        say(BANNER + FOUND + "".join("\n".join(each["lines"]) + "\n" for each in state["updates"]))
    else:
        say("Software Update Tool\n\nFinding available software\n")
        sys.stderr.write("No new software available.\n")


def label_of(update):
    return update["lines"][0].lstrip(" *-").removeprefix("Label: ")


def may_install(state, words):
    if state["arch"] != "arm64":
        return True
    owner = state["volume_owner"]
    given = words[words.index("--user") + 1] if "--user" in words else None
    # Reads all there is: a password that never ends would hang here, as it would there.
    password = sys.stdin.read() if "--stdinpass" in words else ""
    note(CALLS, program="password", came=bool(password), right=password == owner["password"] + "\n")
    return given == owner["name"] and password == owner["password"] + "\n"


def install(state, words):
    label = words[-1]
    update = next((each for each in state["updates"] if label_of(each) == label), None)
    if update is None:
        say(f"{label}: No such update\nNo updates are available.\n")
        return 0
    if update.get("fails") == "hangs":
        subprocess.Popen(["sleep", "600"])
        time.sleep(600)
    failure = {"disk": ("disk-space.rc0", 0), "download": ("download-error", 1)}.get(update.get("fails", ""))
    if failure:
        say(recorded(f"softwareupdate-install.{failure[0]}"))
        return failure[1]
    if not update.get("restart"):
        say(f"{BANNER}\nDownloading {update['title']}\nDownloaded {update['title']}\nInstalling {update['title']}\n"
            f"Done with {update['title']}\nDone.\n")  # fmt: skip
        if "restart]" in update["lines"][1] or "Action: restart" in update["lines"][1]:
            say(recorded("softwareupdate-install.10.8-all").split("Done.\n")[1])
        finish(state, update)
        return 0
    if "--restart" not in words:
        say(recorded("softwareupdate-install.11-bigsur-not-restarted"))
        return 0
    if not may_install(state, words):
        say(recorded("softwareupdate-install.26-tahoe-no-volume-owner"))
        return 1
    say(recorded("softwareupdate-install.26-progress-carriage-returns").replace("macOS 27.0.1", update["title"]))
    state["on_boot"] = label
    save(STATE, state)
    subprocess.Popen(["/usr/sbin/shutdown", "-r", str(update.get("late", 0))], stdin=subprocess.DEVNULL,
                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
    if not update.get("late"):
        time.sleep(120)
    return 0


def softwareupdate(state, words):
    note(CALLS, program="softwareupdate", words=words, uid=os.getuid())
    if "--list" in words:
        list_updates(state)
        return 0
    if "-v" in words:
        sys.exit("softwareupdate: unrecognized option `-v'")
    return install(state, words)


def shutdown(_state, words):
    """``-r now``, ``-r +1`` as on a Mac; ``-r SECONDS`` is what softwareupdate of this file asks for."""
    note(CALLS, program="shutdown", words=words)
    when = words[1] if len(words) > 1 else "now"
    seconds = {"now": 0, "+1": 60}.get(when)
    time.sleep(float(when) if seconds is None else seconds)
    # Out of the file systems in which this host is a Mac.
    os.execv("/usr/bin/nsenter", ["nsenter", "--mount=/run/mac/proc/1/ns/mnt", "/usr/bin/systemctl", "--no-block",
                                  "reboot"])  # fmt: skip


def boot(state, _words):
    state["boottime"], state["boot_session"] = int(time.time()), str(uuid.uuid4()).upper()
    label = state.pop("on_boot", None)
    save(STATE, state)
    for update in [each for each in state["updates"] if label_of(each) == label]:
        finish(state, update)
    for name in sorted(os.listdir(DAEMONS)):
        with open(f"{DAEMONS}/{name}", "rb") as handle:
            daemon = plistlib.load(handle)
        note(CALLS, program="launchd", started=daemon["Label"])
        subprocess.Popen(daemon["ProgramArguments"], stdin=subprocess.DEVNULL, start_new_session=True,
                         env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"})  # fmt: skip


def brew(_state, words):
    if os.getuid() == 0:
        sys.stderr.write(recorded("brew-root-refused.stderr"))
        return 1
    names = sorted(name for name in os.environ if name not in ("_", "PWD", "SHLVL"))
    note(BREW_CALLS, words=words, uid=os.getuid(), home=os.environ["HOME"], environment=names, tty=sys.stdin.isatty(),
         proxy=os.environ.get("https_proxy"))  # fmt: skip
    state = load(BREW_STATE)
    if words[0] == "--version":
        say("Homebrew 4.4.32\n")
    elif words[0] == "tap":
        say("".join(f"{tap}\n" for tap in state["taps"]))
    elif words[0] == "update":
        say("Already up-to-date.\n")
    elif words[0] == "list":
        kind = words[-1].lstrip("-")
        there = {name: each for name, each in state[kind].items() if each["installed"]}
        say("".join(f"{name.split('/')[-1]} {' '.join(each['installed'])}\n" for name, each in there.items()))
    elif words[0] == "outdated":
        say(json.dumps(outdated(state, words[-1].lstrip("-")), indent=2) + "\n")
    elif words[0] == "deps":
        kind = "cask" if "--cask" in words else "formula"
        for name in [word for word in words[1:] if not word.startswith("-")]:
            say(f"{name}: {' '.join(needed(state, kind, name))}\n")
    elif words[:2] == ["upgrade", "--dry-run"]:
        dry_run(state, words[3])
    elif words[0] == "upgrade":
        return upgrade(state, words[1].lstrip("-"), words[2])
    else:
        sys.exit(f"Error: Unknown command: {words[0]}")
    return 0


def is_old(each):
    return bool(each["installed"]) and each["current"] not in each["installed"]


def needed(state, kind, name):
    """With what these need in turn."""
    found = []
    for each in state[kind][name].get("needs", []):
        found += [more for more in (each, *needed(state, "formula", each)) if more not in found]
    return found


def coming(state, name):
    """What an upgrade of a formula brings first, and old ones that are built on it."""
    formulae = state["formula"]
    first = [
        each for each in needed(state, "formula", name) if formulae[each]["current"] not in formulae[each]["installed"]
    ]
    return first, [each for each in formulae if name in needed(state, "formula", each) and is_old(formulae[each])]


def dry_run(state, name):
    """In the words of 4.4.32."""

    def told(each):
        package = state["formula"][each]
        return f"{each} {''.join(f'{version} -> ' for version in package['installed'][:1])}{package['current']}"

    say(f"==> Would upgrade 1 outdated package:\n{told(name)}\n")
    first, after = coming(state, name)
    if first:
        plural = "dependency" if len(first) == 1 else "dependencies"
        say(f"==> Would install {len(first)} {plural} for {name.split('/')[-1]}:\n{' '.join(map(told, first))}\n")
    if after:
        plural = "dependent" if len(after) == 1 else "dependents"
        say(f"==> Would upgrade {len(after)} {plural} of upgraded formula:\n{', '.join(map(told, after))}\n")


def outdated(state, kind):
    rows = []
    for name, each in state[kind].items():
        if is_old(each):
            row = {"name": name, "installed_versions": each["installed"], "current_version": each["current"]}
            if kind == "formula":
                pin = each["installed"][0] if each.get("pinned") else None
                row.update(pinned=bool(each.get("pinned")), pinned_version=pin)
            rows.append(row)
    return {"formulae": [], "casks": []} | {BREW_KEYS[kind]: rows}


def upgrade(state, kind, name):
    package = state[kind].get(name)
    if package is None:
        say(recorded("brew-recorded-4.4.32.upgrade-nosuch"))
        return 1
    if package.get("pinned"):
        say(recorded("brew-recorded-4.4.32.upgrade-pinned"))
        return 1
    if package.get("fails"):
        sys.stderr.write(f"Error: {package['fails']}\n")
        return 1
    say(recorded(f"brew-recorded-4.4.32.upgrade-{kind}"))
    first, after = coming(state, name) if kind == "formula" else ([], [])
    # A dry run does not say so, but what is built on a formula that only came along follows as well.
    after += [other for each in first for other in coming(state, each)[1] if other not in (name, *after)]
    for each in (package, *(state["formula"][other] for other in (*first, *after))):
        # Old kegs stay beside the new one; a cask replaces.
        each["installed"] = [each["current"], *(each["installed"] if kind == "formula" else [])]
    save(BREW_STATE, state)
    return 0


if __name__ == "__main__":
    called = os.path.basename(sys.argv[0])
    arguments = sys.argv[1:]
    if called == "mac_stand_in.py":
        called = arguments.pop(0)
    sys.exit(globals()[called](None if called == "brew" else load(STATE), arguments))
