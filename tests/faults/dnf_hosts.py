"""What the tests of installing with dnf look at on a host."""

from __future__ import annotations

from typing import Any

from install_runs import STATE, processes, wait_until
from openfleet_lab.api import LabHost

RHEL = "REDHAT_ENTERPRISE_LINUX"
# Patch Manager does not know Fedora.
MAPPED: dict[str, Any] = {"system": RHEL, "os_mappings": {"fedora": {"operating_system": RHEL, "product": "Fedora42"}}}


def versions(host: LabHost, *names: str) -> dict[str, str]:
    """Package to ``version-release`` by rpm, the installed ones of these; of several instances all, sorted."""
    answer = host.run(["rpm", "-q", "--qf", "%{NAME} %{VERSION}-%{RELEASE}\\n", *names], check=False).stdout
    found: dict[str, list[str]] = {}
    for line in answer.splitlines():
        name, _space, version = line.partition(" ")
        if name in names:
            found.setdefault(name, []).append(version)
    return {name: ", ".join(sorted(each)) for name, each in found.items()}


def everything(host: LabHost) -> list[str]:
    """Every installed package."""
    return sorted(host.run(["rpm", "-qa"]).stdout.split())


def user_installed(host: LabHost) -> set[str]:
    """Names that dnf counts as wanted by somebody, not as dependencies."""
    text = host.run(["dnf", "-C", "-q", "repoquery", "--userinstalled", "--qf", "%{name}"]).stdout
    return set(text.split())


def last_history(host: LabHost) -> int:
    """Number of the newest transaction in dnf's history."""
    lines = [line.split("|")[0].strip() for line in host.run(["dnf", "-C", "history", "list"]).stdout.splitlines()]
    return max(int(each) for each in lines if each.isdigit())


def wait_for_slow(host: LabHost, seconds: int) -> None:
    """acme-slow's %post sleeps: rpm is in the middle of its transaction."""
    wait_until(lambda: processes(host, f"sleep {seconds}"), "acme-slow's %post sleeps")


def logs(host: LabHost) -> str:
    """Everything that the steps of all jobs printed."""
    return host.run(["sh", "-c", f"cat {STATE}/jobs/*/steps/*/log"]).stdout


def transactions(document: dict[str, Any]) -> list[int]:
    """Ids of dnf's history that an installation says it made."""
    jobs = document["installation"]["jobs"]
    return [number for job in jobs for number in job.get("transactions", [])]
