"""Stand-ins for the three tasks that work on a host, for real runs of the install role with its hooks.

``becomes`` of a host says what it is like: ``lacking`` a patch, ``nothing`` to do, ``waiting`` for a reboot; and which
step goes wrong: ``look_fails``, ``install_fails``, ``install_lost``, ``reboot_fails``. What is done, and what the hooks
of a test do, is noted in one file, in its order. Everything else is the collection's own.
"""

from __future__ import annotations

_COMMON = """
from datetime import datetime, timezone
from pathlib import Path
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ..plugin_utils.compliance.document import build_document
from ..plugin_utils.compliance.hooks import needs_install
from ..plugin_utils.errors import PatchError
from ..plugin_utils.engine.records import Inventory
from ..plugin_utils.fleet.baselines import resolve_baseline
from ..plugin_utils.fleet.controller import controller_key
from ..plugin_utils.fleet.run_directory import open_run, utc_text
from ..plugin_utils.flow.argument_spec import argument_spec
from ..plugin_utils.flow.results import failed, plain

MISSING = {"name": "libssl3", "arch": "amd64", "version": "1.0-2", "installed_version": "1.0-1", "security": True,
           "priority": "Optional", "section": "libs", "product": "Debian12", "repository": "bookworm-security"}
CHANGE = {"name": "libssl3", "arch": "amd64", "version": "1.0-2", "installed_version": "1.0-1"}


class Host:
    def __init__(self, arguments, task_vars):
        self.name, self.becomes = task_vars["inventory_hostname"], task_vars["becomes"]
        self.run = open_run(arguments["state_directory"], run_id=arguments["run_id"],
                            now=datetime.now(timezone.utc), controller_key=controller_key())
        folder = Path(arguments["state_directory"]).parent
        self.events, self.boot = folder / "events", folder / ("boot_" + self.name)

    def note(self, what):
        with self.events.open("a") as stream:
            stream.write(self.name + " " + what + chr(10))

    def boot_id(self):
        return self.boot.read_text() if self.boot.exists() else "first"

    def fail(self, kind, message, status="failed"):
        self.run.record_outcome(self.name, {"status": status, "kind": kind, "message": message})
        if status == "unreachable":
            raise AnsibleConnectionFailure(message)
        return failed(PatchError(kind, message))

    def document(self, missing, **more):
        now = utc_text(datetime.now(timezone.utc))
        inventory = Inventory(
            "DEBIAN", "Debian12", {"id": "debian"}, {"name": "apt"}, None, now, True, boot_id=self.boot_id(),
            candidates=[dict(MISSING)] if missing else [],
            repositories=[{"id": "s", "enabled": True, "security_metadata": True, "metadata_age": 1}])
        resolved = resolve_baseline([], operating_system="DEBIAN")
        self.run.record_baseline(resolved)
        told = {"host": self.name, "started_at": now, "finished_at": now}
        document = build_document(inventory, resolved, self.run, **told, **more)
        if self.becomes == "waiting" and self.boot_id() == "first":
            document["summary"]["installed_pending_reboot_count"] = 1
        self.run.write_document(self.name, document)
        self.run.record_outcome(self.name, {"status": "ok", "verdict": document["verdict"]})
        return document
"""
INSTALL = (
    _COMMON
    + """

class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec("install_patches"))
        arguments = plain(arguments)
        host, looking = Host(arguments, task_vars), self._task.check_mode
        host.note("looks" if looking else "installs")
        if host.becomes == "look_fails" and looking:
            return result | host.fail("no_interpreter", "no interpreter has apt_pkg")
        if host.becomes == "install_lost" and not looking:
            return result | host.fail("unreachable", "no route to host", "unreachable")
        lacking = host.becomes not in ("nothing", "waiting")
        plan = {"install": [CHANGE] if lacking else [], "pulled_in": [], "refused": [], "remove": []}
        known = {"plan": plan, "installed_count": 0, "changed": False}
        if looking:
            document = host.document(lacking)
        elif host.becomes == "install_fails":
            installation = {"result": "FAILED", "jobs": [], "installed": [], "refused": [], "conffiles_kept": []}
            document = host.document(True, operation="Install", installation=installation)
            return result | known | {"document": document} | host.fail("install_incomplete", "1 approved patch failed")
        else:
            installed = [CHANGE] if lacking else []
            installation = {"result": "SUCCEEDED", "jobs": [], "installed": installed, "refused": [],
                            "conffiles_kept": []}
            document = host.document(False, operation="Install", installation=installation,
                                     reboot_option=arguments["reboot_option"])
            known |= {"installed_count": len(installed), "changed": bool(installed)}
        needed = needs_install(document, plan, reboot_option=arguments["reboot_option"])
        return result | known | {"document": document, "needed": needed}
"""
)
REBOOT = (
    _COMMON
    + """

class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec("reboot_host"))
        host = Host(plain(arguments), task_vars)
        if arguments["reboot_option"] == "NoReboot" or self._task.check_mode:
            return result | {"changed": False, "rebooted": False}
        host.note("reboots")
        if host.becomes == "reboot_fails":
            return result | failed(PatchError("timed_out", "the host did not come back within 600 seconds"))
        host.boot.write_text("second")
        return result | {"changed": True, "rebooted": True}
"""
)
SCAN = (
    _COMMON
    + """

class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec("scan_host"))
        arguments = plain(arguments)
        host = Host(arguments, task_vars)
        host.note("scans")
        before = arguments["install_document"] or {}
        document = host.document(False, operation="Install", installation=before.get("installation"))
        return result | {"changed": False, "document": document}
"""
)
ACTIONS = {"install_patches": INSTALL, "reboot_host": REBOOT, "scan_host": SCAN}
