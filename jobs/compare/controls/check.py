"""The controls that a report must pass before it is published.

Pure. Everything is counted again here, from the rows as they were read back and in another way
than in :mod:`jobs.compare.summary`, so that a fault in either shows. Each control can fail alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Final, TypeAlias

from jobs.compare.controls.recount import Recount
from jobs.compare.controls.row_kinds import Kinds, RowKind, count_by, count_where, of_everybody
from jobs.compare.summary import NEVER, NOT_IN_INPUT, Summary
from jobs.json_dataclass import JsonDataclass, JsonSchema
from jobs.plurals import Quantity, counted
from jobs.schema import GAIN, HIDDEN, Change, State

__all__ = ["Control", "check"]

_GOOD: Final = (State.ON.value, State.OFF.value, State.NONE.value)
_GONE: Final = (Change.DROPPED.value, Change.ABSENT.value)
_LOST: Final = (Change.CLOSED.value, Change.CLEARED.value)
_ORGANIZATION: Final = "organization_id"
_SHOWN: Final = 3
_Counts: TypeAlias = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Control(JsonDataclass):
    """One control: an equation that was checked."""

    name: Annotated[str, JsonSchema(pattern="^[a-zA-Z_]+$")]
    """Name of the control, one word for scripts."""
    holds: Annotated[bool, JsonSchema(instead=True, const=True)]
    """Whether the equation holds; a report with one that does not hold is never published."""
    detail: str
    """The equation with its numbers, for a person."""


def check(
    recounted: Recount,
    *,
    input_counts: Mapping[str, int] | None,
    summary: Summary,
    baseline_closing: Mapping[str, int] | None,
    opening_is_known: bool = True,
) -> tuple[Control, ...]:
    """Return every control of a report, whether it holds or not.

    Args:
        recounted: Of the rows, as read back from what is to be published.
        input_counts: ``lines``, ``pairs``, ``duplicates`` and ``invalid`` of the input; None:
            what the input held is not known, and its controls are left out.
        summary: The counts that the report claims.
        baseline_closing: Closing of the baseline's roll-forward, by state; None if there is none.
        opening_is_known: Whether ``baseline_closing`` is of the same people; where it is not, that
            control is left out.
    """
    by_organization = recounted.kinds
    kinds = of_everybody(by_organization)
    flows = _flows(kinds)
    return (
        *(() if input_counts is None else (_input_lines(input_counts),)),
        *(() if input_counts is None else (_input_rows(recounted, kinds, input_counts),)),
        _unique_pairs(recounted),
        *(() if recounted.misplaced is None else (_parts(recounted),)),
        _states(kinds),
        *(_roll_forward(state, flow) for state, flow in flows.items()),
        *((_opening(flows, baseline_closing),) if opening_is_known else ()),
        _transition_columns(kinds, summary),
        _transition_rows(kinds, summary, flows),
        _claimed_states(kinds, summary),
        _claimed_changes(kinds, summary),
        _claimed_roll_forward(flows, summary),
        _claimed_organizations(by_organization, summary),
    )


def _input_lines(counts: Mapping[str, int]) -> Control:
    pairs, duplicates, invalid = counts["pairs"], counts["duplicates"], counts["invalid"]
    return Control(
        "input_lines",
        counts["lines"] == pairs + duplicates + invalid,
        f"{counted(counts['lines'], 'line')} = {counted(pairs, 'pair')}"
        f" + {counted(duplicates, 'duplicate')} + {invalid:,} invalid",
    )


def _input_rows(recounted: Recount, kinds: Kinds, counts: Mapping[str, int]) -> Control:
    """Nothing was lost or counted twice between the input and the report."""
    found = {
        "pairs": count_where(kinds, lambda kind: kind.change not in _GONE),
        "duplicates": recounted.input_duplicates,
    }
    return _equal("input_rows", found, {part: counts[part] for part in found})


def _states(kinds: Kinds) -> Control:
    pairs, states = count_where(kinds, lambda kind: kind.in_input), _values(kinds, "state")
    parts = {state.value: states[state] for state in State}
    return Control(
        "states",
        pairs == sum(parts.values()),
        f"{counted(pairs, 'pair')} = {' + '.join(f'{n:,} {name}' for name, n in parts.items())}",
    )


def _unique_pairs(recounted: Recount) -> Control:
    twice, rows = recounted.repeated, counted(recounted.rows, "row")
    detail = f"{twice:,} of {rows} {Quantity(twice):repeats|repeat} a pair"
    return Control("unique_pairs", twice == 0, detail)


def _parts(recounted: Recount) -> Control:
    """Each row lies in the part that the hash of its pair says."""
    wrong, rows = recounted.misplaced or 0, counted(recounted.rows, "row")
    detail = f"{wrong:,} of {rows} {Quantity(wrong):lies|lie} in another part than its hash says"
    return Control("parts", wrong == 0, detail)


def _roll_forward(state: str, flow: Mapping[str, int]) -> Control:
    into = flow["opening"] + flow["first_seen"] + flow["returned"] + flow["moved_in"]
    return Control(
        f"roll_forward_{state}",
        flow["closing"] == into - flow["moved_out"] - flow["dropped"],
        f"{flow['closing']:,} {state} = {flow['opening']:,} opening"
        f" + {flow['first_seen']:,} first seen + {flow['returned']:,} returned"
        f" + {flow['moved_in']:,} moved in - {flow['moved_out']:,} moved out"
        f" - {flow['dropped']:,} dropped",
    )


def _opening(flows: _Counts, baseline_closing: Mapping[str, int] | None) -> Control:
    """The opening is the baseline's closing, or 0 if there is no baseline."""
    closing = baseline_closing or {}
    opening = {state: flow["opening"] for state, flow in flows.items()}
    return _equal("opening", opening, {state: closing.get(state, 0) for state in flows})


def _transition_columns(kinds: Kinds, summary: Summary) -> Control:
    """The matrix's columns add up to the counts by state, and its cells match the rows."""
    matrix, states = summary.transitions, _values(kinds, "state")
    counts = {state.value: states[state] for state in State}
    counts[NOT_IN_INPUT] = count_where(kinds, lambda kind: not kind.is_here)
    sums = {column: sum(row[column] for row in matrix.values()) for column in counts}
    same_cells = not _differences(_flat(matrix), _transitions(kinds))
    return _equal("transition_columns", sums, counts, cells=same_cells)


def _transition_rows(kinds: Kinds, summary: Summary, flows: _Counts) -> Control:
    """Its rows, without ABSENT, add up to opening plus returned, and its cells match the rows."""
    matrix = summary.transitions_without_absent
    known = {state: flow["opening"] + flow["returned"] for state, flow in flows.items()}
    sums = {state: sum(matrix[state].values()) for state in known}
    listed = {kind: count for kind, count in kinds.items() if kind.change != Change.ABSENT}
    recounted = _transitions(listed)
    return _equal("transition_rows", sums, known, cells=not _differences(_flat(matrix), recounted))


def _claimed_states(kinds: Kinds, summary: Summary) -> Control:
    here = {kind: count for kind, count in kinds.items() if kind.is_here}
    unknown = {kind: count for kind, count in here.items() if kind.state == State.UNKNOWN}
    never = count_where(here, lambda kind: kind.known_state is None)
    known = _values(here, "known_state") | {NEVER: never}
    reasons = _values(unknown, "unknown_reason")
    return _claimed(
        "claimed_states",
        _flat({"state": summary.states, "known": summary.known, "for": summary.unknown_reasons})
        | {"pairs": summary.pairs},
        _flat({"state": _values(here, "state"), "known": known, "for": reasons})
        | {"pairs": sum(here.values())},
    )


def _claimed_changes(kinds: Kinds, summary: Summary) -> Control:
    changes = _values(kinds, "change")
    cleared = count_where(kinds, lambda kind: kind.was_on and kind.change == Change.CLEARED)
    recounted = changes | {
        "gain": sum(changes[kind] for kind in GAIN),
        "loss": changes[Change.CLOSED] + cleared,
        "hidden": sum(changes[kind] for kind in HIDDEN),
    }
    totals = {"gain": summary.gain, "loss": summary.loss, "hidden": summary.hidden}
    return _claimed("claimed_changes", summary.changes | totals, recounted)


def _claimed_roll_forward(flows: _Counts, summary: Summary) -> Control:
    claimed = {state: asdict(flow) for state, flow in summary.roll_forward.items()}
    return _claimed("claimed_roll_forward", _flat(claimed), _flat(flows))


def _claimed_organizations(kinds: Kinds, summary: Summary) -> Control:
    """Each organization's counts match the rows; one with only ABSENT rows is not listed.

    What a report of an earlier version does not claim is not compared.
    """
    own = {name: asdict(counts) for name, counts in summary.by_organization.items()}
    claimed = {f"{name} pairs": counts["pairs"] for name, counts in own.items()}
    for part in ("state", "change"):
        claimed |= _flat({f"{name} {part}": counts[f"{part}s"] for name, counts in own.items()})
    listed = {kind.organization_id for kind in kinds if kind.is_here or kind.is_dropped}
    rows = [(kind, count) for kind, count in kinds.items() if kind.organization_id in listed]
    here = [(kind, count) for kind, count in rows if kind.is_here]
    recounted = {f"{n} pairs": count for (n,), count in count_by(here, _ORGANIZATION).items()}
    for part in ("state", "change"):
        by = count_by(rows, _ORGANIZATION, part)
        recounted |= {f"{n} {part} {v}": count for (n, v), count in by.items() if v is not None}
    for part, belongs in _OF_ORGANIZATIONS.items():
        written = {f"{name} {part}": counts[part] for name, counts in own.items()}
        claimed |= {name: count for name, count in written.items() if count is not None}
        found = count_by([row for row in rows if belongs(row[0])], _ORGANIZATION)
        recounted |= {
            f"{name} {part}": count
            for (name,), count in found.items()
            if written.get(f"{name} {part}", 0) is not None
        }
    return _claimed("claimed_organizations", claimed, recounted)


_OF_ORGANIZATIONS: Final[Mapping[str, Callable[[RowKind], bool]]] = {
    "lost": lambda kind: kind.was_on and kind.change in _LOST,
    "pairs_before": lambda kind: kind.was_counted,
    "on_before": lambda kind: kind.was_on and kind.was_counted,
    "on_after": lambda kind: kind.is_here and kind.known_state == State.ON,
}
"""Which rows make up each further count of an organization."""


def _flows(kinds: Kinds) -> dict[str, dict[str, int]]:
    """Return the roll-forward of each state, counted from the rows."""
    return {state: _flow(kinds, state) for state in _GOOD}


def _flow(kinds: Kinds, state: str) -> dict[str, int]:
    was = {kind: count for kind, count in kinds.items() if kind.previous_state == state}
    now = {kind: count for kind, count in kinds.items() if kind.state == state}
    moved_in = {k: n for k, n in now.items() if k.previous_state not in {None, state}}
    moved_out = {k: n for k, n in was.items() if k.state in _GOOD and k.state != state}
    return {
        "opening": count_where(was, lambda kind: kind.was_counted),
        "first_seen": count_where(now, lambda kind: kind.change == Change.FIRST_SEEN),
        "returned": count_where(was, lambda kind: kind.is_here and not kind.was_here),
        "moved_in": sum(moved_in.values()),
        "moved_out": sum(moved_out.values()),
        "dropped": count_where(was, lambda kind: kind.is_dropped),
        "closing": count_where(kinds, lambda kind: kind.is_here and kind.known_state == state),
    }


def _transitions(kinds: Kinds) -> dict[str, int]:
    """Return the counts of the matrix, from states before and now, counted in another way."""
    counts = count_by(kinds.items(), "previous_state", "state")
    return {f"{was or NEVER} {now or NOT_IN_INPUT}": count for (was, now), count in counts.items()}


def _values(kinds: Kinds, part: str) -> Counter[str]:
    """Return how often each value occurs in a column; missing values are not counted."""
    counts = count_by(kinds.items(), part)
    return Counter({value: count for (value,), count in counts.items() if value is not None})


def _flat(counts: _Counts) -> dict[str, int]:
    return {f"{name} {part}": count for name, of in counts.items() for part, count in of.items()}


def _differences(left: Mapping[str, int], right: Mapping[str, int]) -> list[str]:
    """Return the differences between two sets of counts; a count that one lacks is 0."""
    names = dict.fromkeys([*left, *right])
    both = {name: (left.get(name, 0), right.get(name, 0)) for name in names}
    return [f"{name} {a:,} ≠ {b:,}" for name, (a, b) in both.items() if a != b]


def _equal(
    name: str, left: Mapping[str, int], right: Mapping[str, int], *, cells: bool = True
) -> Control:
    """Return the control that ``left`` and ``right`` have equal counts; its detail has them all."""
    wrong = _differences(left, right)
    right_ones = [f"{key} {count:,} = {count:,}" for key, count in left.items()]
    detail = ", ".join(wrong or right_ones) + ("" if cells else "; the cells differ")
    return Control(name, cells and not wrong, detail)


def _claimed(name: str, claimed: Mapping[str, int], recounted: Mapping[str, int]) -> Control:
    """Return the control that claimed and recounted are equal; its detail has the differences."""
    wrong, total = _differences(claimed, recounted), len(claimed.keys() | recounted.keys())
    first = [*wrong[:_SHOWN], *(["..."] if len(wrong) > _SHOWN else [])]
    shown = f": {', '.join(first)}" if first else ""
    agreed = Quantity(total - len(wrong))
    detail = f"{agreed:,} of {counted(total, 'count')} {agreed:agrees|agree}{shown}"
    return Control(name, not wrong, detail)
