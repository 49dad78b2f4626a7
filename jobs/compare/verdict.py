"""How a run with a report ends, and why.

Pure. A report's metadata holds the reasons twice: as English sentences, for scripts that show them,
and typed (:meth:`Verdict.to_json`), from which pages and workbooks make sentences in their
language. It also holds the verdict's exit code: 0, 3 or 10. The command itself may end with 73, if
a format could not be written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, ClassVar, Final, Self, TypeAlias

from jobs.compare.fail_on import COMPARISONS, NAMES, ROLL_UPS, Rule
from jobs.compare.summary import Summary
from jobs.json_dataclass import Count, JsonDataclass, JsonSchema, JsonValue
from jobs.plurals import filled
from jobs.schema import State

__all__ = [
    "DONE",
    "FORMAT_FAILED",
    "INCOMPLETE",
    "LABELS",
    "RULE_HOLDS",
    "STDOUT",
    "FormatFailed",
    "Reason",
    "RuleHolds",
    "TimeLimitReached",
    "TooMuchUnknown",
    "Verdict",
    "judge",
]

STDOUT: Final = "standard output"
"""Used as the path of a format that is written to standard output."""
_Translate: TypeAlias = Callable[[str], str]

DONE: Final = 0
"""There is no reason to fail."""
INCOMPLETE: Final = 3
"""More is unknown than is allowed, or the time limit was reached."""
RULE_HOLDS: Final = 10
"""A rule of ``--fail-on`` holds."""
FORMAT_FAILED: Final = 73
"""A format could not be written."""
_ORDER: Final = (FORMAT_FAILED, INCOMPLETE, RULE_HOLDS)
"""Precedence of exit codes: if there are several reasons, the first of these counts."""
_SHARE: Final = " ({share} %, limit {limit:g} %)"
_UNKNOWN: Final = (
    "{unknown:,} of {pairs:,} {pairs:pair|pairs} {unknown:has|have} no answer" + _SHARE
)
_INVALID: Final = "{invalid:,} input {invalid:line is|lines are} invalid" + _SHARE
_UNKNOWN_AND_INVALID: Final = (
    "{unknown:,} of {pairs:,} {pairs:pair|pairs} {unknown:has|have} no answer and {invalid:,} "
    "input {invalid:line is|lines are} invalid" + _SHARE
)
_TIME_LIMIT: Final = "Time limit reached: {not_asked:,} of {pairs:,} {pairs:pair|pairs} not asked"
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
        _INVALID,
        _UNKNOWN_AND_INVALID,
        _TIME_LIMIT,
        _COUNTED,
        _COUNTED_OF,
        _FORMAT,
        _FORMAT_STANDS,
        *_HOLDS.values(),
        *(name if name in ROLL_UPS else name.upper() for name in NAMES),
    }
)
"""Every sentence that is translated."""


@dataclass(frozen=True, slots=True)
class TooMuchUnknown(JsonDataclass):
    """More is unknown than --max-unknown allows (exit 3)."""

    kind: ClassVar = "too_much_unknown"
    exit_code: ClassVar = INCOMPLETE
    unknown: Count
    """Pairs without an answer."""
    invalid: Count
    """Input lines that hold no pair."""
    pairs: Count
    """Pairs in the input."""
    allowed: Annotated[float, JsonSchema(minimum=0, maximum=1)]
    """The limit of --max-unknown."""

    def sentence(self, translate: _Translate = str) -> str:
        """Return the reason as a sentence without a full stop."""
        text = _UNKNOWN_AND_INVALID if self.unknown else _INVALID
        if not self.invalid:
            text = _UNKNOWN
        share = _percent(self.unknown + self.invalid, self.pairs + self.invalid, self.allowed)
        limit = 100 * self.allowed
        return filled(
            translate(text),
            unknown=self.unknown,
            invalid=self.invalid,
            pairs=self.pairs,
            share=share,
            limit=limit,
        )


@dataclass(frozen=True, slots=True)
class TimeLimitReached(JsonDataclass):
    """The time limit was reached before every pair was asked about (exit 3)."""

    kind: ClassVar = "time_limit"
    exit_code: ClassVar = INCOMPLETE
    not_asked: Count
    """Pairs not asked about."""
    pairs: Count
    """Pairs in the input."""

    def sentence(self, translate: _Translate = str) -> str:
        """Return the reason as a sentence without a full stop."""
        return filled(translate(_TIME_LIMIT), not_asked=self.not_asked, pairs=self.pairs)


@dataclass(frozen=True, slots=True)
class RuleHolds(JsonDataclass):
    """A rule of --fail-on holds (exit 10)."""

    kind: ClassVar = "rule"
    exit_code: ClassVar = RULE_HOLDS
    rule: str
    """The rule as it was written."""
    name: str
    """Name of the count."""
    count: Count
    """Value of the count."""
    pairs: Annotated[int | None, JsonSchema(minimum=0)]
    """Pairs in the input, if the limit is a share of them; else null."""
    operator: Annotated[str, JsonSchema(instead=True, enum=[*COMPARISONS])]
    """Comparison operator of the rule."""
    limit: str
    """Limit that the count is compared with; it ends in % if it is a share."""

    def sentence(self, translate: _Translate = str) -> str:
        """Return the reason as a sentence without a full stop."""
        counted = translate(_COUNTED if self.pairs is None else _COUNTED_OF).format(
            name=_translated_name(self.name, translate),
            count=self.count,
            pairs=self.pairs or 0,
        )
        return translate(_HOLDS[self.operator]).format(counted=counted, limit=self.limit)


@dataclass(frozen=True, slots=True)
class FormatFailed:
    """A format could not be written, or only with an error; the report is valid.

    This reason is not in the report, which was complete before.

    Attributes:
        path: The path of the format.
        why: What is wrong, which file is there now, and what to do.
        stands: True if the new file was written in spite of the error.
    """

    kind: ClassVar = "format_failed"
    exit_code: ClassVar = FORMAT_FAILED
    path: str
    why: str
    stands: bool = False

    def sentence(self, translate: _Translate = str) -> str:
        """Return the reason as a sentence without a full stop."""
        text = _FORMAT_STANDS if self.stands else _FORMAT
        return translate(text).format(path=self.path, why=self.why)


Reason: TypeAlias = TooMuchUnknown | TimeLimitReached | RuleHolds | FormatFailed
_IN_METADATA: Final = {kind.kind: kind for kind in (TooMuchUnknown, TimeLimitReached, RuleHolds)}


@dataclass(frozen=True, slots=True)
class Verdict(JsonValue):
    """The reasons why a run does not end with exit code 0, if there are any.

    Attributes:
        reasons: The reasons, the most serious first.
    """

    reasons: tuple[Reason, ...] = ()

    @property
    def exit_code(self) -> int:
        """The exit code; if there are several reasons, 73 comes before 3, and 3 before 10."""
        codes = {reason.exit_code for reason in self.reasons}
        return next((code for code in _ORDER if code in codes), DONE)

    @property
    def sentences(self) -> tuple[str, ...]:
        """Each reason in English, with its exit code."""
        return tuple(f"{each.sentence()} (exit {each.exit_code:d})" for each in self.reasons)

    def to_json(self) -> list[dict[str, object]]:
        """Return the reasons as in a report's metadata."""
        return [{"kind": each.kind, **asdict(each)} for each in self.reasons]

    @classmethod
    def from_json(cls, value: Sequence[Mapping[str, object]]) -> Self:
        """Return the verdict from what ``to_json`` returned; other kinds are left out."""
        known = [each for each in value if each["kind"] in _IN_METADATA]
        return cls(tuple(_IN_METADATA[str(each["kind"])].from_json(each) for each in known))

    @classmethod
    def __get_pydantic_core_schema__(
        cls,
        source: object,
        handler: Callable[[object], object],
    ) -> object:
        """Return the type from which the JSON Schema of ``to_json`` is made."""
        return handler(list[TooMuchUnknown | TimeLimitReached | RuleHolds])


def judge(
    summary: Summary,
    invalid: int,
    *,
    max_unknown: float,
    fail_on: Sequence[Rule] = (),
    not_asked: int = 0,
) -> Verdict:
    """Return how the run ends.

    Unknown pairs come before rules, because a rule cannot judge them.

    Args:
        summary: The counts of the report.
        invalid: Input lines that hold no pair.
        max_unknown: The share of unknown pairs and invalid lines that still is a success.
        fail_on: The rules of ``--fail-on``.
        not_asked: Pairs that were not asked about because of the time limit.
    """
    reasons: list[Reason] = []
    unknown, pairs = summary.states[State.UNKNOWN], summary.pairs
    if unknown + invalid > max_unknown * (pairs + invalid):
        reasons.append(TooMuchUnknown(unknown, invalid, pairs, max_unknown))
    if not_asked:
        reasons.append(TimeLimitReached(not_asked, pairs))
    reasons += [_holds(rule, summary) for rule in fail_on if rule.holds(summary)]
    return Verdict(tuple(reasons))


def _holds(rule: Rule, summary: Summary) -> RuleHolds:
    limit = f"{rule.number:,f}" + (" %" if rule.is_share else "")
    pairs = summary.pairs if rule.is_share else None
    return RuleHolds(rule.text, rule.name, rule.count(summary), pairs, rule.operator, limit)


def _translated_name(name: str, translate: _Translate) -> str:
    """Return the name of a count as the rule has it, or its own in another language."""
    if name not in NAMES:
        return name  # of a later version
    code = name if name in ROLL_UPS else name.upper()
    translated = translate(code)
    return name if translated == code else translated


def _percent(part: int, whole: int, allowed: float) -> str:
    """Return a percentage with enough digits to show that it is more than ``allowed``."""
    percent = 100 * part / whole
    shown = (f"{percent:.{digits}f}" for digits in range(1, 7))
    return next((text for text in shown if float(text) > 100 * allowed), f"{percent:g}")
