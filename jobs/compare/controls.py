"""The controls that a report must pass before it is published.

Pure. Everything is counted again here, from the rows as they were read back and in another way
than in :mod:`jobs.compare.summary`, so that a fault in either shows. Each control can fail alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Annotated, Final, TypeAlias

import numpy as np
import pandas as pd

from jobs.arrow_memory import release_arrow_memory
from jobs.compare.summary import NEVER, NOT_IN_INPUT, Summary
from jobs.json_part import JsonPart, JsonSchema
from jobs.schema import GAIN, HIDDEN, Change, State

__all__ = ["Control", "check"]

_GOOD: Final = (State.ON.value, State.OFF.value, State.NONE.value)
_GONE: Final = (Change.DROPPED.value, Change.ABSENT.value)
_SHOWN: Final = 3
_Counts: TypeAlias = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Control(JsonPart):
    """One control: an equation that was checked."""

    name: Annotated[str, JsonSchema(pattern="^[a-zA-Z_]+$")]
    """Name of the control, one word for scripts."""
    holds: Annotated[bool, JsonSchema(instead=True, const=True)]
    """Whether the equation holds; a report with one that does not hold is never published."""
    detail: str
    """The equation with its numbers, for a person."""


def check(
    rows: pd.DataFrame,
    *,
    input_counts: Mapping[str, int] | None,
    summary: Summary,
    baseline_closing: Mapping[str, int] | None,
    baseline_run_date: date | None,
    opening_is_known: bool = True,
) -> tuple[Control, ...]:
    """Return every control of a report, whether it holds or not.

    Args:
        rows: Columns ``ROWS``, as read back from what is to be published.
        input_counts: ``lines``, ``pairs``, ``duplicates`` and ``invalid`` of the input; None:
            what the input held is not known, and its controls are left out.
        summary: The counts that the report claims.
        baseline_closing: Closing of the baseline's roll-forward, by state; None if there is none.
        baseline_run_date: Run date of the baseline.
        opening_is_known: Whether ``baseline_closing`` is of the same people; where it is not, that
            control is left out.
    """
    flows = _flows(rows, baseline_run_date)
    return (
        *(() if input_counts is None else _of_the_input(rows, input_counts)),
        _unique_pairs(rows),
        _states(rows),
        *(_roll_forward(state, flow) for state, flow in flows.items()),
        *((_opening(flows, baseline_closing),) if opening_is_known else ()),
        _transition_columns(rows, summary),
        _transition_rows(rows, summary, flows),
        _claimed_states(rows, summary),
        _claimed_changes(rows, summary),
        _claimed_roll_forward(flows, summary),
        _claimed_organizations(rows, summary, baseline_run_date),
    )


def _of_the_input(rows: pd.DataFrame, counts: Mapping[str, int]) -> tuple[Control, Control]:
    return _input_lines(counts), _input_rows(rows, counts)


def _input_lines(counts: Mapping[str, int]) -> Control:
    parts = ("pairs", "duplicates", "invalid")
    return Control(
        "input_lines",
        counts["lines"] == sum(counts[part] for part in parts),
        f"{counts['lines']:,} lines = {' + '.join(f'{counts[part]:,} {part}' for part in parts)}",
    )


def _input_rows(rows: pd.DataFrame, counts: Mapping[str, int]) -> Control:
    """Nothing was lost or counted twice between the input and the report."""
    found = {
        "pairs": int((~rows["change"].isin(_GONE)).sum()),
        "duplicates": int(rows["input_duplicates"].sum()),
    }
    return _equal("input_rows", found, {part: counts[part] for part in found})


def _states(rows: pd.DataFrame) -> Control:
    pairs, states = int(rows["input_line"].notna().sum()), _values(rows["state"])
    parts = {state.value: states[state] for state in State}
    return Control(
        "states",
        pairs == sum(parts.values()),
        f"{pairs:,} pairs = {' + '.join(f'{count:,} {name}' for name, count in parts.items())}",
    )


def _unique_pairs(rows: pd.DataFrame) -> Control:
    twice = int(rows.duplicated(["organization_id", "openid"]).sum())
    release_arrow_memory()
    return Control("unique_pairs", twice == 0, f"{twice:,} of {len(rows):,} rows repeat a pair")


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


def _transition_columns(rows: pd.DataFrame, summary: Summary) -> Control:
    """The matrix's columns add up to the counts by state, and its cells match the rows."""
    matrix, states = summary.transitions, _values(rows["state"])
    counts = {state.value: states[state] for state in State}
    counts[NOT_IN_INPUT] = int(rows["state"].isna().sum())
    sums = {column: sum(row[column] for row in matrix.values()) for column in counts}
    return _equal(
        "transition_columns",
        sums,
        counts,
        cells=not _differences(_flat(matrix), _transitions(rows)),
    )


def _transition_rows(rows: pd.DataFrame, summary: Summary, flows: _Counts) -> Control:
    """Its rows, without ABSENT, add up to opening plus returned, and its cells match the rows."""
    matrix = summary.transitions_without_absent
    known = {state: flow["opening"] + flow["returned"] for state, flow in flows.items()}
    sums = {state: sum(matrix[state].values()) for state in known}
    counted = _transitions(rows.loc[rows["change"] != Change.ABSENT, ["previous_state", "state"]])
    return _equal("transition_rows", sums, known, cells=not _differences(_flat(matrix), counted))


def _claimed_states(rows: pd.DataFrame, summary: Summary) -> Control:
    here = rows.loc[rows["state"].notna(), ["state", "known_state", "unknown_reason"]]
    unknown = here[here["state"] == State.UNKNOWN]
    known = _values(here["known_state"]) | {NEVER: int(here["known_state"].isna().sum())}
    reasons = _values(unknown["unknown_reason"])
    return _claimed(
        "claimed_states",
        _flat({"state": summary.states, "known": summary.known, "for": summary.unknown_reasons})
        | {"pairs": summary.pairs},
        _flat({"state": _values(here["state"]), "known": known, "for": reasons})
        | {"pairs": len(here)},
    )


def _claimed_changes(rows: pd.DataFrame, summary: Summary) -> Control:
    changes = _values(rows["change"])
    cleared = rows.loc[rows["previous_state"] == State.ON, "change"] == Change.CLEARED
    counted = changes | {
        "gain": sum(changes[kind] for kind in GAIN),
        "loss": changes[Change.CLOSED] + int(cleared.sum()),
        "hidden": sum(changes[kind] for kind in HIDDEN),
    }
    totals = {"gain": summary.gain, "loss": summary.loss, "hidden": summary.hidden}
    return _claimed("claimed_changes", summary.changes | totals, counted)


def _claimed_roll_forward(flows: _Counts, summary: Summary) -> Control:
    claimed = {state: asdict(flow) for state, flow in summary.roll_forward.items()}
    return _claimed("claimed_roll_forward", _flat(claimed), _flat(flows))


def _claimed_organizations(
    rows: pd.DataFrame, summary: Summary, baseline_run_date: date | None
) -> Control:
    """Each organization's counts match the rows; one with only ABSENT rows is not listed.

    What a report of an earlier version does not claim is not compared.
    """
    own = {name: asdict(counts) for name, counts in summary.by_organization.items()}
    claimed = {f"{name} pairs": counts["pairs"] for name, counts in own.items()}
    for part in ("state", "change"):
        claimed |= _flat({f"{name} {part}": counts[f"{part}s"] for name, counts in own.items()})
    here = rows["state"].notna()
    listed = rows.loc[here | (rows["change"] == Change.DROPPED), "organization_id"]
    rows = rows[rows["organization_id"].isin(listed.unique())]
    pairs = _values(rows.loc[here, "organization_id"])
    counted = {f"{name} pairs": count for name, count in pairs.items()}
    for part in ("state", "change"):
        by = rows.groupby(["organization_id", part], observed=True).size().reset_index()
        for name, value, count in by.itertuples(index=False, name=None):
            counted[f"{name} {part} {value}"] = int(count)
    for part, which in _of_organizations(rows, baseline_run_date).items():
        written = {f"{n} {part}": counts[part] for n, counts in own.items()}
        claimed |= {name: count for name, count in written.items() if count is not None}
        found = _values(rows.loc[which, "organization_id"])
        counted |= {
            f"{name} {part}": count
            for name, count in found.items()
            if written.get(f"{name} {part}", 0) is not None
        }
    return _claimed("claimed_organizations", claimed, counted)


def _of_organizations(rows: pd.DataFrame, baseline_run_date: date | None) -> dict[str, pd.Series]:
    """Return which rows make up each further count of an organization."""
    dropped, here = rows["change"] == Change.DROPPED, rows["state"].notna()
    before = dropped | (here & (rows["last_in_input"] == np.datetime64(baseline_run_date, "ms")))
    was_on = rows["previous_state"] == State.ON
    return {
        "lost": was_on & rows["change"].isin((Change.CLOSED, Change.CLEARED)),
        "pairs_before": before,
        "on_before": before & was_on,
        "on_after": here & (rows["known_state"] == State.ON),
    }


def _flows(rows: pd.DataFrame, baseline_run_date: date | None) -> dict[str, dict[str, int]]:
    """Return the roll-forward of each state, counted from the rows."""
    here, dropped = rows["state"].notna(), rows["change"] == Change.DROPPED
    was_here = rows["last_in_input"] == np.datetime64(baseline_run_date, "ms")
    good, known_before = rows["state"].isin(_GOOD), rows["previous_state"].notna()
    flows = {}
    for state in _GOOD:
        was, now = rows["previous_state"] == state, rows["state"] == state
        flow = {
            "opening": was & ((here & was_here) | dropped),
            "first_seen": now & (rows["change"] == Change.FIRST_SEEN),
            "returned": was & here & ~was_here,
            "moved_in": now & known_before & ~was,
            "moved_out": was & good & ~now,
            "dropped": was & dropped,
            "closing": here & (rows["known_state"] == state),
        }
        flows[state] = {name: int(mask.sum()) for name, mask in flow.items()}
    return flows


def _transitions(rows: pd.DataFrame) -> dict[str, int]:
    """Return the counts of the matrix, from states before and now, counted in another way."""
    counts = rows[["previous_state", "state"]].value_counts(dropna=False).reset_index()
    return {
        f"{NEVER if pd.isna(was) else was} {NOT_IN_INPUT if pd.isna(now) else now}": int(count)
        for was, now, count in counts.itertuples(index=False, name=None)
    }


def _values(column: pd.Series) -> Counter[str]:
    """Return how often each value occurs in the column; missing values are not counted."""
    return Counter({str(value): int(count) for value, count in column.value_counts().items()})


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


def _claimed(name: str, claimed: Mapping[str, int], counted: Mapping[str, int]) -> Control:
    """Return the control that claimed and counted are equal; its detail has the differences."""
    wrong, total = _differences(claimed, counted), len(claimed.keys() | counted.keys())
    first = [*wrong[:_SHOWN], *(["..."] if len(wrong) > _SHOWN else [])]
    shown = f": {', '.join(first)}" if first else ""
    return Control(name, not wrong, f"{total - len(wrong):,} of {total:,} counts agree{shown}")
