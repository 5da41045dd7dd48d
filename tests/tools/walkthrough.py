"""Runs a page of documentation: writes the files that it shows, runs its commands, compares what they print.

A block of yaml or ini whose first line is ``# NAME`` is the whole file of that name. A block of console has commands
after ``$`` and, up to the next one, what they print: line by line and in order, where ``...`` alone stands for any
lines and at the end of a line for any rest. A command has to end with 0, unless ``(exit code N)`` stands last.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


@dataclass
class File:
    name: str
    content: str


@dataclass
class Command:
    line: str
    expected: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        found = re.fullmatch(r"\(exit code (\d+)\)", self.expected[-1]) if self.expected else None
        return int(found[1]) if found else 0

    @property
    def lines(self) -> list[str]:
        """What has to be printed, the exit code apart."""
        return self.expected[:-1] if self.exit_code else self.expected


def steps(page: str) -> list[File | Command]:
    """What a reader of this page does, in order."""
    found: list[File | Command] = []
    for language, block in FENCE.findall(page):
        if language == "console":
            for line in block.splitlines():
                if line.startswith("$ "):
                    found.append(Command(line[2:]))
                else:
                    command = found[-1]
                    assert isinstance(command, Command), f"output without a command: {line}"
                    command.expected.append(line)
        else:
            name = re.match(r"# (\S+)\n", block)
            assert name, f"a block of {language} without a name: {block[:60]}"
            found.append(File(name[1], block))
    return found


def missing_line(expected: list[str], printed: str) -> str | None:
    """The first expected line that is not where it should be; None when all are."""
    rest = printed.splitlines()
    anywhere = False
    for line in expected:
        if line == "...":
            anywhere = True
            continue
        pattern = re.escape(line.rstrip()).replace(r"\.\.\.", ".*")
        places = [at for at, each in enumerate(rest) if re.fullmatch(pattern, each.rstrip())]
        if not places or (places[0] != 0 and not anywhere):
            return line
        rest, anywhere = rest[places[0] + 1 :], False
    return None


def write(folder: Path, file: File) -> None:
    path = folder / file.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(file.content, encoding="utf-8")
