"""Who may import whom (the table in docs/architecture.md), read from the source with ``ast``: nothing is imported."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

OURS = "ansible_collections.openfleet.patch.plugins"
UTILS = f"{OURS}.plugin_utils"

# Standard library that reaches the operating system, the clock, the network or randomness.
EFFECTS = frozenset(
    "asyncio ctypes fcntl ftplib getpass http imaplib multiprocessing os platform pty pwd grp random resource secrets "
    "select selectors shutil signal smtplib socket socketserver ssl subprocess syslog tempfile termios time urllib "
    "uuid xmlrpc".split()
)
COMPUTED = "<a computed name>"
CLOCK_CALLS = frozenset({"now", "utcnow", "today"})
# What the engine shares with the managers: records and data about operating systems, no rule of evaluation.
SHARED = ("records", "changes", "operating_systems", "identity", "versions")
ENGINE_DATA = tuple(f"{UTILS}.engine.{name}" for name in SHARED)
# One native library may show under several names.
NATIVE = {
    "apt": "python-apt", "apt_pkg": "python-apt", "apt_inst": "python-apt", "aptsources": "python-apt",
    "dnf": "dnf", "hawkey": "dnf", "libdnf": "dnf", "libdnf5": "libdnf5", "yum": "yum", "rpm": "rpm", "rpmUtils": "yum",
    "rhnplugin": "yum", "lsb_release": "lsb_release", "distro_info": "distro_info", "systemd": "systemd",
}  # fmt: skip
# Names of the standard library before Python 3 that 3.x's own list no longer has.
OLD_STDLIB = frozenset({"__builtin__", "ConfigParser", "cStringIO", "StringIO", "Queue", "urllib2", "commands", "imp"})


@dataclass(frozen=True)
class Room:
    """``ours``: prefixes of our own modules; ``others``: prefixes outside the standard library; ``computed``: may
    import a module whose name is worked out at run time (an action reads the documentation of the module beside it)."""

    ours: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    pure: bool = False
    computed: bool = False


ERRORS = f"{UTILS}.errors"
ROOMS = {
    "plugin_utils/errors.py": Room(),
    "plugin_utils/engine": Room(ours=(f"{UTILS}.engine", ERRORS), pure=True),
    "plugin_utils/managers": Room(ours=(*ENGINE_DATA, ERRORS), pure=True),
    "plugin_utils/host": Room(
        ours=(f"{UTILS}.host", ERRORS),
        others=("ansible.errors", "ansible.plugins", "ansible.module_utils", "ansible.utils", "ansible.constants"),
    ),
    "plugin_utils/compliance": Room(ours=(f"{UTILS}.compliance", f"{UTILS}.engine", ERRORS), others=("yaml",)),
    "plugin_utils/fleet": Room(ours=(f"{UTILS}.fleet", f"{UTILS}.engine", ERRORS), others=("yaml",)),
    "plugin_utils/questions": Room(
        ours=(f"{UTILS}.questions", f"{UTILS}.compliance", f"{UTILS}.engine", ERRORS), pure=True
    ),
    "plugin_utils/report": Room(
        ours=(f"{UTILS}.report", f"{UTILS}.questions", f"{UTILS}.compliance", f"{UTILS}.engine", ERRORS), pure=True
    ),
    "plugin_utils/store": Room(
        ours=(f"{UTILS}.store", f"{UTILS}.questions", f"{UTILS}.compliance", f"{UTILS}.engine", ERRORS),
        others=("sqlalchemy",),
    ),
    "plugin_utils/flow": Room(ours=(UTILS,), others=("ansible", "yaml", "jinja2"), computed=True),
    "plugin_utils/__init__.py": Room(),
    "action": Room(ours=(UTILS, f"{OURS}.action"), others=("ansible", "yaml")),
    "filter": Room(ours=(f"{UTILS}.engine", f"{UTILS}.compliance", ERRORS), others=("ansible",)),
    "modules": Room(),
    "doc_fragments": Room(),
}


def room_of(relative: PurePosixPath) -> str | None:
    """The longest entry of ``ROOMS`` that holds this path, which is relative to ``plugins``."""
    fitting = [name for name in ROOMS if relative == PurePosixPath(name) or PurePosixPath(name) in relative.parents]
    return max(fitting, key=len, default=None)


def _absolute(node: ast.ImportFrom, relative: PurePosixPath) -> str:
    """The full name behind ``from . import x`` and its like."""
    if not node.level:
        return node.module or ""
    package = [*OURS.split("."), *relative.parts[:-1]]
    return ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])


def imports(tree: ast.AST, relative: PurePosixPath) -> Iterator[tuple[int, str]]:
    """Line and full name of everything imported; ``from a import b`` counts as ``a.b`` where ``a`` is ours."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, relative)
            if base.startswith("ansible_collections"):
                yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, base
        elif isinstance(node, ast.Call) and _called(node) in ("__import__", "import_module"):
            argument = node.args[0] if node.args else None
            known = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            yield node.lineno, argument.value if known else COMPUTED  # type: ignore[union-attr]


def _called(node: ast.Call) -> str:
    target = node.func
    return target.attr if isinstance(target, ast.Attribute) else target.id if isinstance(target, ast.Name) else ""


def _within(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def _room_breaches(tree: ast.AST, relative: PurePosixPath, room: Room) -> Iterator[str]:
    own = f"{OURS}.{'.'.join(relative.with_suffix('').parts)}"
    for line, name in imports(tree, relative):
        top = name.split(".")[0]
        if name == COMPUTED:
            allowed = room.computed
        elif top == "ansible_collections":
            allowed = _within(name, room.ours) or _within(name, (own,))
        elif top in sys.stdlib_module_names:
            allowed = not (room.pure and top in EFFECTS)
        else:
            allowed = _within(name, room.others)
        if not allowed:
            yield f"{relative}:{line}: may not import {name}"
    if room.pure:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCK_CALLS:
                yield f"{relative}:{node.lineno}: reads the clock with {node.func.attr}()"


def _host_script_breaches(tree: ast.Module, relative: PurePosixPath) -> Iterator[str]:
    inside = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        for part in ast.walk(node)
    }
    libraries: dict[str, int] = {}
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        for line, name in imports(node, relative):
            top = name.split(".")[0]
            if top in NATIVE:
                libraries.setdefault(NATIVE[top], line)
                if id(node) not in inside:
                    yield f"{relative}:{line}: imports {top} outside a function"
            elif top not in sys.stdlib_module_names and top not in OLD_STDLIB:
                yield f"{relative}:{line}: may not import {name}"
    if len(libraries) > 1:
        yield f"{relative}: needs more than one native library: {', '.join(sorted(libraries))}"


def breaches(source: str, relative: PurePosixPath) -> list[str]:
    """Every breach in one file; ``relative`` is its path below ``plugins``. Empty when the file keeps the rules."""
    tree = ast.parse(source, filename=str(relative))
    if PurePosixPath("plugin_utils/host/scripts") in relative.parents:
        return list(_host_script_breaches(tree, relative))
    name = room_of(relative)
    if name is None:
        return [f"{relative}: belongs to no room of docs/architecture.md"]
    found = list(_room_breaches(tree, relative, ROOMS[name]))
    # Managers do not know each other; what they share starts with an underscore.
    if name == "plugin_utils/managers":
        shared = f"{UTILS}.managers._"
        own = relative.stem.split("_")[0]
        mine = tuple(f"{UTILS}.managers.{own}{tail}" for tail in ("", "_"))
        known = {
            f"{relative}:{line}: may not import {target}"
            for line, target in imports(tree, relative)
            if target.startswith((shared, *mine))
        }
        found = [breach for breach in found if breach not in known]
    return found


def check_tree(plugins: Path) -> list[str]:
    """All breaches below a ``plugins`` folder."""
    return [
        breach
        for path in sorted(plugins.rglob("*.py"))
        for breach in breaches(path.read_text(encoding="utf-8"), PurePosixPath(path.relative_to(plugins).as_posix()))
    ]
