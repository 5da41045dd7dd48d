"""The rooms keep to the table in docs/architecture.md, and the checker notices when they do not."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from import_rules import ROOMS, breaches, check_tree

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
OURS = "ansible_collections.openfleet.patch.plugins.plugin_utils"


def test_every_room_keeps_to_its_imports() -> None:
    assert check_tree(PLUGINS) == []


def test_the_tree_that_is_checked_is_not_empty() -> None:
    assert len(list(PLUGINS.rglob("*.py"))) > 10


def test_every_room_of_the_table_is_checked() -> None:
    table = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("## Who may import whom")[1]
    table = table.split("\n## ")[0]
    named = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")][1:]
    rooms = {room.strip() for cell in named for room in cell.split("(")[0].split(",")}
    checked = {PurePosixPath(name).stem for name in ROOMS} | {"host/scripts"}
    assert rooms
    assert rooms <= checked


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("plugin_utils/engine/x.py", "import subprocess"),
        ("plugin_utils/engine/x.py", "import os.path"),
        ("plugin_utils/engine/x.py", "from time import monotonic"),
        ("plugin_utils/engine/x.py", "import random"),
        ("plugin_utils/engine/x.py", "def f():\n    import socket"),
        ("plugin_utils/engine/x.py", "import urllib.request"),
        ("plugin_utils/engine/x.py", "from ansible.errors import AnsibleError"),
        ("plugin_utils/engine/x.py", "import yaml"),
        ("plugin_utils/engine/x.py", "from datetime import datetime\nx = datetime.now()"),
        ("plugin_utils/engine/x.py", "import datetime\nx = datetime.date.today()"),
        ("plugin_utils/engine/x.py", "import importlib\nx = importlib.import_module('subprocess')"),
        ("plugin_utils/engine/x.py", "name = 'o' + 's'\nx = __import__(name)"),
        ("plugin_utils/engine/x.py", f"from {OURS}.managers import apt"),
        ("plugin_utils/engine/x.py", "from ..host import channel"),
        ("plugin_utils/managers/apt.py", f"from {OURS}.managers import dnf"),
        ("plugin_utils/managers/apt.py", "from .dnf import parse"),
        ("plugin_utils/managers/apt.py", f"from {OURS}.engine.evaluate import evaluate"),
        ("plugin_utils/managers/apt.py", "import subprocess"),
        ("plugin_utils/managers/apt.py", "import ansible"),
        ("plugin_utils/host/channel.py", f"from {OURS}.engine import records"),
        ("plugin_utils/host/channel.py", f"import {OURS}.managers.apt"),
        ("plugin_utils/host/channel.py", "from ..compliance import document"),
        ("plugin_utils/host/channel.py", "from ansible.playbook.play import Play"),
        ("plugin_utils/compliance/document.py", f"from {OURS}.host.channel import HostChannel"),
        ("plugin_utils/compliance/document.py", f"from {OURS}.managers import apt"),
        ("plugin_utils/fleet/x.py", "from ansible.errors import AnsibleError"),
        ("plugin_utils/fleet/x.py", f"from {OURS}.compliance import document"),
        ("plugin_utils/questions/x.py", f"from {OURS}.fleet import history"),
        ("plugin_utils/questions/x.py", f"from {OURS}.report import model"),
        ("plugin_utils/questions/x.py", "from datetime import datetime\nx = datetime.now()"),
        ("plugin_utils/report/x.py", f"from {OURS}.fleet import files"),
        ("plugin_utils/report/x.py", "import os"),
        ("plugin_utils/store/x.py", f"from {OURS}.fleet import files"),
        ("plugin_utils/questions/x.py", "def f():\n    import sqlalchemy"),
        ("plugin_utils/errors.py", f"from {OURS}.engine import records"),
        ("plugin_utils/flow/scan.py", "from ansible_collections.openfleet.patch.plugins.action import scan_host"),
        ("plugin_utils/new_room/x.py", "import json"),
        ("plugin_utils/stray.py", "import json"),
        ("action/scan_host.py", "import requests"),
        ("modules/scan_host.py", "from ansible.module_utils.basic import AnsibleModule"),
        ("plugin_utils/host/scripts/apt_reader.py", "import apt_pkg"),
        ("plugin_utils/host/scripts/apt_reader.py", "def f():\n    import requests"),
        ("plugin_utils/host/scripts/apt_reader.py", "def f():\n    import ansible"),
        ("plugin_utils/host/scripts/apt_reader.py", "def f():\n    import apt_pkg\n    import dnf"),
        ("plugin_utils/host/scripts/apt_reader.py", "from . import other"),
    ],
)
def test_a_breach_is_noticed(path: str, code: str) -> None:
    assert breaches(code + "\n", PurePosixPath(path)) != []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("plugin_utils/engine/x.py", "from __future__ import annotations\nimport json\nfrom datetime import datetime"),
        ("plugin_utils/engine/x.py", "from . import records\nfrom .records import Inventory\nfrom ..errors import E"),
        ("plugin_utils/managers/apt.py", f"from {OURS}.engine.records import Inventory"),
        ("plugin_utils/managers/apt.py", f"from {OURS}.engine import operating_systems"),
        ("plugin_utils/managers/apt.py", "from .apt_plan import plan\nfrom ._checks import text"),
        ("plugin_utils/host/channel.py", "import base64\nfrom ansible.errors import AnsibleConnectionFailure"),
        ("plugin_utils/host/channel.py", f"from {OURS}.errors import PatchError"),
        ("plugin_utils/fleet/x.py", "import os\nimport yaml"),
        (
            "plugin_utils/questions/x.py",
            "from ..compliance.summary import COUNT_NAMES\nfrom ..errors import PatchError",
        ),
        ("plugin_utils/store/x.py", "import os\ndef f():\n    import sqlalchemy"),
        ("plugin_utils/report/x.py", "import csv\nfrom ..questions.spans import Span"),
        ("plugin_utils/flow/scan.py", f"from {OURS}.managers import apt\nfrom {OURS}.host import channel"),
        ("action/scan_host.py", "from ansible.plugins.action import ActionBase"),
        ("modules/scan_host.py", "from __future__ import annotations"),
        ("plugin_utils/host/scripts/apt_reader.py", "import json\ndef f():\n    import apt\n    import apt_pkg"),
    ],
)
def test_what_the_table_allows_passes(path: str, code: str) -> None:
    assert breaches(code + "\n", PurePosixPath(path)) == []
