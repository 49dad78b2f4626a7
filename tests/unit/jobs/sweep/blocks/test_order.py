"""Whom to ask first: each class before the next, the oldest knowledge first, nobody starves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd

from jobs.schema import ROWS, conform
from jobs.sweep.blocks.order import order
from palm import ServerError

NO_BASELINE = conform(pd.DataFrame(), ROWS)


def asked(pairs, baseline, run_date):
    """Return the openids in the order in which they are asked about."""
    return [pairs["openid"][place] for place in order(pairs, baseline, run_date=run_date)]


def test_without_a_baseline_the_order_is_the_inputs(pairs_of, nights):
    assert asked(pairs_of("A/b", "A/a", "B/c"), NO_BASELINE, nights[0]) == ["b", "a", "c"]


def test_no_pairs_have_no_order(pairs_of, nights):
    assert len(order(pairs_of(), NO_BASELINE, run_date=nights[0])) == 0


def test_the_classes_come_one_after_the_other(pairs_of, report_of, nights):
    """Never answered; unknown for a reason of its own; changed lately; then the rest."""
    first = report_of({"A/rest": "ON", "A/unknown": "ON", "A/changed": "ON"}, nights[0])
    second = report_of(
        {"A/rest": "ON", "A/unknown": ServerError(500), "A/changed": "OFF", "A/never": "UNKNOWN"},
        nights[1],
        baseline=first,
    )
    pairs = pairs_of("A/rest", "A/changed", "A/unknown", "A/never", "A/new")
    assert asked(pairs, second.rows, nights[2]) == ["never", "new", "unknown", "changed", "rest"]


def test_those_that_there_was_no_time_for_are_no_class_of_their_own(pairs_of, report_of, nights):
    """Else those that are asked about late would be asked first for ever."""
    report = report_of({"A/a": "ON", "A/b": "ON"}, nights[0])
    rows = report.rows.copy()
    rows["state"] = rows["state"].where(rows["openid"] != "b", "UNKNOWN")
    rows["unknown_reason"] = rows["unknown_reason"].where(rows["openid"] != "b", "NOT_ASKED")
    rows["known_at"] += pd.to_timedelta([0, 3600_000], unit="ms").as_unit("ms")
    assert asked(pairs_of("A/b", "A/a"), rows, nights[1]) == ["a", "b"]


def test_a_change_counts_for_seven_days(pairs_of, report_of, nights):
    report = report_of({"A/a": "ON", "A/b": "ON"}, nights[0])
    rows = report.rows.copy()
    rows["known_at"] += pd.to_timedelta([0, 3600_000], unit="ms").as_unit("ms")
    rows["last_changed_at"] = rows["last_changed_at"].where(
        rows["openid"] != "b", datetime(2025, 3, 3, 2, tzinfo=UTC)
    )
    pairs = pairs_of("A/a", "A/b")
    assert asked(pairs, rows, nights[0] + timedelta(days=7)) == ["b", "a"]
    assert asked(pairs, rows, nights[0] + timedelta(days=8)) == ["a", "b"]


def test_within_a_class_the_oldest_knowledge_comes_first(pairs_of, report_of, nights):
    rows = report_of({f"A/{i}": "ON" for i in range(5)}, nights[0]).rows.copy()
    rows["known_at"] += pd.to_timedelta([40, 10, 30, 0, 20], unit="ms").as_unit("ms")
    assert asked(pairs_of(*(f"A/{i}" for i in range(5))), rows, nights[1]) == list("31420")


def test_of_what_is_known_as_long_the_inputs_order_decides(pairs_of, report_of, nights):
    rows = report_of({"A/c": "ON", "A/a": "ON", "A/b": "ON"}, nights[0]).rows
    assert asked(pairs_of("A/b", "A/c", "A/a"), rows, nights[1]) == ["b", "c", "a"]


def test_each_pair_has_exactly_one_turn(pairs_of, report_of, nights):
    pairs = pairs_of(*(f"{o}/{i}" for o in "AB" for i in range(50)))
    rows = report_of({f"A/{i}": "ON" for i in range(30, 80)}, nights[0]).rows
    assert sorted(order(pairs, rows, run_date=nights[1])) == list(range(100))


def test_over_the_nights_everybody_is_asked_though_many_fail_every_night(
    pairs_of, report_of, nights
):
    """A quarter can be asked a night, and a few of them never answer."""
    keys = [f"A/{i:02}" for i in range(40)]
    broken = set(keys[:4])
    rows, last, report = NO_BASELINE, dict.fromkeys(keys, 0), None
    for number in range(1, 21):
        day = nights[0] + timedelta(days=number)
        turn = [keys[place] for place in order(pairs_of(*keys), rows, run_date=day)][:10]
        last |= dict.fromkeys(turn, number)
        heard = {key: ServerError(500) if key in broken else "ON" for key in keys if key in turn}
        heard = {key: heard.get(key, "UNKNOWN") for key in keys}
        report = report_of(heard, day, baseline=report)
        rows = report.rows.copy()
        missed = ~rows["openid"].isin([key[2:] for key in turn])
        rows["unknown_reason"] = rows["unknown_reason"].mask(missed, "NOT_ASKED")
    assert min(last.values()) >= 20 - 8
