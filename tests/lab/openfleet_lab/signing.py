"""Throw-away OpenPGP keys of the lab, in homes of their own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from .places import Lab, run


class SigningKey:
    """One ed25519 key. The lab's own is `archive`; `stranger` is a key that no host trusts."""

    def __init__(self, lab: Lab, name: str = "archive") -> None:
        self.home = lab.keys / f"gpg-{name}"
        self.public = lab.keys / f"{name}.gpg"
        self._lab = lab
        self._name = name

    def _gpg(self, *words: str | Path) -> None:
        run(["gpg", "--homedir", self.home, "--batch", "--yes", "--quiet", "--passphrase", "", *words])

    def ensure(self) -> SigningKey:
        with self._lab.lock("keys"):
            if not self.public.exists():
                self.home.mkdir(mode=0o700, exist_ok=True)
                self._gpg(
                    "--quick-gen-key", f"Lab {self._name} <{self._name}@example.invalid>", "ed25519", "sign", "never"
                )
                self._gpg("--output", self.public, "--export")
        return self

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Nobody ends the agent of this key while somebody signs with it."""
        with self._lab.lock(f"agent-{self._name}"):
            yield

    def clearsign(self, source: Path, target: Path) -> None:
        with self.in_use():
            self._gpg("--output", target, "--clearsign", source)

    def detach_sign(self, source: Path, target: Path) -> None:
        with self.in_use():
            self._gpg("--armor", "--output", target, "--detach-sign", source)

    def end_agent(self) -> None:
        with self.in_use():
            run(["gpgconf", "--homedir", self.home, "--kill", "all"], check=False)
