"""What a check says of each state of a report, and the exit codes of what it found. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from jobs.schema import Label

__all__ = ["EXIT_CODES", "MEANINGS", "Outcome", "worst"]


class Outcome(StrEnum):
    """What holds of a state; of several the first in this order."""

    NOT_KEPT = "NOT_KEPT"
    MISSING = "MISSING"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    FORGED = "FORGED"
    OTHER = "OTHER"
    CONTRADICTED = "CONTRADICTED"
    STALE = "STALE"
    REPEATED = "REPEATED"
    UNNAMED = "UNNAMED"
    BACKED = "BACKED"


MEANINGS: Final[Mapping[Outcome, Label]] = {
    Outcome.NOT_KEPT: Label(
        "UNCHANGED, and only the evidence of changes was kept", "没有变化，而只保留了变更的凭证"
    ),
    Outcome.MISSING: Label("a state without evidence", "有状态但没有凭证"),
    Outcome.UNKNOWN_KEY: Label("signed by a key that is not trusted here", "签名密钥不受信任"),
    Outcome.FORGED: Label("the signature does not match", "签名不符"),
    Outcome.OTHER: Label("the signed answer is about another pair", "签名的应答属于其他用户或机构"),
    Outcome.CONTRADICTED: Label(
        "the signed answer has another state or authorize_time", "签名的应答中状态或授权时间不同"
    ),
    Outcome.STALE: Label("signed at another time than the report says", "签名时间与报告不符"),
    Outcome.REPEATED: Label(
        "the same signature under several pairs, which it does not name",
        "多条使用同一签名，且应答未写明身份",
    ),
    Outcome.UNNAMED: Label("all is well, but the answer names no pair", "均相符，但应答未写明身份"),
    Outcome.BACKED: Label("backed by WeChat Pay's signature", "有微信支付的签名为证"),
}
"""What each means, in English and in Chinese."""

EXIT_CODES: Final[Mapping[Outcome, int]] = {
    Outcome.NOT_KEPT: 0,
    Outcome.MISSING: 3,
    Outcome.UNKNOWN_KEY: 77,
    Outcome.FORGED: 5,
    Outcome.OTHER: 5,
    Outcome.CONTRADICTED: 5,
    Outcome.STALE: 3,
    Outcome.REPEATED: 5,
    Outcome.UNNAMED: 3,
    Outcome.BACKED: 0,
}
"""The exit code of a check that found one."""
_WORST_FIRST: Final = (5, 77, 3, 0)


def worst(codes: set[int]) -> int:
    """Return the exit code where several hold."""
    return next((code for code in _WORST_FIRST if code in codes), 0)
