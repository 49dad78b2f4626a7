"""Chooses the gateway's host: the main one, or the backup while the main one cannot be reached.

Source: the two hosts on every API page, e.g. https://pay.weixin.qq.com/doc/v3/partner/4014482017
(main: nearest, backup: in another city). A status never causes a switch, whatever it is, because
a host that responds can be reached.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from palm.errors.values import check_rules
from palm.text.redact import shown_url

__all__ = ["HostRules", "Hosts"]

_log: Final = logging.getLogger("palm")


@dataclass(frozen=True, slots=True)
class HostRules:
    """When the host is switched.

    Attributes:
        failures: How many failures to reach a host in a row, with no response in between, cause a
            switch.
        within_s: How many seconds before the latest failure an earlier one still counts.
        try_main_s: How many seconds lie between two requests to the main host while another host
            is in use.

    Raises:
        SettingsError: One of them is not a number, or is too small.
    """

    failures: int = 3
    within_s: float = 60.0
    try_main_s: float = 30.0

    def __post_init__(self) -> None:
        check_rules(self, whole=("failures",), seconds=("within_s", "try_main_s"))


class Hosts:
    """The gateway's hosts. Times are passed in, from a clock that never goes back.

    Args:
        urls: Base URLs: main, then backups.
        rules: When to switch.

    Attributes:
        switches: How many times the host was switched.
    """

    def __init__(self, urls: Sequence[str], rules: HostRules | None = None) -> None:
        self._urls = tuple(urls)
        self._rules = rules or HostRules()
        self._current = 0
        self._failed: list[float] = []
        self._try_main_at = 0.0
        self._refused: set[str] = set()
        self._has_answered = False
        self.switches: int = 0

    @property
    def current(self) -> str:
        """The base URL that requests are sent to now, other than trials of the main host."""
        return self._urls[self._current]

    @property
    def refused_everywhere(self) -> bool:
        """Whether each host's certificate was refused last, and none has ever responded."""
        return not self._has_answered and len(self._refused) == len(set(self._urls))

    def choose(self, now: float) -> str:
        """Return the base URL for the next request."""
        if self._current and now >= self._try_main_at:
            self._try_main_at = now + self._rules.try_main_s
            return self._urls[0]
        return self._urls[self._current]

    def answered(self, url: str) -> None:
        """Record that a host responded, with whatever status."""
        self._has_answered = True
        if url == self._urls[0] and self._current:
            self._switch(0)
        elif url == self._urls[self._current]:
            self._failed.clear()

    def failed(self, url: str, now: float, *, refused: bool = False) -> None:
        """Record that a host could not be reached; ``refused``: its certificate was refused."""
        (self._refused.add if refused else self._refused.discard)(url)
        if len(self._urls) == 1 or url != self._urls[self._current]:
            return
        self._failed = [at for at in self._failed if at > now - self._rules.within_s] + [now]
        if len(self._failed) >= self._rules.failures:
            self._switch((self._current + 1) % len(self._urls))
            self._try_main_at = now + self._rules.try_main_s

    def _switch(self, to: int) -> None:
        _log.warning("requests are now sent to %s", shown_url(self._urls[to]))
        self._current = to
        self._failed.clear()
        self.switches += 1
