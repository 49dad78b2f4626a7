"""The rules of ``--fail-on``: which counts of a report make the command fail.

Pure and exact: a share is compared with fractions, never with rounded numbers.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from jobs.compare.summary import Summary
from jobs.schema import Change, State
from palm.text.printable import shown_value

__all__ = ["COMPARISONS", "GRAMMAR", "NAMES", "ROLL_UPS", "Rule", "RuleError", "parse_rule"]

ROLL_UPS: Final = ("gain", "loss", "hidden")
_STATES: Final = tuple(state.lower() for state in State)
_CHANGES: Final = tuple(change.lower() for change in Change if change.lower() not in _STATES)
NAMES: Final = (*_CHANGES, *ROLL_UPS, *_STATES)
"""What a rule can count."""


class Comparison(NamedTuple):
    """A comparison operator: its function, and its words in a sentence."""

    holds: Callable[[int, Fraction], bool]
    words: str


COMPARISONS: Final[Mapping[str, Comparison]] = {
    ">": Comparison(operator.gt, "more than"),
    ">=": Comparison(operator.ge, "at least"),
    "<": Comparison(operator.lt, "less than"),
    "<=": Comparison(operator.le, "at most"),
    "=": Comparison(operator.eq, "exactly"),
}
GRAMMAR: Final = (
    f"NAME OPERATOR NUMBER[%], where NAME is a change ({' '.join(_CHANGES)}), a sum of changes "
    f"({' '.join(ROLL_UPS)}) or a state ({' '.join(_STATES)}), OPERATOR one of "
    f"{' '.join(COMPARISONS)}, and NUMBER whole, or with % a share of the pairs in the input: "
    "closed>1%, cleared>0, on<1000"
)
_RULE: Final = re.compile(
    r"([A-Za-z_]+) *([<>=]+) *(?:([0-9]{1,12})|([0-9]{1,12}(?:\.[0-9]{1,12})?) *%)"
)


class RuleError(ValueError):
    """A rule cannot be parsed; the text says why and shows the grammar."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        text: The rule as it was written.
        name: The name of the count, in lower case.
        operator: ``>``, ``>=``, ``<``, ``<=`` or ``=``.
        number: The limit of the count, in pairs or in percent of the pairs in the input.
        is_share: True if ``number`` is a percentage.
    """

    text: str
    name: str
    operator: str
    number: Decimal
    is_share: bool

    def holds(self, summary: Summary) -> bool:
        """Return True if the rule holds, so that the command fails."""
        share = Fraction(summary.pairs, 100) if self.is_share else 1
        limit = Fraction(self.number) * share
        return COMPARISONS[self.operator].holds(self.count(summary), limit)

    def count(self, summary: Summary) -> int:
        """Return the count that the rule is about."""
        return _count(self.name, summary)


def parse_rule(text: str) -> Rule:
    """Return the rule in ``text``, whose parts may have blanks around them.

    Raises:
        RuleError: The text is not a rule.
    """
    written = text.strip()
    read = _RULE.fullmatch(written)
    if read is None:
        raise _error(written, _why(written))
    name, sign, count, share = read[1].lower(), read[2], read[3], read[4]
    if name not in NAMES:
        raise _error(written, f"there is nothing called {read[1]:.40}")
    if sign not in COMPARISONS:
        raise _error(written, f"there is no operator {sign:.40}")
    return Rule(written, name, sign, Decimal(count or share), is_share=share is not None)


def _count(name: str, summary: Summary) -> int:
    if name in ROLL_UPS:
        return {"gain": summary.gain, "loss": summary.loss, "hidden": summary.hidden}[name]
    counts = summary.states if name in _STATES else summary.changes
    return counts[name.upper()]


def _why(text: str) -> str:
    if re.search(r"\.[0-9]+\Z", text):
        return "a count is a whole number; put % behind a share"
    return "it is not a rule"


def _error(text: str, why: str) -> RuleError:
    return RuleError(f"rule {shown_value(text)}: {why}; a rule is {GRAMMAR}")
