"""Why lines of an input hold no pair, and how many of them do not. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

__all__ = ["InvalidLine", "LineStats", "Reason"]

_MOST_LISTED: Final = 1_000


class Reason(StrEnum):
    """Why a line holds no pair; the line is never quoted, for it may hold an openid."""

    BLANK = "blank line"
    MANY_LINES = "a record over more than 10 lines"
    KEY_BREAK = "a key field holds a line break"
    MANY_FIELDS = "more fields than the header"
    HEADER_AGAIN = "the header again"
    OPENID_EMPTY = "openid is empty"
    OPENID_LONG = "openid is longer than 128 characters"
    OPENID_CONTROL = "openid has a control character"
    OPENID_DOTS = "openid is . or .."  # it would be a folder in the request's path
    ORGANIZATION_EMPTY = "organization_id is empty"
    ORGANIZATION_LONG = "organization_id is longer than 64 characters"
    ORGANIZATION_CONTROL = "organization_id has a control character"


class InvalidLine(NamedTuple):
    """A line that holds no pair."""

    line: int
    reason: Reason


@dataclass(slots=True)
class LineStats:
    """Counts of the lines of an input, and a list of the first 1,000 invalid ones.

    Attributes:
        invalid: Lines that hold no pair.
        continuation: Lines on which a valid record continues.
        by_reason: ``invalid`` by reason.
        listed: The first 1,000 invalid lines.
        first_of: The first line of each reason.
        decorated: Lines on which decoration was removed from a key.
        first_decorated: The first of these lines; 0 if there is none.
        blank_quote: The line of the last record with blanks before an opening quote.
        blank: Blank lines read last; they are invalid only if a record follows.
    """

    invalid: int = 0
    continuation: int = 0
    by_reason: Counter[Reason] = field(default_factory=Counter)
    listed: list[InvalidLine] = field(default_factory=list)
    first_of: dict[Reason, int] = field(default_factory=dict)
    decorated: int = 0
    first_decorated: int = 0
    blank_quote: int = 0
    blank: int = 0

    def reject(self, reason: Reason, first: int, last: int) -> None:
        """Count the lines from ``first`` to ``last`` as invalid."""
        count = last - first + 1
        self.invalid += count
        self.by_reason[reason] += count
        self.first_of.setdefault(reason, first)
        listed = min(count, _MOST_LISTED - len(self.listed))
        self.listed += [InvalidLine(line, reason) for line in range(first, first + listed)]

    def reject_blank_before(self, line: int) -> None:
        """Count the blank lines that end before ``line``, on which a record begins, as invalid."""
        if self.blank:
            self.reject(Reason.BLANK, line - self.blank, line - 1)
            self.blank = 0

    def decorate(self, line: int) -> None:
        """Count a line on which decoration was removed from a key."""
        self.decorated += 1
        self.first_decorated = self.first_decorated or line
