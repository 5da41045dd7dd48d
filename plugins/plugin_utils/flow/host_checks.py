# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One check of a host after its reboot, tried again until it holds or its time is up."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.error import HTTPError

from ansible.errors import AnsibleConnectionFailure
from ansible.module_utils.urls import open_url

from ..compliance.hooks import CHECK_FAILED
from ..compliance.services import lost, missing, parse_units
from ..errors import PatchError, without_passwords
from ..fleet.hooks_input import CONTROLLER, Hook
from ..host.after_reboot import fetch, listens, read_units

_PAUSE = 3.0
_SECONDS_FOR_ONE = 10
_MOST_BODY = 1024 * 1024


class HostCheck:
    """``before``: what ``compliance.services.record`` made of the host before; ``address``: where ports of the host are
    reached from the controller."""

    def __init__(
        self,
        channel: Any,
        hook: Hook,
        *,
        before: Mapping[str, Any] | None,
        address: str,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._channel = channel
        self._hook = hook
        self._before = before
        self._address = address
        self._clock = clock
        self._sleep = sleep

    def wait(self) -> None:
        """Raises ``check_failed`` with what was seen last and what to do."""
        until = self._clock() + self._hook.timeout
        while problem := self._look():
            if self._clock() >= until:
                raise PatchError(CHECK_FAILED, f"{problem} (tried for {self._hook.timeout} seconds). {self._advice()}")
            self._sleep(_PAUSE)

    def _look(self) -> str:
        """What is wrong now; empty when nothing is."""
        looks = {"services": self._services, "port": self._port, "url": self._url}
        try:
            return looks[self._hook.how]()
        except AnsibleConnectionFailure as error:
            return f"the host cannot be reached: {error}"
        except PatchError as error:
            if error.kind in ("timed_out", "bad_answer"):
                return error.message
            raise PatchError(CHECK_FAILED, error.message) from error

    def _services(self) -> str:
        units = parse_units(read_units(self._channel))
        if not self._hook.units and self._before is None:
            raise PatchError("no_record", "Which services were up before the reboot is not known.")
        found = missing(self._hook.units, units) if self._hook.units else lost(self._before or {}, units)
        more = f" and {len(found) - 10} more" if len(found) > 10 else ""
        return "; ".join(found[:10]) + more

    def _port(self) -> str:
        port = self._hook.port
        if self._hook.on != CONTROLLER:
            return "" if listens(self._channel, port) else f"nothing listens at port {port}"
        try:
            with socket.create_connection((self._address, port), timeout=_SECONDS_FOR_ONE):
                return ""
        except OSError as error:
            return f"port {port} of {self._address} cannot be reached: {error}"

    def _url(self) -> str:
        hook = self._hook
        if hook.on == CONTROLLER:
            status, said, body = self._fetched()
        else:
            status, said, body = fetch(self._channel, hook.url, verify=hook.validate_certs)
        if status is None:
            return f"{hook.name} does not answer: {without_passwords(said) or 'no reason was given'}"
        if status not in hook.statuses:
            return f"{hook.name} answers with status {status}, not {' or '.join(map(str, hook.statuses))}"
        if hook.contains is not None and hook.contains not in body:
            return f"{hook.name} answers, but without the text {hook.contains!r}"
        return ""

    def _fetched(self) -> tuple[int | None, str, str]:
        try:
            with open_url(self._hook.url, timeout=_SECONDS_FOR_ONE, validate_certs=self._hook.validate_certs) as answer:
                return answer.status, "", answer.read(_MOST_BODY).decode("utf-8", "replace")
        except HTTPError as error:
            return error.code, "", error.read(_MOST_BODY).decode("utf-8", "replace")
        except (OSError, ValueError) as error:
            return None, str(error), ""

    def _advice(self) -> str:
        return {
            "services": "See systemctl status and the journal of what is named, on the host.",
            "port": "See whether the service that serves it is up, and whether a firewall is in between.",
            "url": "See the log of the service behind it.",
        }[self._hook.how]
