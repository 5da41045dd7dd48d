"""What ``make`` runs, for those who want one part of it: ``nox --list``.

Sessions use the environment that ``make`` prepared (.venv) instead of one each; ``sanity`` uses .cache/venvs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent
TOOLS = ROOT / "tests" / "tools"
sys.path.insert(0, str(TOOLS))

import host_scripts  # noqa: E402
from core_venvs import CORES, ensure  # noqa: E402
from interpreters import find_interpreters, report  # noqa: E402

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "unit"]

COLLECTIONS = ROOT / ".cache" / "collections"
PACKAGE = "ansible_collections.openfleet.patch.plugins"
CANNOT_RUN = 77
Steps = dict[str, list[str]]
SHELLS = (b"#!/bin/sh", b"#!/bin/bash", b"#!/usr/bin/env bash")
ENVIRONMENT = {
    "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
    "ANSIBLE_HOME": str(ROOT / ".cache" / "ansible"),
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
}


def tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def run_all(session: nox.Session, steps: Steps) -> None:
    """Every step, also after one has failed: a person wants all the findings of a run at once."""
    failed = []
    for name, command in steps.items():
        started = time.monotonic()
        try:
            session.run(*command, external=True, env=ENVIRONMENT)
        except nox.command.CommandFailed:
            failed.append(name)
        session.log(f"{name}: {'FAILED' if name in failed else 'ok'} in {time.monotonic() - started:.1f} s")
    if failed:
        session.error(f"failed: {', '.join(failed)}")


def shellcheck_steps() -> Steps:
    """Tracked files whose name or first line says that a shell runs them; a ``.sh`` without one is POSIX sh."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    heads = {name: (ROOT / name).read_bytes()[:64] for name in names.split("\0") if name and (ROOT / name).is_file()}
    programs = [name for name, head in heads.items() if head.startswith(SHELLS)]
    parts = [name for name in heads if name.endswith(".sh") and name not in programs]
    command = [tool("shellcheck"), "--external-sources"]
    steps = {"shellcheck": [*command, *programs]}
    return {**steps, "shellcheck of parts": [*command, "--shell=sh", *parts]} if parts else steps


def build_steps() -> Steps:
    build = ROOT / ".cache" / "build"
    shutil.rmtree(build, ignore_errors=True)
    return {"galaxy build": [tool("ansible-galaxy"), "collection", "build", "--output-path", str(build), "--force"]}


def lint_steps() -> Steps:
    scripts = [str(path) for path in host_scripts.python_scripts()]
    typed = ["-p", f"{PACKAGE}.plugin_utils"]
    if list((ROOT / "plugins" / "action").glob("*.py")):
        typed += ["-p", f"{PACKAGE}.action"]
    steps = {
        "ruff check": [tool("ruff"), "check", "."],
        "ruff format": [tool("ruff"), "format", "--check", "."],
        "mypy": [tool("mypy"), *typed],
        "licence headers": [sys.executable, str(TOOLS / "check_headers.py"), "plugins"],
        "yamllint": [tool("yamllint"), "--strict", "."],
        **shellcheck_steps(),
        "changelog": [tool("antsibull-changelog"), "lint"],
        "collection docs": [tool("antsibull-docs"), "lint-collection-docs", "--plugin-docs", "."],
        "ansible-lint": [tool("ansible-lint"), "--offline", "--profile", "production"],
    }
    if scripts:
        steps["vermin"] = [tool("vermin"), "--no-tips", "--violations", "-t=2.6-", "-t=3.4-", *scripts]
    return {**steps, **build_steps()}


@nox.session
def lint(session: nox.Session) -> None:
    """Formatters, types, linters, host scripts on every interpreter found, documentation, changelog, build."""
    shutil.rmtree(ROOT / "tests" / "output", ignore_errors=True)
    found = find_interpreters()
    session.log(report(found))
    problems = [
        f"{script.name} with Python {version}: {error}"
        for version, python in found.items()
        for script, error in host_scripts.compile_errors(host_scripts.python_scripts(), python).items()
        if error
    ]
    for problem in problems:
        session.warn(problem)
    run_all(session, lint_steps())
    if problems:
        session.error("host scripts do not compile everywhere")


@nox.session
def unit(session: nox.Session) -> None:
    """Pure tests: units and conformance vectors."""
    pytest = [sys.executable, "-m", "pytest", "-n", "2", "-m", "not lab and not slow"]
    session.run(*pytest, "tests/unit", "tests/conformance", *session.posargs, external=True)


@nox.session
@nox.parametrize("core", ["2.16", "2.21"])
def sanity(session: nox.Session, core: str) -> None:
    """ansible-test sanity with the oldest and the newest supported ansible-core."""
    problem = ensure(core)
    if problem and core == "2.21":
        session.warn(f"{problem}; using ansible-core {CORES['2.19'][0]} instead")
        core = "2.19"
    session.run(sys.executable, "tests/sanity/run_sanity.py", core, *session.posargs, external=True)


@nox.session
def lab(session: nox.Session) -> None:
    """Tests on the lab's real hosts (root, Debian)."""
    session.run(sys.executable, "-m", "pytest", "-m", "lab", "tests", *session.posargs, external=True)


@nox.session
def molecule(session: nox.Session) -> None:
    """Every molecule scenario, over one shared config; or those that are named."""
    command = [sys.executable, str(TOOLS / "run_molecule.py"), *session.posargs]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    if code == CANNOT_RUN:
        session.skip("this machine cannot carry it, as said above")
    if code != 0:
        session.error(f"molecule ended with exit code {code}")


@nox.session
def bench(session: nox.Session) -> None:
    """Every benchmark: a table on the terminal, JSON in .cache/bench."""
    session.run(sys.executable, "tests/benchmarks/run.py", *session.posargs, external=True)
