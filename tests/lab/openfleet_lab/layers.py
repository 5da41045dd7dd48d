"""Prepared states: overlay layers built once on a base and reused by every host that starts from them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from . import debs, mac_layers, repository, rpm_layers, rpm_repository, suse_layers, yum_layers
from .bases import digest_of, ensure_base, prune
from .distributions import DISTRIBUTIONS, site_names
from .mac_hosts import MACS
from .packages import BULK, PACKAGES, TROUBLE, Package
from .places import CONTROLLER_ADDRESS, Lab, LabError, run
from .recipes import BASES, DRESSINGS, FEATURES
from .roots import chroot, write_files
from .signing import SigningKey
from .yum_distributions import YUM_DISTRIBUTIONS

# What makes a host with this package manager; rpm_layers for both generations of dnf.
_LAYERS: dict[str, Any] = {"zypper": suse_layers, "yum": yum_layers, "macos": mac_layers}
KEYRING = "/etc/apt/keyrings/openfleet-lab.gpg"


@dataclass(frozen=True)
class Kind:
    """What a host is asked to be: a base or a dressing by name."""

    name: str
    base: str
    distribution: str
    interpreter: str

    @property
    def manager(self) -> str:
        found = {**rpm_repository.ALL_DISTRIBUTIONS, **YUM_DISTRIBUTIONS, **MACS}.get(self.distribution)
        return found.manager if found else "apt"


def kind_of(name: str) -> Kind:
    if name in BASES:
        return Kind(name, name, name, BASES[name].python)
    if name in DRESSINGS:
        dressing = DRESSINGS[name]
        return Kind(name, dressing.base, dressing.distribution, BASES[dressing.base].python)
    raise LabError(f"no base or dressing is called {name}; there are {', '.join([*BASES, *DRESSINGS])}")


def kinds(manager: str | None = None) -> list[str]:
    """Names of all kinds, or of those whose packages `manager` (apt, dnf, dnf5, yum, zypper, macos) installs.

    A base alone may be none.
    """
    named = [*(name for name in BASES if name in DISTRIBUTIONS), *DRESSINGS]
    return [name for name in named if manager in (None, kind_of(name).manager)]


def ensure_base_of(lab: Lab, kind: Kind) -> Path:
    return ensure_base(lab, kind.base)


def snapshot_path(lab: Lab, name: str) -> Path:
    return lab.layers / f"snapshot.{name}"


def snapshot_record(lab: Lab, name: str) -> Path:
    return lab.layers / f"snapshot.{name}.json"


def snapshot_stack(lab: Lab, name: str) -> tuple[str, list[Path]]:
    """Kind and layers, topmost first, of a root that LabHost.snapshot() kept."""
    record = snapshot_record(lab, name)
    if not record.exists():
        raise LabError(f"there is no snapshot called {name}")
    kept = json.loads(record.read_text())
    return str(kept["kind"]), [snapshot_path(lab, name), *map(Path, kept["layers"])]


def ensure_stack(lab: Lab, name: str, features: Sequence[str] = (), *, prepared: bool = True) -> list[Path]:
    """The layers of a host, topmost first: features, prepared packages, dressing, base."""
    kind = kind_of(name)
    stack = [ensure_base(lab, kind.base)]
    if name in DRESSINGS:
        dressing = DRESSINGS[name]
        stack = _stacked(
            lab, f"dress-{name}", stack, digest_of(asdict(dressing)), lambda root: write_files(root, dressing.files)
        )
    repository.ensure_server(lab)
    if kind.manager != "apt":
        return _rpm_stack(lab, kind, stack, features, prepared=prepared)
    view = repository.ensure_main(lab, kind.distribution, stack[-1])
    signer = SigningKey(lab).public
    stack = _stacked(
        lab,
        f"sources-{name}",
        stack,
        digest_of(Path(__file__).read_text(), signer.read_bytes().hex(), repr(DISTRIBUTIONS[kind.distribution])),
        lambda root: _use_repositories(root, kind.distribution, signer),
    )
    if prepared:
        stack = _stacked(
            lab,
            f"prepared-{name}",
            stack,
            repository.recipe_digest(),
            lambda root: _install_old(lab, root, PACKAGES, view),
        )
    for feature in features:
        digest = digest_of(FEATURES[feature], repository.recipe_digest())
        stack = _stacked(lab, f"{feature}-{name}", stack, digest, partial(_add_feature, lab, feature, view))
    return stack


def _rpm_stack(lab: Lab, kind: Kind, stack: list[Path], features: Sequence[str], *, prepared: bool) -> list[Path]:
    made = _LAYERS.get(kind.manager, rpm_layers)
    if kind.manager not in ("yum", "macos"):
        rpm_repository.ensure_main(lab, kind.distribution)
    digest = digest_of(made.recipe_digest(), rpm_repository.public_key(lab))
    stack = _stacked(lab, f"sources-{kind.name}", stack, digest,
                     lambda root: made.use_repositories(lab, root, kind.distribution))  # fmt: skip
    if prepared:
        stack = _stacked(lab, f"prepared-{kind.name}", stack, digest,
                         lambda root: made.prepare(lab, root, kind.distribution))  # fmt: skip
    for feature in features:
        recipe = FEATURES[feature]
        if recipe.script or recipe.packages not in ("", *made.TABLES):
            raise LabError(f"the feature {feature} is made for hosts with apt")
        change = partial(_add_rpm_feature, lab, kind, feature)
        stack = _stacked(lab, f"{feature}-{kind.name}", stack, digest_of(recipe, digest), change)
    return stack


def _add_rpm_feature(lab: Lab, kind: Kind, feature: str, root: Path) -> None:
    recipe = FEATURES[feature]
    write_files(root, recipe.files)
    if recipe.packages:
        made = _LAYERS.get(kind.manager, rpm_layers)
        made.install_old(lab, root, kind.distribution, made.TABLES[recipe.packages])


def _stacked(lab: Lab, name: str, below: list[Path], digest: str, change: Callable[[Path], None]) -> list[Path]:
    """`below` with one more layer on top, holding what `change` did to the root."""
    path = lab.layers / f"{name}-{digest_of(digest, [layer.name for layer in below])}"
    if not path.exists():
        with lab.lock(f"layer-{name}"):
            if not path.exists():
                with _scratch(lab, name, below) as (root, upper):
                    change(root)
                    run(["umount", root])
                    upper.rename(path)
                prune(lab.layers, name, path)
    return [path, *below]


@contextlib.contextmanager
def _scratch(lab: Lab, name: str, below: list[Path]) -> Iterator[tuple[Path, Path]]:
    folder = lab.layers / f".{name}.partial"
    root, upper, work = folder / "root", folder / "up", folder / "work"
    while os.path.ismount(root):
        run(["umount", root])
    shutil.rmtree(folder, ignore_errors=True)
    for path in (root, upper, work):
        path.mkdir(parents=True)
    run(
        [
            "mount",
            "-t",
            "overlay",
            "overlay",
            "-o",
            f"lowerdir={':'.join(map(str, below))},upperdir={upper},workdir={work}",
            root,
        ]
    )
    try:
        yield root, upper
    finally:
        while os.path.ismount(root):
            run(["umount", root])
        shutil.rmtree(folder, ignore_errors=True)


def _use_repositories(root: Path, distribution: str, signer: Path) -> None:
    write_files(root, DISTRIBUTIONS[distribution].sources(KEYRING))  # type: ignore[arg-type]
    target = root / KEYRING.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(signer, target)
    target.chmod(0o644)
    (root / "etc/hosts").write_text(f"127.0.0.1 localhost\n{CONTROLLER_ADDRESS} {' '.join(site_names())}\n")


def _install_old(lab: Lab, root: Path, packages: Sequence[Package], view: repository.View) -> None:
    """Install the old versions, with their marks, pins and local changes; then read the package lists."""
    wanted = [package for package in packages if package.installed]
    staged = root / "var/cache/lab-debs"
    staged.mkdir(parents=True)
    for package in wanted:
        version = next(v for v in package.versions if v.version == package.installed)
        shutil.copy(debs.build(lab, package, version).path, staged)
    chroot(root, ["sh", "-c", "exec dpkg -i /var/cache/lab-debs/*.deb"])
    shutil.rmtree(staged)
    for mark in ("auto", "hold"):
        names = [package.name for package in wanted if package.mark == mark]
        if names:
            chroot(root, ["apt-mark", mark, *names])
    for package in packages:
        if package.pin is not None:
            pin = f"Package: {package.name}\nPin: version *\nPin-Priority: {package.pin}\n"
            write_files(root, {f"/etc/apt/preferences.d/{package.name}": pin})
        write_files(root, dict(package.local_changes))
    chroot(root, ["apt-get", "update", "-q", "-o", "APT::Update::Error-Mode=any"])


def _add_feature(lab: Lab, feature: str, view: repository.View, root: Path) -> None:
    recipe = FEATURES[feature]
    write_files(root, recipe.files)
    table = {"bulk": BULK, "trouble": TROUBLE}.get(recipe.packages, ())
    if table:
        _install_old(lab, root, table, view)
    if recipe.script:
        chroot(root, ["sh", "-eu"], stdin=recipe.script)
