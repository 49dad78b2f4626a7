"""How a run that has its report ends, and why: a value that every format puts into its own words.

Pure. A report's metadata holds the reasons twice: as English sentences, for scripts that show them,
and typed (:meth:`Verdict.to_json`), from which pages and workbooks render in their language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, TypeAlias

from jobs.compare.fail_on import COMPARISONS, Rule
from jobs.compare.summary import Summary
from jobs.errors import Exit
from jobs.schema import State

__all__ = [
    "LABELS",
    "STDOUT",
    "FormatFailed",
    "Reason",
    "RuleHolds",
    "TimeLimit",
    "TooMuchUnknown",
    "Verdict",
    "judge",
]

STDOUT: Final = "standard output"
"""What stands for the path of a format that is written there."""
_Translate: TypeAlias = Callable[[str], str]

_ORDER: Final = (Exit.UNBALANCED, Exit.OUTPUT, Exit.INCOMPLETE, Exit.RULE)
"""Which exit code the command ends with where several reasons hold: the first of these."""
_UNKNOWN: Final = "{unknown:,} of {pairs:,} pairs have no answer ({share} %, limit {limit:g} %)"
_UNKNOWN_OR_INVALID: Final = (
    "{unknown:,} of {pairs:,} pairs have no answer and {invalid:,} input lines are invalid "
    "({share} %, limit {limit:g} %)"
)
_TIME_LIMIT: Final = "Time limit reached: {not_asked:,} of {pairs:,} pairs not asked"
_COUNTED: Final = "{name} {count:,}"
_COUNTED_OF: Final = "{name} {count:,} of {pairs:,}"
_FORMAT: Final = "{path} cannot be written: {why}"
_FORMAT_STANDS: Final = "{path} is written and stands, with an error: {why}"
_HOLDS: Final = {
    sign: "{counted} is " + comparison.words + " {limit}"
    for sign, comparison in COMPARISONS.items()
}
LABELS: Final = frozenset(
    {
        _UNKNOWN,
        _UNKNOWN_OR_INVALID,
        _TIME_LIMIT,
        _COUNTED,
        _COUNTED_OF,
        _FORMAT,
        _FORMAT_STANDS,
        *_HOLDS.values(),
    }
)
"""Every sentence, as it is translated."""


@dataclass(frozen=True, slots=True)
class TooMuchUnknown:
    """More pairs have no answer, or lines are invalid, than ``--max-unknown`` allows.

    Attributes:
        unknown: Pairs without an answer.
        invalid: Input lines that hold no pair.
        pairs: Pairs in the input.
        allowed: The share of ``unknown`` and ``invalid`` that is still a success.
    """

    kind: ClassVar = "too_much_unknown"
    exit_code: ClassVar = Exit.INCOMPLETE
    unknown: int
    invalid: int
    pairs: int
    allowed: float

    def sentence(self, translate: _Translate = str) -> str:
        """Return the reason in words."""
        text = _UNKNOWN_OR_INVALID if self.invalid else _UNKNOWN
        share = _percent(self.unknown + self.invalid, self.pairs + self.invalid, self.allowed)
        limit = 100 * self.allowed
        return translate(text).format(
            unknown=self.unknown, invalid=self.invalid, pairs=self.pairs, share=share, limit=limit
        )


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """``--deadline`` or ``--max-duration`` came before the last pair was asked about."""

    kind: ClassVar = "time_limit"
    exit_code: ClassVar = Exit.INCOMPLETE
    not_asked: int
    pairs: int

    def sentence(self, translate: _Translate = str) -> str:
        """Return the reason in words."""
        return translate(_TIME_LIMIT).format(not_asked=self.not_asked, pairs=self.pairs)


@dataclass(frozen=True, slots=True)
class RuleHolds:
    """A rule of ``--fail-on`` holds.

    Attributes:
        rule: As it was written.
        name: What is counted.
        count: How many there are.
        pairs: Of how many, where the rule is about a share; else None.
        operator: Of the rule.
        limit: What the count is compared with, with ``%`` where it is a share.
    """

    kind: ClassVar = "rule"
    exit_code: ClassVar = Exit.RULE
    rule: str
    name: str
    count: int
    pairs: int | None
    operator: str
    limit: str

    def sentence(self, translate: _Translate = str) -> str:
        """Return the reason in words."""
        counted = translate(_COUNTED if self.pairs is None else _COUNTED_OF).format(
            name=self.name, count=self.count, pairs=self.pairs or 0
        )
        return translate(_HOLDS[self.operator]).format(counted=counted, limit=self.limit)


@dataclass(frozen=True, slots=True)
class FormatFailed:
    """One format could not be written, or not as it should; the report stands.

    It is no part of the report, which was complete before: the report's exit code is its verdict's.

    Attributes:
        path: What was to be written.
        why: What is wrong, what stands, and what to do.
        stands: True if the new file stands there all the same.
    """

    kind: ClassVar = "format_failed"
    exit_code: ClassVar = Exit.OUTPUT
    path: str
    why: str
    stands: bool = False

    def sentence(self, translate: _Translate = str) -> str:
        """Return the reason in words."""
        text = _FORMAT_STANDS if self.stands else _FORMAT
        return translate(text).format(path=self.path, why=self.why)


Reason: TypeAlias = TooMuchUnknown | TimeLimit | RuleHolds | FormatFailed
_IN_METADATA: Final = {kind.kind: kind for kind in (TooMuchUnknown, TimeLimit, RuleHolds)}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a run does not end with 0; no reason: it does.

    Attributes:
        reasons: The gravest first.
    """

    reasons: tuple[Reason, ...] = ()

    @property
    def exit_code(self) -> Exit:
        """The exit code; where several reasons hold 5 comes before 73, then 3, then 10."""
        codes = {reason.exit_code for reason in self.reasons}
        return next((code for code in _ORDER if code in codes), Exit.DONE)

    @property
    def sentences(self) -> tuple[str, ...]:
        """Each reason in English, with the exit code that it stands for."""
        return tuple(f"{each.sentence()} (exit {each.exit_code:d})" for each in self.reasons)

    def to_json(self) -> list[dict[str, Any]]:
        """Return the reasons as they stand in a report's metadata."""
        return [{"kind": each.kind, **asdict(each)} for each in self.reasons]

    @classmethod
    def from_json(cls, reasons: Sequence[Mapping[str, Any]]) -> Verdict:
        """Return the verdict that ``to_json`` gave; kinds that a later version added are left."""
        known = [each for each in reasons if each["kind"] in _IN_METADATA]
        return cls(
            tuple(
                _IN_METADATA[each["kind"]](**{k: v for k, v in each.items() if k != "kind"})
                for each in known
            )
        )


def judge(
    summary: Summary,
    invalid: int,
    *,
    max_unknown: float,
    fail_on: Sequence[Rule] = (),
    not_asked: int = 0,
) -> Verdict:
    """Return how the run ends.

    Too much unknown, or too little time, comes before a rule: what is not known cannot be judged.

    Args:
        summary: Of the report.
        invalid: Input lines that hold no pair.
        max_unknown: Share of unknown pairs and invalid lines that is still a success.
        fail_on: Rules.
        not_asked: Pairs that there was no time for.
    """
    reasons: list[Reason] = []
    unknown, pairs = summary.states[State.UNKNOWN], summary.pairs
    if unknown + invalid > max_unknown * (pairs + invalid):
        reasons.append(TooMuchUnknown(unknown, invalid, pairs, max_unknown))
    if not_asked:
        reasons.append(TimeLimit(not_asked, pairs))
    reasons += [_holds(rule, summary) for rule in fail_on if rule.holds(summary)]
    return Verdict(tuple(reasons))


def _holds(rule: Rule, summary: Summary) -> RuleHolds:
    limit = f"{rule.number:,f}" + (" %" if rule.is_share else "")
    pairs = summary.pairs if rule.is_share else None
    return RuleHolds(rule.text, rule.name, rule.count(summary), pairs, rule.operator, limit)


def _percent(part: int, whole: int, allowed: float) -> str:
    """Return a percentage with as many digits as show that it is more than ``allowed``."""
    percent = 100 * part / whole
    shown = (f"{percent:.{digits}f}" for digits in range(1, 7))
    return next((text for text in shown if float(text) > 100 * allowed), f"{percent:g}")
