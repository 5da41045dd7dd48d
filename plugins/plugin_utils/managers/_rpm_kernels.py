# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the installed kernels runs, and which newer ones wait for the next boot.

A host may have kernels of several flavours (kernel-core and kernel-rt-core, kernel and kernel-uek, kernel-default and
kernel-azure), each with versions of its own: a newer one of another flavour than the one that runs waits for nobody.
"""

from __future__ import annotations

import re

from ._answer import Part

_NAME = re.compile(r"kernel(?P<number>[\d.]*)(?P<words>(?:-\w+)*?)(?:-core|-base)?\Z", re.ASCII)


def flavour_of(package: str | None) -> str:
    """``rt`` of kernel-rt-core, ``64k-debug`` of kernel-64k-debug-core, ``6.12`` of kernel6.12, else empty."""
    found = _NAME.match(package or "")
    return f"{found['number']}{found['words']}".strip("-") if found else ""


def running_kernel(kernels: Part) -> Part | None:
    """The installed kernel that runs, by what ``uname -r`` says; None where no package brought it.

    kernel-core 5.14.0-2.el9 calls itself 5.14.0-2.el9.x86_64, kernel-rt-core of that version ...x86_64+rt, kernel-debug
    of EL 7 ...x86_64.debug, kernel-PAE of EL 5 2.6.18-400.el5PAE; kernel-uek and others do without.
    """
    running = kernels.text("running") or ""
    installed = kernels.parts("installed")
    for part in installed:
        if running in _names(part):
            return part
    plain = running.rpartition("+")[0]
    same = [part for name in (running, plain) for part in installed if name and part.text("release") == name]
    return min(same, key=lambda part: flavour_of(part.text("package")), default=None)


def newer_than_running(kernels: Part) -> list[Part]:
    """Installed kernels, newest first, of the flavour of the one that runs that are newer than it."""
    running = running_kernel(kernels)
    if running is None:
        return []
    flavour = flavour_of(running.text("package"))
    alike = [part for part in kernels.parts("installed") if flavour_of(part.text("package")) == flavour]
    releases = [part.text("release") for part in alike]
    return alike[: releases.index(running.text("release"))]


def _names(part: Part) -> tuple[str, ...]:
    flavour, release = flavour_of(part.text("package")), part.text("release") or ""
    without_arch = release.removesuffix(f".{part.value.get('arch')}")
    return (f"{release}+{flavour}", f"{release}.{flavour}", f"{without_arch}{flavour}") if flavour else ()
