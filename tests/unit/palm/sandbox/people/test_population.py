"""The made-up people: pure, plausible, and their events tell how they came to stand as they do."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palm.sandbox import EventKind, PairState, Population
from palm.sandbox.people.population import CHINA, EPOCH

DATES = st.dates(date(2024, 1, 1), date(2031, 12, 31))
TEXT = st.text(max_size=20)
TODAY = date(2026, 11, 21)
PEOPLE = [(f"o{i:027d}", f"{1000 + i % 8}") for i in range(16_000)]
AFTER = {
    EventKind.OPEN: PairState.ON,
    EventKind.CLOSE: PairState.OFF,
    EventKind.CLEAR: PairState.NONE,
}
ALLOWED = {
    EventKind.OPEN: {PairState.OFF, PairState.NONE},
    EventKind.CLOSE: {PairState.ON},
    EventKind.CLEAR: {PairState.ON, PairState.OFF},
}


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), CHINA)


@given(TEXT, TEXT, DATES, st.integers(0, 3))
def test_a_look_depends_on_nothing_but_pair_date_and_seed(openid, organization, day, seed):
    first = Population(seed)
    first.state_on("somebody", "else", day)
    assert first.state_on(openid, organization, day) == Population(seed).state_on(
        openid, organization, day
    )


@given(TEXT, TEXT, DATES)
def test_times_lie_before_the_day_in_whole_seconds_of_china(openid, organization, day):
    opened = Population().state_on(openid, organization, day).authorize_time
    if opened is not None:
        assert opened < midnight(day)
        assert opened.isoformat() == opened.isoformat(timespec="seconds")
        assert opened.isoformat().endswith("+08:00")


@given(TEXT, TEXT, DATES, st.integers(0, 400))
def test_events_lead_from_one_look_to_the_next(openid, organization, after, days):
    population = Population()
    until = after + timedelta(days)
    before, now = (population.state_on(openid, organization, day) for day in (after, until))
    events = population.events(openid, organization, after, until)
    state, opened = before
    for event in events:
        assert state in ALLOWED[event.kind]
        assert event.state == AFTER[event.kind]
        state = event.state
        opened = event.at if event.kind is EventKind.OPEN else opened
    assert state == now.state
    if state is PairState.NONE:
        assert now.authorize_time in {opened, None}
    elif before.authorize_time is not None or opened is not None:
        assert now.authorize_time == opened
    times = [event.at for event in events]
    assert times == sorted(set(times))
    assert all(midnight(after) <= at < midnight(until) for at in times)
    assert len({at.date() for at in times}) <= days


@given(TEXT, TEXT, DATES, st.integers(0, 300), st.integers(0, 300))
def test_events_of_two_spans_are_those_of_both_together(openid, organization, first, m, n):
    population = Population()
    second, third = first + timedelta(m), first + timedelta(m + n)
    joined = population.events(openid, organization, first, second) + population.events(
        openid, organization, second, third
    )
    assert joined == population.events(openid, organization, first, third)


def test_before_the_epoch_everybody_stands_still():
    population = Population()
    for openid, organization in PEOPLE[:200]:
        first = population.state_on(openid, organization, EPOCH)
        assert population.state_on(openid, organization, date(2020, 2, 29)) == first
        assert population.events(openid, organization, date(2020, 1, 1), EPOCH) == ()


@pytest.mark.slow
@pytest.mark.parametrize("day", [EPOCH, date(2025, 6, 1), TODAY, date(2030, 1, 1)])
def test_a_few_per_cent_change_from_one_day_to_the_next_and_the_mix_stays(day):
    population = Population()
    changes: Counter[str] = Counter()
    mix: Counter[PairState] = Counter()
    for pair in PEOPLE:
        before, now = (
            population.state_on(*pair, day),
            population.state_on(*pair, day + timedelta(1)),
        )
        mix[now.state] += 1
        if before.state != now.state:
            changes[f"{before.state} {now.state}"] += 1
        elif before != now:
            changes["hidden"] += 1
    share = {name: count / len(PEOPLE) for name, count in (changes | mix).items()}
    assert 0.03 < sum(share[name] for name in changes) < 0.06
    assert 0.65 < share[PairState.ON] < 0.75
    assert 0.10 < share[PairState.OFF] < 0.15
    assert 0.15 < share[PairState.NONE] < 0.21
    assert share["ON OFF"] > max(share["OFF ON"], share["NONE ON"], share["hidden"])
    assert min(share["OFF ON"], share["NONE ON"], share["hidden"]) > share["ON NONE"] > 0
    assert share["OFF NONE"] > share["NONE OFF"] > 0


def test_days_have_closings_and_openings_at_once_and_openings_that_do_not_last():
    population = Population()
    seen = set()
    for pair in PEOPLE[:3000]:
        day = population.events(*pair, TODAY, TODAY + timedelta(1))
        seen.add("".join(event.kind[1] for event in day))
    # oPen, cLose, cLear
    assert {"P", "L", "LP", "PL"} <= seen


def test_organizations_differ_in_their_mix():
    population = Population()
    shares = []
    for organization in range(12):
        states = [population.state_on(f"o{i}", str(organization), TODAY).state for i in range(400)]
        shares.append(states.count(PairState.ON) / 400)
    assert max(shares) - min(shares) > 0.1


def test_half_of_those_that_were_cleared_keep_their_time_and_all_that_are_open_have_one():
    population = Population()
    kept = Counter()
    for pair in PEOPLE[:4000]:
        state, opened = population.state_on(*pair, date(2029, 1, 1))
        kept[state, opened is not None] += 1
    assert kept[PairState.ON, False] == kept[PairState.OFF, False] == 0
    share = kept[PairState.NONE, True] / (kept[PairState.NONE, True] + kept[PairState.NONE, False])
    assert 0.4 < share < 0.55


def test_another_seed_is_another_population():
    looks = [[Population(seed).state_on(*p, TODAY) for p in PEOPLE[:50]] for seed in (0, 1)]
    assert looks[0] != looks[1]
