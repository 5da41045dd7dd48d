"""Builds the .deb files of the package table, once each; and repacks what a root has installed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from .packages import Package, Version
from .places import Lab, LabError, run


@dataclass(frozen=True)
class Deb:
    """A built package file and the stanza an index has for it (without Filename)."""

    path: Path
    fields: dict[str, str]

    @property
    def name(self) -> str:
        return self.fields["Package"]

    @property
    def version(self) -> str:
        return self.fields["Version"]


def control_fields(package: Package, version: Version) -> dict[str, str]:
    fields = {
        "Package": package.name,
        "Version": version.version,
        "Architecture": "all",
        "Maintainer": "Lab <lab@example.invalid>",
        "Installed-Size": "8",
        "Priority": version.priority or package.priority,
        "Section": version.section or package.section,
        "Description": package.why,
    }
    if version.depends:
        fields["Depends"] = version.depends
    return fields | version.fields


def build(lab: Lab, package: Package, version: Version) -> Deb:
    """The file for one version; equal content is built once and kept in the pool."""
    fields = control_fields(package, version)
    recipe = hashlib.sha256(json.dumps([fields, asdict(version)], sort_keys=True).encode()).hexdigest()[:12]
    pool = lab.repositories / "pool" / recipe
    target = pool / f"{package.name}_{version.version.replace(':', '%3a')}_all.deb"
    if not target.exists():
        with lab.lock("pool"):
            if not target.exists():
                tree = pool / "tree"
                shutil.rmtree(pool, ignore_errors=True)
                _lay_out(tree, package, version, fields)
                pack(tree, target)
    return describe(target, fields | version.index)


def pack(tree: Path, target: Path) -> None:
    """dpkg-deb on `tree`, appearing at `target` whole or not at all."""
    partial = target.with_name(".partial")
    run(["dpkg-deb", "-Znone", "--root-owner-group", "-b", tree, partial], env={"SOURCE_DATE_EPOCH": "1700000000"})
    shutil.rmtree(tree)
    partial.rename(target)


def describe(target: Path, fields: dict[str, str]) -> Deb:
    content = target.read_bytes()
    return Deb(target, fields | {"Size": str(len(content)), "SHA256": hashlib.sha256(content).hexdigest()})


def stanza(fields: dict[str, str]) -> str:
    return "".join(f"{key}: {value}\n" for key, value in fields.items())


def _lay_out(tree: Path, package: Package, version: Version, fields: dict[str, str]) -> None:
    control = tree / "DEBIAN"
    control.mkdir(parents=True)
    (control / "control").write_text(stanza(fields))
    if version.conffiles:
        (control / "conffiles").write_text("".join(f"{path}\n" for path in version.conffiles))
    for name, body in version.scripts.items():
        script = control / name
        # A maintainer script acts on configure alone, as most do.
        script.write_text(f'#!/bin/sh\nset -e\n[ "$1" = configure ] || exit 0\n[ -n "$2" ] || exit 0\n{body}\n')
        script.chmod(0o755)
    files = {f"/usr/lib/{package.name}/version": version.version + "\n", **version.files}
    for path, content in files.items():
        target = tree / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)


def read_stanzas(text: str) -> list[dict[str, str]]:
    """Control stanzas; continuation lines stay in their value, newline and all."""
    found: list[dict[str, str]] = []
    for block in text.split("\n\n"):
        fields: dict[str, str] = {}
        key = ""
        for line in block.splitlines():
            if line[:1] in (" ", "\t"):
                fields[key] += "\n" + line
            elif ":" in line:
                key, value = line.split(":", 1)
                fields[key] = value.strip()
        if fields:
            found.append(fields)
    return found


def installed_stanzas(root: Path) -> list[dict[str, str]]:
    """What the packages installed in `root` say about themselves, as their archive's index would."""
    gone = ("Status", "Conffiles", "Config-Version", "Triggers-Pending", "Triggers-Awaited")
    return [
        {key: value for key, value in fields.items() if key not in gone}
        for fields in read_stanzas((root / "var/lib/dpkg/status").read_text())
        if fields.get("Status") == "install ok installed"
    ]


def repack(lab: Lab, root: Path, name: str, version: str) -> Deb:
    """A newer version of a package that `root` has installed, with the same content."""
    fields = next((f for f in installed_stanzas(root) if f["Package"] == name), None)
    if fields is None:
        raise LabError(f"{root} has no package {name} to repack")
    fields = fields | {"Version": version}
    pool = lab.repositories / "pool" / f"repack-{root.name}"
    target = pool / f"{name}_{version.replace(':', '%3a')}_{fields['Architecture']}.deb"
    with lab.lock("pool"):
        if not target.exists():
            tree = pool / f"tree-{name}"
            shutil.rmtree(tree, ignore_errors=True)
            _copy_installed(root, name, tree)
            (tree / "DEBIAN" / "control").write_text(stanza(fields))
            pack(tree, target)
    return describe(target, fields)


def _copy_installed(root: Path, name: str, tree: Path) -> None:
    control = tree / "DEBIAN"
    control.mkdir(parents=True)
    info = root / "var/lib/dpkg/info"
    for script in ("preinst", "postinst", "prerm", "postrm", "triggers", "shlibs"):
        if (info / f"{name}.{script}").exists():
            shutil.copy2(info / f"{name}.{script}", control / script)
    for line in (info / f"{name}.list").read_text().splitlines():
        source, target = root / line.lstrip("/"), tree / line.lstrip("/")
        if source.is_symlink() or source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
        elif source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
    os.chmod(control, 0o755)
