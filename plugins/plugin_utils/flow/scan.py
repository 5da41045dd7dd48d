# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scan one host: read, decide, write down. What scan_host and, around its work, install_patches do."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ..compliance import document as documents
from ..compliance.outcomes import FAILED, OK, TIMED_OUT, UNREACHABLE
from ..compliance.run_data import run_data
from ..compliance.states import patch_key
from ..engine.records import Inventory
from ..errors import PatchError
from ..fleet.baseline_entries import read_registry
from ..fleet.baselines import ResolvedBaseline, patch_group_of, patch_group_problems, resolve_baseline
from ..fleet.controller import login_name
from ..fleet.files import make_private_directory, safe_name, write_new_json
from ..fleet.run_directory import Run, utc_text
from .channels import open_channel
from .errata import ErrataFile
from .inventory import build_inventory, read_request
from .ledger import ScanLedger
from .named_files import base_folder
from .opened_run import run_of_task
from .private_sources import HostSources
from .progress import tell_turn
from .results import plain


def utc_now() -> datetime:
    """The controller's clock."""
    return datetime.now(timezone.utc)


def cloud_tags(arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Any:
    """The option, else what cloud inventories (amazon.aws.aws_ec2, azure.azcollection.azure_rm) put into ``tags``."""
    given = arguments["cloud_tags"]
    return plain(task_vars.get("tags")) if given is None else given


class HostScan:
    """One host's turn in a run. ``arguments`` are validated and plain; ``now`` tells the controller's time.

    ``operation`` is what the document says was done. The constructor refuses bad baselines and patch groups, so that
    no host is touched for them.
    """

    operation = "Scan"
    looks_only = False
    """A look before the host's turn proper, as tasks with hooks take it."""

    def __init__(
        self,
        action: ActionBase,
        task_vars: dict[str, Any],
        arguments: Mapping[str, Any],
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._arguments = arguments
        self._task_vars = task_vars
        self._now = now
        self.host = str(action._task.delegate_to or task_vars.get("inventory_hostname"))
        registry = read_registry(arguments["baselines"] or [], folder=base_folder(action._loader))
        self.baselines, self.lint = registry.baselines, registry.warnings
        self._patch_groups = registry.groups_with(arguments["patch_groups"])
        self._default_baselines = registry.defaults_with(arguments["default_baselines"])
        problems = patch_group_problems(
            self.baselines, patch_groups=self._patch_groups, default_baselines=self._default_baselines
        )
        if problems:
            told = "; ".join(f"{problem['where']}: {problem['message']}" for problem in problems)
            raise PatchError("bad_patch_groups", told, problems=problems)
        self.patch_group, self._group_source = patch_group_of(
            arguments["patch_group"], cloud_tags=cloud_tags(arguments, task_vars)
        )
        self.channel = open_channel(action, task_vars, arguments)
        self.run: Run | None = None
        self.document: dict[str, Any] | None = None
        self.resolved: ResolvedBaseline | None = None
        self._inventory: Inventory | None = None
        self._errata: ErrataFile | None = None
        self._ledger: ScanLedger | None = None
        self.sources: HostSources | None = None
        """Chosen by the first reading where any baseline has sources."""
        self.inventory_file: str | None = None
        self.failure: PatchError | None = None
        """What went wrong although there is a document; set by ``work``."""
        self._started_at = utc_text(now())

    def scan(self) -> dict[str, Any]:
        """The document, also kept in the run directory with the outcome of this host, whatever that is.

        Raises ``PatchError`` after a document of a host that could not be read was kept, and Ansible's own
        unreachable error.
        """
        self.run = run_of_task(self._arguments, now=self._now())
        outcome: dict[str, Any] = {"status": FAILED, "message": "The task was interrupted.", "kind": "interrupted"}
        try:
            self.document = self.work()
            self._keep_first_seen()
            self._save_inventory()
            self.run.write_document(self.host, self.document)
            outcome = {"status": OK, "verdict": self.document["verdict"]}
            if self.failure is not None:
                raise self.failure
            return self.document
        except PatchError as error:
            outcome = self._failed_outcome(error)
            raise
        except AnsibleConnectionFailure as error:
            outcome = {"status": UNREACHABLE, "message": str(error), "kind": "unreachable"}
            raise
        except Exception as error:
            outcome = {"status": FAILED, "message": f"{type(error).__name__}: {error}", "kind": "internal_error"}
            raise
        finally:
            self.run.record_outcome(self.host, {**outcome, "run_data": self._run_data(), "at": utc_text(self._now())})
            self._tell_turn(outcome)

    def _tell_turn(self, outcome: Mapping[str, Any]) -> None:
        """The scan after an installation is part of a turn that was told."""
        if not self.looks_only and not self._arguments.get("install_document"):
            quiet = not self._arguments["progress"]
            tell_turn(self.opened_run, self._task_vars, outcome, self.document, quiet=quiet)

    def work(self) -> dict[str, Any]:
        """The document of this host; what a task does beyond reading belongs here."""
        inventory = self.read()
        self.resolve(inventory)
        installed = self._arguments.get("install_document")
        if not installed:
            return self.judge(inventory)
        self.operation = "Install"
        return self.judge(inventory, **carried_from(installed))

    def read(self, refresh: str | None = None) -> Inventory:
        """What is on the host now; ``refresh`` in place of the task's own."""
        named = self._arguments.get("errata")
        if named and self._errata is None:
            self._errata = ErrataFile(named, self.opened_run)
        wanted = {key: self._arguments[key] for key in ("refresh", "metadata_max_age")}
        if self._arguments.get("newest_release"):
            wanted["newest_release"] = True
        if self._arguments.get("macos_brew_path"):
            wanted["brew_path"] = self._arguments["macos_brew_path"]
        wanted |= self._again(refresh)
        if self.sources is None and any(each["sources"] for each in self.baselines):
            # What the host is by itself, without a word to its repositories.
            before = self._read_host(wanted | {"refresh": "never"})
            self.sources = HostSources(
                self.choose_baseline(before.operating_system).baseline, before, self._sources_folder()
            )
        self._inventory = self._read_host(wanted | (self.sources.reader_options() if self.sources else {}))
        if self._errata is not None:
            self._errata.lay_over(self._inventory)
        return self._inventory

    def _again(self, refresh: str | None) -> dict[str, str]:
        """For a further reading; what the task asked for counts where the host would tell what it remembers (macOS)."""
        return {"refresh": refresh, "asked_refresh": str(self._arguments["refresh"])} if refresh else {}

    def _read_host(self, options: Mapping[str, Any]) -> Inventory:
        reading = self.channel.call(read_request(options))
        return build_inventory(reading, mappings=self._arguments["os_mappings"], arguments=self._arguments)

    def _sources_folder(self) -> str | None:
        """Where the metadata of sources lies on the host; None: in memory, no longer than a reading."""
        return None

    def choose_baseline(self, operating_system: str) -> ResolvedBaseline:
        return resolve_baseline(
            self.baselines,
            operating_system=operating_system,
            patch_group=self.patch_group,
            patch_groups=self._patch_groups,
            default_baselines=self._default_baselines,
            group_source=self._group_source,
        )

    def resolve(self, inventory: Inventory) -> ResolvedBaseline:
        """The host's baseline, noted in the run; and when each version was first seen."""
        self.resolved = self.choose_baseline(inventory.operating_system)
        self.opened_run.record_baseline(self.resolved)
        if self._ledger is None:
            self._ledger = ScanLedger(
                self.opened_run.state_directory,
                delay_clock=self._arguments["delay_clock"],
                store_url=self._arguments["store_url"],
            )
        self._ledger.date(inventory, now=utc_text(self._now()))
        return self.resolved

    def judge(self, inventory: Inventory, **more: Any) -> dict[str, Any]:
        """The document; ``more`` are further members of ``build_document``."""
        if self.resolved is None:
            raise AssertionError("resolve comes before judge")
        arguments = self._arguments
        return documents.build_document(
            inventory,
            self.resolved,
            self.opened_run,
            host=self.host,
            started_at=self._started_at,
            finished_at=utc_text(self._now()),
            patch_group=self.patch_group,
            operation=self.operation,
            honour_host_excludes=arguments["honour_host_excludes"],
            honour_phasing=arguments["honour_phasing"],
            delay_clock=arguments["delay_clock"],
            list_installed_other=arguments["list_installed_other"],
            stale_after=arguments["metadata_stale_after"],
            pending=[(each["name"], each["arch"], each["version"]) for each in inventory.pending],
            run_data=self._run_data(),
            sources=self.sources.for_document() if self.sources else None,
            **({"warnings": self.warnings()} | more),
        )

    @property
    def opened_run(self) -> Run:
        """The run, which ``scan`` opens before anything is read."""
        if self.run is None:
            raise AssertionError("scan opens the run")
        return self.run

    def _keep_first_seen(self) -> None:
        """Every scan that went well feeds the ledger."""
        if self._ledger is not None:
            self._ledger.keep()

    def _save_inventory(self) -> None:
        if not self._arguments["save_inventory"] or self.run is None or self._inventory is None:
            return
        folder = self.run.path / "inventories"
        make_private_directory(folder)
        self.inventory_file = str(write_new_json(folder, safe_name(self.host), self._inventory.to_dict()))

    def _failed_outcome(self, error: PatchError) -> dict[str, Any]:
        """The outcome of a failure; the document, unless the work got as far as one, is that of an unknown host."""
        if self.document is None:
            self.document = documents.build_unknown_document(
                self.opened_run,
                error.as_result(),
                host=self.host,
                started_at=self._started_at,
                finished_at=utc_text(self._now()),
                patch_group=self.patch_group,
                operation=self.operation,
                resolved=self.resolved,
                known=self._known(),
                warnings=self.warnings(),
                run_data=self._run_data(),
                sources=self.sources.for_document() if self.sources else None,
            )
            self.opened_run.write_document(self.host, self.document)
        status = TIMED_OUT if error.kind == "timed_out" else FAILED
        return {"status": status, "kind": error.kind, "message": error.message}

    def _known(self) -> dict[str, Any]:
        if self._inventory is not None:
            return self._inventory.to_dict()
        system = self.channel.last_system
        if system is None:
            return {}
        facts = {"kernel": system.get("kernel"), "arch": system.get("arch")}
        return {"os": facts, "privileged": system.get("uid") == 0}

    def warnings(self) -> list[dict[str, str]]:
        """Of the baselines and of the run; a reader's own are part of its inventory."""
        notes = [{"kind": "baseline", "message": message} for message in self.lint]
        notes += self.sources.warnings() if self.sources else []
        return notes + [
            {"kind": "state_directory", "message": text} for text in (self.run.warnings if self.run else [])
        ]

    def _run_data(self) -> dict[str, Any]:
        """After an installation also what that one said, such as its timeout."""
        installed = self._arguments.get("install_document") or {}
        mine = run_data(self._arguments, self._task_vars, login=login_name(os.environ))
        return {**(installed.get("run") or {}).get("data", {}), **mine}


def carried_from(document: Mapping[str, Any]) -> dict[str, Any]:
    """What a document keeps of the installation that it follows; raises ``bad_document`` for anything else."""
    try:
        failed = {patch_key(entry): entry["failure"] for entry in document["patches"] if entry["state"] == "FAILED"}
        return {"failed": failed} | {key: document[key] for key in ("installation", "pulled_in", "reboot_option")}
    except (KeyError, TypeError) as error:
        raise PatchError(
            "bad_document", f"install_document is not the document of an installation: {error!r}."
        ) from error
