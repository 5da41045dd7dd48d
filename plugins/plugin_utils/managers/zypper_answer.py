# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the sections of the zypper reader to the answer that the readers of other rpm systems give.

So that one module judges it, ``_rpm``: the same checks, the same words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cmp_to_key
from typing import Any

from ..engine.versions import compare
from ..errors import PatchError
from . import _answer, _linux
from .zypper_locks import Lock, read_locks
from .zypper_metadata import RETRACTED, Metadata, Nevra, Package, advisory_rows, nevra, read_metadata, whole
from .zypper_sections import Sections, messages

Row = list[Any]
_INSTALLED = ["name", "arch", "version", "automatic", "installed_at", "build_time", "repository", "vendor",
              "install_only"]  # fmt: skip
_CANDIDATE = ["name", "arch", "version", "installed_version", "repository", "size", "installed_size", "build_time",
              "source_package", "vendor", "kept_back"]  # fmt: skip
_NOTICE = ["name", "arch", "version", "advisory"]
_ADVISORY = ["id", "type", "severity", "issued", "updated", "reboot_suggested", "cves", "bugzillas"]
# 0 all well, 100 to 103 news of updates, 106 a repository was skipped (zypper(8), exit codes).
_READ = (0, 100, 101, 102, 103, 106)
# kernel-default, kernel-azure-base; kernel-firmware and kernel-macros are none.
_KERNEL = re.compile(
    r"kernel-(default|azure|rt|rt_debug|preempt|64kb|kvmsmall|vanilla|debug|xen|ec2|pae|trace|desktop|longterm|lpae|bigsmp"
    r"|smp|kdump)(-base)?\Z"
)


class ZypperAnswer:
    """``result`` is the answer in the form of the rpm readers; the rest is what only zypper has."""

    def __init__(self, reading_result: dict[str, Any]) -> None:
        self._sections = Sections.of(reading_result)
        self._machine = self._sections.fields("machine")
        self.metadata = read_metadata(self._sections.lines("metadata"))
        self.locks: list[Lock] = read_locks(self._sections.text("locks"))
        self._multiversion = self._several()
        self._installed = self._rpms()
        self._aliases, repositories = self._repositories()
        self.chosen = self._chosen()
        self.licensed: set[Nevra] = {each for part in self.metadata for each in part.licensed}
        self.reboot_needed = bool(self._sections.lines("reboot"))
        self.snapshots = self._sections.code("snapper") == 0 and "root" in self._sections.lines("snapper")
        advisories, notices = advisory_rows(patch for part in self._known() for patch in part.patches)
        seen, hidden = (int(self._first("processes", word) or 0) for word in ("seen", "hidden"))
        self.result: dict[str, Any] = {
            "collected_at": _linux.utc(self._number("now")),
            "privileged": self._machine.get("uid") == "0",
            "interpreter": {"path": None, "version": None},
            "library": {"version": self._version(), "releasever": None},
            "identity_files": {},
            "refresh": self._refresh(),
            "repositories": repositories,
            "installed": {"columns": _INSTALLED, "rows": self._installed_rows()},
            "candidates": {"columns": _CANDIDATE, "rows": self._candidate_rows()},
            "notices": {"columns": _NOTICE, "rows": notices},
            "advisories": {"columns": _ADVISORY, "rows": advisories},
            "modules": [],
            "kept": [
                [*key, "lock"] for key in self._installed if any(lock.holds(key[0], key[2]) for lock in self.locks)
            ],
            "locks": [str(lock) for lock in self.locks],
            "excludes": [],
            "protected": [],
            "kernels": self._kernels(),
            "reboot_names": [],
            "processes": {"stale": self._stale(), "unreadable": hidden, "seen": seen,
                          "truncated": self._first("processes", "truncated") is not None},
            "boot": self._boot(),
            "unfinished": None,
            "lock": self._lock(),
            "updaters": {"timers": self._timers(), "apply_updates": None, "packagekit": False,
                         "running": self._running()},
            "disk": self._disks(),
            "subscription": None,
        }  # fmt: skip

    def _number(self, name: str) -> int:
        text = self._machine.get(name, "")
        if not re.fullmatch(r"\d{1,11}", text):
            raise _answer.refuse(f"sections.machine.{name}", "a whole number", text)
        return int(text)

    def _version(self) -> str | None:
        found = re.match(r"zypper (\S+)", self._sections.text("version"))
        return found[1] if found else None

    def _rpms(self) -> dict[Nevra, list[str]]:
        """Installed packages with INSTALLTIME, BUILDTIME, VENDOR and SOURCERPM; keys that rpm holds are none.

        A line that a package's own text has broken (a vendor in two lines) does not hide the others.
        """
        if self._sections.code("rpm") != 0:
            code = self._sections.code("rpm")
            raise PatchError("rpm_failed", f"rpm -qa on the host ended with {code}; its database may be damaged.")
        found = {}
        rows = [[_answer.clean(word, 500) for word in line.split("\t")] for line in self._sections.lines("rpm")]
        for row in rows:
            if len(row) < 5 or row[0] == "gpg-pubkey":
                continue
            found[nevra(row[:5])] = [*row[5:9], "", "", "", ""][:4]
        if rows and not found:
            raise _answer.refuse("sections.rpm", "installed packages", _answer.clean(self._sections.text("rpm"), 60))
        return found

    def _several(self) -> set[Nevra]:
        """What stays beside other versions of itself; "no package provides ..." where there is nothing of the kind."""
        if self._sections.code("multiversion") != 0:
            return set()
        return {nevra(row) for row in self._sections.rows("multiversion", 5)}

    def _repositories(self) -> tuple[dict[str, str], list[dict[str, Any]]]:
        """Alias by folder of the cache, and the rows."""
        aliases, rows = {}, []
        known = {part.folder: part for part in self.metadata}
        for repo in self._sections.xml("repositories").iter("repo"):
            alias = _answer.clean(repo.get("alias") or "", 200)
            folder = alias.replace("/", "_")
            cached = known.get(folder)
            aliases[folder] = alias
            enabled = repo.get("enabled") == "1"
            url = repo.findtext("url")
            rows.append({
                "id": alias, "enabled": enabled, "updateinfo": self._says_security(cached),
                "age": self._age(cached), "name": repo.get("name"), "address": url,
                "published_at": _published(cached),
                # Of two checks one is enough: signed metadata has the checksums of the packages.
                "gpgcheck": "1" in (repo.get("gpgcheck", "1"), repo.get("pkg_gpgcheck")),
                "repo_gpgcheck": repo.get("repo_gpgcheck", repo.get("gpgcheck", "1")) == "1",
                "priority": _priority(repo.get("priority")), "cost": 1000,
            })  # fmt: skip
        return aliases, rows

    @staticmethod
    def _says_security(cached: Metadata | None) -> bool | None:
        if cached is None or cached.current_at is None:
            return None
        if any("updateinfo" in name for name in cached.unreadable):
            return None
        return cached.has_patches

    def _age(self, cached: Metadata | None) -> int | None:
        if cached is None or cached.current_at is None or not cached.complete:
            return None
        return max(0, self._number("now") - cached.current_at)

    def _known(self) -> list[Metadata]:
        return [part for part in self.metadata if part.folder in self._aliases]

    def _offered(self) -> dict[Nevra, tuple[Package, list[str]]]:
        """Every version of an installed name that a repository has, with the aliases of those."""
        found: dict[Nevra, tuple[Package, list[str]]] = {}
        for part in self._known():
            for package in part.packages:
                found.setdefault(package.nevra, (package, []))[1].append(self._aliases[part.folder])
        for (name, arch, version), alias in self.chosen.items():
            # A repository whose metadata has another form than rpm-md.
            if (name, arch, version) not in found and alias in self._aliases.values():
                found[name, arch, version] = (Package(name, arch, version, None, 0, 0, None, None), [alias])
        return found

    def _chosen(self) -> dict[Nevra, str]:
        """What zypper itself would take (list-updates), and from where."""
        code, text = self._sections.code("updates"), self._sections.text("updates")
        stream = self._sections.xml("updates", text if "<stream>" in text else "<stream></stream>")
        if code not in _READ:
            told = "; ".join(messages(stream, "error")) or "it gave no reason"
            raise PatchError("zypper_failed", f"zypper list-updates on the host ended with {code}: {told}.")
        found = {}
        for update in stream.iter("update"):
            source = update.find("source")
            key = _edition(update.get("name"), update.get("arch"), update.get("edition"))
            found[key] = _answer.clean(source.get("alias") or "", 200) if source is not None else ""
        return found

    def _installed_rows(self) -> list[Row]:
        offered = self._offered()
        automatic = {line.strip() for line in self._sections.lines("automatic") if not line.startswith("#")}
        known = self._sections.code("automatic") == 0
        rows = []
        for (name, arch, version), (installed, built, vendor, _source) in self._installed.items():
            sources = offered.get((name, arch, version))
            rows.append([name, arch, version, name in automatic if known else None, whole(installed), whole(built),
                         sources[1][0] if sources else None, vendor if vendor != "(none)" else None,
                         (name, arch, version) in self._multiversion])  # fmt: skip
        return rows

    def _candidate_rows(self) -> list[Row]:
        retracted = {
            package
            for part in self._known()
            for patch in part.patches
            if patch.status == RETRACTED
            for package in patch.packages
        }
        rows = []
        for (name, arch, version), (package, aliases) in self._offered().items():
            replaced = self._replaced(name, arch)
            if replaced is None or compare(version, replaced[2], "rpm") <= 0:
                continue
            kept = None
            if any(lock.keeps_away(name, version, aliases) for lock in self.locks):
                kept = "lock"
            elif (name, arch, version) in retracted:
                kept = RETRACTED
            elif (name, arch, version) not in self.chosen and self._changes_vendor(package, replaced):
                kept = "vendor"
            rows += [
                [name, arch, version, replaced[2], alias, package.size, package.installed_size, package.build,
                 package.source, package.vendor, kept]
                for alias in aliases
            ]  # fmt: skip
        return rows

    def _replaced(self, name: str, arch: str) -> Nevra | None:
        """The newest installed instance that a version takes the place of, or stays beside: zypper keeps to the
        architecture, but for packages that become independent of it or stop being so."""
        same = [key for key in self._by_name().get(name, []) if arch == key[1] or "noarch" in (arch, key[1])]
        order = cmp_to_key(lambda one, other: compare(str(one), str(other), "rpm"))
        return max(same, key=lambda key: (key[1] == arch, order(key[2])), default=None)

    def _by_name(self) -> dict[str, list[Nevra]]:
        if not hasattr(self, "_named"):
            self._named: dict[str, list[Nevra]] = {}
            for key in self._installed:
                self._named.setdefault(key[0], []).append(key)
        return self._named

    def _changes_vendor(self, package: Package, replaced: Nevra) -> bool:
        """zypper keeps to the vendor of what is installed, unless its configuration says otherwise."""
        before, after = self._installed[replaced][2], package.vendor
        allowed = self._sections.fields("settings").get("solver.allowVendorChange", "").lower() in ("true", "1", "yes")
        return not allowed and after is not None and _vendor(before) != _vendor(after)

    def _kernels(self) -> dict[str, Any]:
        running = self._machine.get("running", "")
        order = cmp_to_key(lambda one, other: compare(str(one), str(other), "rpm"))
        kernels = sorted((key for key in self._installed if _KERNEL.match(key[0])), key=lambda key: order(key[2]))
        return {
            "running": running,
            "arch": self._machine.get("arch"),
            "container": self._machine.get("container") == "yes",
            "installed": [
                {"package": name, "version": version, "release": _release(name, version, running)}
                for name, _arch, version in reversed(kernels)
            ],
        }

    def _boot(self) -> dict[str, Any]:
        machine = self._number("btime") if self._machine.get("btime") else None
        ticks = self._number("ticks") if self._machine.get("ticks") else 0
        started = machine + self._number("init_start") // ticks if machine and ticks else None
        return {
            "boot_id": self._machine.get("boot_id") or None,
            "booted_at": _linux.utc(started) if started else None,
            "machine_booted_at": _linux.utc(machine) if machine else None,
        }

    def _lock(self) -> dict[str, Any] | None:
        rows = self._sections.rows("lock", 3)
        return {"pid": int(rows[0][0]), "name": rows[0][1] or None, "file": rows[0][2]} if rows else None

    def _first(self, section: str, word: str) -> str | None:
        return next((row[1] for row in self._sections.rows(section, 2, 3, 5) if row[0] == word), None)

    def _running(self) -> list[dict[str, Any]]:
        rows = self._sections.rows("processes", 2, 3, 5)
        return [{"pid": int(row[1]), "name": row[2]} for row in rows if row[0] == "running" and len(row) == 3]

    def _stale(self) -> list[dict[str, Any]]:
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for row in self._sections.rows("processes", 2, 3, 5):
            if row[0] == "stale" and len(row) == 5:
                _word, pid, name, service, path = row
                entry = found.setdefault(
                    (service, name), {"name": name, "service": service or None, "pids": [], "libraries": []}
                )
                entry["pids"] = sorted({*entry["pids"], int(pid)})
                entry["libraries"] = sorted({*entry["libraries"], path})[:20]
        return [found[key] for key in sorted(found)]

    def _timers(self) -> list[str]:
        return [line for line in self._sections.lines("timers") if re.search(r"zypp|update|packagekit", line)]

    def _disks(self) -> list[dict[str, Any]]:
        rows = []
        for path, sizes, inodes in self._sections.rows("disk", 3):
            numbers = re.fullmatch(r"(\d+) (\d+)", sizes)
            if numbers:
                rows.append({"path": path, "size_bytes": int(numbers[1]) << 10, "free_bytes": int(numbers[2]) << 10,
                             # btrfs has no number of inodes
                             "free_inodes": int(inodes) if inodes.isdigit() else 0})  # fmt: skip
        return rows

    def _refresh(self) -> dict[str, Any]:
        fields, text = self._sections.fields("refresh"), self._sections.text("refresh")
        result: dict[str, Any] = {"attempted": "attempted" in fields, "ok": None, "errors": [],
                                  "skipped_because": fields.get("skipped")}  # fmt: skip
        if not result["attempted"]:
            return result
        if "locked" in fields:
            pid, name, _file = (fields["locked"].split("\t") + ["", ""])[:3]
            told = f"zypper is locked by {name or 'another process'} (pid {pid}); waited {fields.get('waited')} s"
            return result | {"ok": False, "errors": [told]}
        code = fields.get("ended", "")
        stream = self._sections.xml("refresh", text if "</stream>" in text else "<stream></stream>")
        # What follows from the others is left out: the repository was named before.
        errors = [each for each in messages(stream, "error") if not _FOLLOWING.match(each)][:50]
        if code == "124":
            errors.append("zypper refresh took too long and was stopped")
        elif code != "0" and not errors:
            errors = [f"zypper refresh ended with {code}: {_answer.clean(text[-400:], 400)}"]
        return result | {"ok": code == "0" and not errors, "errors": errors}


_FOLLOWING = re.compile(r"Skipping repository |Some of the repositories |Could not refresh ")


def _edition(name: str | None, arch: str | None, edition: str | None) -> Nevra:
    epoch, colon, rest = (edition or "").rpartition(":")
    version, _dash, release = rest.rpartition("-")
    return nevra([name or "", arch or "", epoch if colon else "0", version, release])


def _priority(text: str | None) -> int:
    return int(text) if text and re.fullmatch(r"\d{1,9}", text) else 99


def _published(cached: Metadata | None) -> str | None:
    # A revision that is a time: createrepo's default.
    return _linux.utc(cached.revision) if cached and cached.revision and cached.revision > 10**9 else None


def _vendor(text: str) -> str:
    """zypper takes all of SUSE's and openSUSE's vendor strings for one (libzypp, VendorAttr)."""
    plain = text.strip().lower()
    return "suse" if plain.startswith(("suse", "opensuse")) else plain


def _release(name: str, version: str, running: str) -> str:
    """What ``uname -r`` says of an installed kernel. Its package's release has more: 6.4.0-150600.21.1 is
    6.4.0-150600.21-default where it runs."""
    flavour = name.removeprefix("kernel-").removesuffix("-base")
    plain = version.rpartition(":")[2]
    base = running.removesuffix(f"-{flavour}")
    if running.endswith(f"-{flavour}") and (plain == base or plain.startswith(base + ".")):
        return running
    return f"{plain}-{flavour}"


def unreadable(parts: Iterable[Metadata]) -> list[tuple[str, str]]:
    """Repository and file of metadata that could not be unpacked on the host."""
    return [(part.folder, name) for part in parts for name in part.unreadable]
