"""Runs over several lab hosts of different families at once, with one baseline for each operating system."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Mapping
from typing import Any

import walkthrough
from install_runs import ROOT, Installer, version
from openfleet_lab.api import LabHost
from transport_play import Play

RHEL = "REDHAT_ENTERPRISE_LINUX"
MAPPINGS = {"fedora": {"operating_system": RHEL, "product": "Fedora42"}}
# What Ansible needs in order to see more collections than this one; the task reads them like any other.
STAND_IN = """
import shutil
from ansible.module_utils.basic import AnsibleModule

def main():
    names = ("bucket", "object", "mode", "dest")
    module = AnsibleModule(argument_spec={name: {"type": "str", "required": True} for name in names})
    asked = module.params
    assert asked["mode"] == "get"
    shutil.copyfile("BUCKETS/" + asked["bucket"] + "/" + asked["object"], asked["dest"])
    module.exit_json(changed=True, msg="GET operation complete")

main()
"""


class Fleet(Installer):
    """``baselines`` by operating system; hosts without one get the predefined one."""

    baselines: Mapping[str, dict[str, Any]] = {}
    environment: dict[str, str] = {}

    def _environment(self) -> dict[str, str]:
        return super()._environment() | self.environment

    def variables(self, **more: Any) -> dict[str, Any]:
        """Variables of the playbooks."""
        named = [
            {"name": f"of-{system.lower().replace('_', '-')}", "operating_system": system, **each}
            for system, each in self.baselines.items()
        ]
        return {
            "patch_baselines": named,
            "patch_default_baselines": {each["operating_system"]: each["name"] for each in named},
            "patch_state_directory": str(self.state),
            "patch_refresh": "always",
            "patch_reboot_option": "NoReboot",
            "patch_os_mappings": MAPPINGS,
            **more,
        }

    def tasks(self, name: str, *arguments: str, limit: str = "all", **options: Any) -> Play:
        """One task of the collection on all hosts at once."""
        given = {key.removeprefix("patch_"): value for key, value in self.variables().items()}
        given.pop("reboot_option")
        process = self.start(
            {"all": {"hosts": self.hosts}},
            [{"name": name, f"openfleet.patch.{name}": {**given, **options}}],
            *("-l", limit, *arguments),
        )
        return self.finish(process, time.monotonic())

    def documented(self, page: str, number: int, *arguments: str, groups: Mapping[str, list[str]], **more: Any) -> Play:
        """The command at this place of a page of documentation, as it is there, with the inventory that it names."""
        commands = [each for each in walkthrough.steps((ROOT / "docs" / page).read_text()) if hasattr(each, "line")]
        words = shlex.split(commands[number].line)
        assert words[0] == "ansible-playbook"
        inventory = {
            "all": {
                "hosts": self.hosts,
                "vars": self.variables(**more),
                "children": {name: {"hosts": dict.fromkeys(hosts, {})} for name, hosts in groups.items()},
            }
        }
        (self.folder / "inventory.yml").write_text(json.dumps(inventory))
        return self.run_command([*words[1:], *arguments])

    def keep_in_s3(self, bucket: str, key: str, content: str) -> None:
        """From now on the module that reads from S3 is a stand-in, and finds this."""
        folder = self.folder / "stand_in" / "ansible_collections" / "amazon" / "aws" / "plugins" / "modules"
        folder.mkdir(parents=True, exist_ok=True)
        buckets = self.folder / "buckets"
        (folder / "s3_object.py").write_text(STAND_IN.replace("BUCKETS", str(buckets)))
        (buckets / bucket / key).parent.mkdir(parents=True, exist_ok=True)
        (buckets / bucket / key).write_text(content)
        own = super()._environment()["ANSIBLE_COLLECTIONS_PATH"]
        self.environment = {**self.environment, "ANSIBLE_COLLECTIONS_PATH": f"{self.folder / 'stand_in'}:{own}"}


def packages(host: LabHost, *names: str) -> dict[str, str]:
    """Package to version, as dpkg or rpm has it, the installed ones of these; of several instances all, sorted."""
    if host.kind.manager == "apt":
        found = {name: version(host, name) for name in names}
        return {name: told.removeprefix("ii").strip() for name, told in found.items() if told.startswith(("ii", "hi"))}
    answer = host.run(["rpm", "-q", "--qf", "%{NAME} %{VERSION}-%{RELEASE}\\n", *names], check=False).stdout
    listed: dict[str, set[str]] = {}
    for line in answer.splitlines():
        name, _space, told = line.partition(" ")
        if name in names:
            listed.setdefault(name, set()).add(told)
    return {name: ", ".join(sorted(each)) for name, each in listed.items()}


def documents(fleet: Installer) -> dict[str, dict[str, Any]]:
    """The newest document of every host in the newest run."""
    return {path.stem: json.loads(path.read_text()) for path in (fleet.state / "hosts").glob("*.json")}
