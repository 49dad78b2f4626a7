"""What goes wrong, how often, and for which request: drawn by hash, so that it is repeatable."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Final

from palm.errors import SettingsError

__all__ = ["ABOUT_STATES", "EARLIEST_COPY_S", "LATEST_COPY_S", "Fault", "Faults", "chance"]


class Fault(StrEnum):
    """One way in which an authenticated request can go wrong.

    Sources: statuses and codes https://pay.weixin.qq.com/doc/v3/merchant/4012081717, the probe
    https://pay.weixin.qq.com/doc/v3/merchant/4013053249
    """

    THROTTLE = "throttle"
    """429 FREQUENCY_LIMITED; half of them unsigned, since no page says whether a 429 is signed."""

    SYSTEM_ERROR = "system_error"
    """500 SYSTEM_ERROR, signed."""

    BAD_GATEWAY = "bad_gateway"
    """502 with nginx's HTML page, unsigned."""

    DROP = "drop"
    """The connection is closed without an answer."""

    STALL = "stall"
    """Nothing is sent, or half of the body; the connection is closed after ``stall_s``."""

    ALTERED = "altered"
    """One character of the body differs from what was signed; it is still valid JSON."""

    PROBE = "probe"
    """The signature begins with WECHATPAY/SIGNTEST/ and is not base64."""

    MISSING = "missing"
    """200 without the signature's headers."""

    SERIAL = "serial"
    """Signed, but the serial number is that of no known key."""

    STALE = "stale"
    """Correctly signed ten minutes ago."""

    OTHER = "other"
    """Correctly signed, about another openid, which has another state."""

    NOSTATE = "nostate"
    """Correctly signed, without a ``state``; the documentation calls it optional."""

    NEWSTATE = "newstate"
    """Correctly signed, ``AUTHORIZATION_STATE_FROZEN``, which no page lists."""

    TRUNCATED = "truncated"
    """Correctly signed, but the JSON ends in the middle."""

    UNNAMED = "unnamed"
    """Correctly signed, without ``openid``, ``organization_id`` or both, which are optional."""

    DUPLICATE = "duplicate"
    """The true answer, and once more a few milliseconds later on the same connection."""

    @classmethod
    def named(cls, name: str) -> Fault:
        """Return the fault with a name, or with the status that stands for it: ``500``.

        Raises:
            SettingsError: There is none.
        """
        if name not in _NAMES:
            raise SettingsError(f"unknown fault {name!r}; known are {', '.join(_NAMES)}")
        return _NAMES[name]


ABOUT_STATES: Final = {Fault.OTHER, Fault.NOSTATE, Fault.NEWSTATE, Fault.UNNAMED}
"""Faults of answers with a state; another request for which one is drawn is answered."""

EARLIEST_COPY_S: Final = 0.003
LATEST_COPY_S: Final = 0.05
"""A duplicate is sent between these two delays after its answer, in seconds."""

_BY_STATUS: Final = {
    "429": Fault.THROTTLE,
    "500": Fault.SYSTEM_ERROR,
    "502": Fault.BAD_GATEWAY,
}
_NAMES: Final = {fault.value: fault for fault in Fault} | _BY_STATUS


@dataclass(frozen=True, slots=True)
class Faults:
    """The share of the authenticated requests that meets each fault; one request meets at most one.

    Attributes:
        stall_s: The seconds after which a stalled connection is closed.
        seed: A different seed draws different requests.

    Raises:
        SettingsError: A share is not between 0 and 1, or all together exceed 1.
    """

    throttle: float = 0.0
    system_error: float = 0.0
    bad_gateway: float = 0.0
    drop: float = 0.0
    stall: float = 0.0
    altered: float = 0.0
    probe: float = 0.0
    missing: float = 0.0
    serial: float = 0.0
    stale: float = 0.0
    other: float = 0.0
    nostate: float = 0.0
    newstate: float = 0.0
    truncated: float = 0.0
    unnamed: float = 0.0
    duplicate: float = 0.0
    stall_s: float = 60.0
    seed: int = 0
    _steps: tuple[tuple[float, Fault], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        total = 0.0
        steps = []
        for fault in Fault:
            share = getattr(self, fault)
            if not 0 <= share <= 1:  # also where it is not a number
                raise SettingsError(f"the share of {fault} must lie between 0 and 1, not {share}")
            if share:
                total = math.fsum((total, share))
                steps.append((total, fault))
        if total > 1 + 1e-9:  # 0.1 ten times is a little more than 1
            raise SettingsError(f"the shares of all faults together are {total:g}, more than 1")
        object.__setattr__(self, "_steps", tuple(steps))

    @classmethod
    def parse(cls, text: str, *, stall_s: float = 60.0, seed: int = 0) -> Faults:
        """Return the faults that a text like ``429=0.02,stall=0.01`` names; empty: none.

        ``all=0.01`` sets every fault; a later item overrides an earlier one.

        Raises:
            SettingsError: A name is unknown, a share is not a number, or as for the class.
        """
        shares: dict[str, float] = {}
        for item in filter(None, (part.strip() for part in text.split(","))):
            name, _, number = (part.strip() for part in item.partition("="))
            if name != "all" and name not in _NAMES:
                raise SettingsError(
                    f"unknown fault {name!r}; known are {', '.join(['all', *_NAMES])}"
                )
            try:
                share = float(number)
            except ValueError:
                raise SettingsError(
                    f"a fault is written name=share, e.g. drop=0.01, not {item!r}"
                ) from None
            chosen = list(Fault) if name == "all" else [_NAMES[name]]
            shares |= dict.fromkeys(chosen, share)
        return cls(**shares, stall_s=stall_s, seed=seed)

    def draw(self, number: int) -> Fault | None:
        """Return the fault of the ``number``-th authenticated request, or None; always the same."""
        if not self._steps:
            return None
        drawn = chance(self.seed, number, "fault")
        for step, fault in self._steps:
            if drawn < step:
                return fault
        return None

    def __str__(self) -> str:
        shares = ((f.name, getattr(self, f.name)) for f in fields(self) if f.name in _NAMES)
        return ",".join(f"{name}={share:g}" for name, share in shares if share)


def chance(seed: int, number: int, what: str) -> float:
    """Return a number in [0, 1) that depends only on the arguments."""
    drawn = hashlib.blake2b(f"{seed} {number} {what}".encode(), digest_size=8).digest()
    return (int.from_bytes(drawn) >> 11) / 2**53
