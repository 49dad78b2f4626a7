"""What a member and the command send each other, as plain values that JSON can hold. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from jobs.json_dataclass import JsonDataclass, Readers

__all__ = ["Counts", "Question", "Reply"]


@dataclass(frozen=True, slots=True)
class Counts(JsonDataclass):
    """What a member saw since it began; they only grow, so that a lost message loses nothing.

    Attributes:
        pauses: How many pauses of all members it knew of when the requests of ``answers`` and
            ``throttles`` were written. These two begin at 0 again after each pause.
        answers: Requests that were answered, those of ``throttles`` included.
        throttles: Requests that were throttled and may lower the rate.
        retry_after_s: The longest pause that one of them asked for, in seconds; 0: none.
        successes: Requests that show that the gateway can be reached.
        failures: Requests that show that it cannot.
        failures_in_a_row: Of them, those since the last success.
    """

    pauses: int = 0
    answers: int = 0
    throttles: int = 0
    retry_after_s: float = 0.0
    successes: int = 0
    failures: int = 0
    failures_in_a_row: int = 0


@dataclass(frozen=True, slots=True)
class Question(JsonDataclass):
    """A member asks for its share.

    Attributes:
        member: Name of the member, which no other one ever has.
        seq: Number of the question, from 1. Only the reply to the latest question counts.
        using: The share that the member uses, at most, until a reply to this question.
        want: The share that it could use; None: whatever it gets.
        counts: What it saw.
    """

    member: str
    seq: int
    using: int
    want: int | None = None
    counts: Counts = field(default_factory=Counts)

    _READ: ClassVar[Readers] = {"counts": Counts.from_json}


@dataclass(frozen=True, slots=True)
class Reply(JsonDataclass):
    """What a member may use.

    Attributes:
        member: Name of the member.
        seq: Number of the question.
        share: Requests that the member may send in any one second; 0: none.
        rate: Requests per second at which they are spaced: the share, or less where the whole quota
            is below 1 a second.
        lease_s: Seconds after which the share ends, from the moment at which the question was sent.
        pauses: How many pauses of all members there have been.
        is_outage: Whether the gateway is down for all members.
        cancel: Why the member is to stop; None: it goes on.
    """

    member: str
    seq: int
    share: int
    rate: float
    lease_s: float
    pauses: int = 0
    is_outage: bool = False
    cancel: str | None = None
