"""All pairs to answers: canary first, bounded, one row a pair, and stopped where it is clear."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress

import pytest

from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError
from jobs.partitions.partitioned import FrameInMemory, whole
from jobs.schema import ANSWERS
from jobs.sweep.blocks.outcomes import OutcomesInMemory
from jobs.sweep.blocks.restored import Restored
from jobs.sweep.engine import sweep
from jobs.sweep.rules import SweepRules
from jobs.sweep.stats import RequestStats
from palm import (
    Attempt,
    BodyError,
    Clock,
    ConnectError,
    DisconnectedError,
    ForbiddenError,
    MismatchError,
    NoStateError,
    PalmError,
    RefusedError,
    ServerError,
    SignatureError,
    SignatureReason,
    ThrottledError,
    TimedOutError,
    UnauthorizedError,
    UnnamedError,
    UnrecognizedStateError,
)

RULES = SweepRules(concurrency=4)


class Seconds:
    """Goes on only where somebody sleeps."""

    def __init__(self):
        self.now = 1_741_000_000.0
        self.slept = []

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class Gateway:
    """Answers as it is told, and remembers what it was asked.

    ``tell(openid, organization_id, time)`` returns a state or an error; ``time`` is 1 when a pair
    is asked for the first time.
    """

    def __init__(self, answer_of, tell=lambda *_: "ON"):
        self.answer_of, self.tell = answer_of, tell
        self.asked = []
        self.under_way = self.most_under_way = self.most_tasks = 0

    async def __call__(self, openid, organization_id):
        self.asked.append(f"{organization_id}/{openid}")
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        self.most_tasks = max(self.most_tasks, len(asyncio.all_tasks()))
        await asyncio.sleep(0)
        self.under_way -= 1
        times = self.asked.count(f"{organization_id}/{openid}") if len(self.asked) < 1000 else 1
        told = self.tell(openid, organization_id, times)
        if isinstance(told, PalmError):
            told.attempts = told.attempts or 1
            raise told
        return self.answer_of(openid, organization_id, told)


@pytest.fixture
def gateway(answer_of):
    return Gateway(answer_of)


@pytest.fixture
def clock():
    return Seconds()


@pytest.fixture
def run(gateway, clock):
    """Return a function that sweeps and checks what holds for every sweep."""

    async def run(pairs, tell=None, rules=RULES, stats=None):
        gateway.tell = tell or gateway.tell
        stats = stats or RequestStats()
        answers = whole(
            await sweep(
                gateway,
                FrameInMemory(pairs),
                stats=stats,
                rules=rules,
                clock=Clock(wall=clock, monotonic=clock, sleep=clock.sleep),
            )
        )
        assert list(answers.columns) == list(ANSWERS)
        assert answers.index.equals(pairs.index)
        assert stats.answered + stats.failed == stats.pairs == len(pairs)
        assert stats.failed == (answers["state"] == "UNKNOWN").sum()
        return answers

    return run


def wrong(reason=SignatureReason.WRONG):
    return SignatureError("the answer's signature does not match its body", reason)


async def test_the_canary_is_of_different_organizations(gateway, run, pairs_of):
    pairs = pairs_of(*(f"A/a{i}" for i in range(50)), *(f"B/b{i}" for i in range(50)), "C/c", "D/d")
    await run(pairs)
    assert gateway.asked[:5] == ["A/a0", "B/b0", "C/c", "D/d", "A/a1"]


async def test_the_canary_is_asked_before_anything_else_and_only_once(gateway, run, pairs_of):
    pairs = pairs_of(*(f"A/{i}" for i in range(20)))
    await run(pairs, rules=SweepRules(concurrency=1, canary=3))
    assert gateway.asked == [f"A/{i}" for i in range(20)]


async def test_fewer_pairs_than_the_canary_are_each_asked_once(gateway, run, pairs_of):
    answers = await run(pairs_of("A/a", "B/b"))
    assert sorted(gateway.asked) == ["A/a", "B/b"]
    assert set(answers["state"]) == {"ON"}


async def test_no_pairs_give_an_empty_frame_at_once(gateway, clock, run, pairs_of):
    answers = await run(pairs_of("A/a").iloc[:0])
    assert len(answers) == 0
    assert (gateway.asked, clock.slept) == ([], [])


async def test_a_401_in_the_canary_stops_the_run_with_the_diagnosis(gateway, run, pairs_of):
    def tell(openid, *_):
        return UnauthorizedError(401, "SIGN_ERROR", "签名错误") if openid == "b" else "ON"

    with pytest.raises(
        RunError, match=r"^HTTP 401: SIGN_ERROR .*private_key does not belong"
    ) as stop:
        await run(pairs_of("A/a", "B/b", *(f"A/{i}" for i in range(50))), tell)
    assert exit_code_of(stop.value) == 77
    assert len(gateway.asked) == 5


async def test_a_single_401_later_is_a_refused_pair(run, pairs_of):
    pairs = pairs_of(*(f"A/{i}" for i in range(30)))
    answers = await run(pairs, lambda o, *_: UnauthorizedError(401) if o == "20" else "ON")
    assert answers["unknown_reason"].value_counts()["REFUSED"] == 1
    assert answers.loc[20, "state"] == "UNKNOWN"
    assert answers.loc[20, "http_status"] == 401


async def test_a_second_401_stops_the_run(gateway, run, pairs_of):
    pairs = pairs_of(*(f"A/{i}" for i in range(1000)))
    told = {"20": UnauthorizedError(401), "60": UnauthorizedError(401)}
    with pytest.raises(RunError) as stop:
        await run(pairs, lambda o, *_: told.get(o, "ON"))
    assert exit_code_of(stop.value) == 77
    assert len(gateway.asked) < 70


async def test_a_403_of_one_organization_is_about_its_pairs_alone(run, pairs_of):
    pairs = pairs_of(*(f"{'AB'[i % 2]}/{i}" for i in range(40)))
    answers = await run(
        pairs, lambda _, org, __: ForbiddenError(403, "NO_AUTH") if org == "B" else "ON"
    )
    by_organization = answers.groupby(pairs["organization_id"], observed=True)["state"].unique()
    assert list(by_organization["A"]) == ["ON"]
    assert list(by_organization["B"]) == ["UNKNOWN"]
    assert Counter(answers["unknown_reason"].dropna()) == {"REFUSED": 20}
    assert set(answers["error_code"].dropna()) == {"NO_AUTH"}


async def test_a_403_of_every_organization_in_the_canary_stops_the_run(gateway, run, pairs_of):
    pairs = pairs_of(*(f"{'ABC'[i % 3]}/{i}" for i in range(40)))
    with pytest.raises(RunError, match="ask WeChat Pay to open the palm service") as stop:
        await run(pairs, lambda *_: ForbiddenError(403, "NO_AUTH"))
    assert exit_code_of(stop.value) == 77
    assert len(gateway.asked) == 5


async def test_a_403_of_the_only_organization_stops_the_run(run, pairs_of):
    with pytest.raises(RunError) as stop:
        await run(pairs_of(*(f"A/{i}" for i in range(9))), lambda *_: ForbiddenError(403))
    assert exit_code_of(stop.value) == 77


async def test_a_403_of_all_organizations_after_an_unclear_canary_stops_the_run(
    gateway, run, pairs_of
):
    """The canary ran into timeouts; then nobody but 403 is heard."""
    pairs = pairs_of(*(f"{'AB'[i % 2]}/{i}" for i in range(200)))
    with pytest.raises(RunError) as stop:
        await run(pairs, lambda o, *_: TimedOutError("x") if int(o) < 5 else ForbiddenError(403))
    assert exit_code_of(stop.value) == 77
    assert len(gateway.asked) < 20


async def test_an_answer_about_a_state_shows_that_403_is_not_about_the_merchant(run, pairs_of):
    """The canary's answers have no state, but they are answers: organization A is permitted."""
    pairs = pairs_of(*(f"{'ABC'[i % 3]}/{i}" for i in range(30)))
    told = {"A": NoStateError("x"), "B": ForbiddenError(403), "C": ForbiddenError(403)}
    answers = await run(pairs, lambda _, org, __: told[org])
    assert Counter(answers["unknown_reason"]) == {"NO_STATE": 10, "REFUSED": 20}


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        (SignatureReason.WRONG, "download it again"),
        (SignatureReason.UNKNOWN_SERIAL, "no key is held for that id"),
        (SignatureReason.STALE, "clock"),
        (SignatureReason.MISSING, "check base_url"),
    ],
)
async def test_a_canary_without_one_believed_signature_stops_the_run(
    gateway, run, pairs_of, reason, remedy
):
    pairs = pairs_of(*(f"A/{i}" for i in range(50)))
    with pytest.raises(RunError, match=remedy) as stop:
        await run(pairs, lambda *_: wrong(reason))
    assert exit_code_of(stop.value) == 77
    assert len(gateway.asked) == 5


async def test_one_believed_answer_in_the_canary_lets_the_run_go_on(run, pairs_of):
    pairs = pairs_of(*(f"A/{i}" for i in range(20)))
    answers = await run(pairs, lambda o, *_: wrong() if 0 < int(o) < 5 else "ON")
    assert Counter(answers["state"]) == {"ON": 16, "UNKNOWN": 4}


async def test_a_gateway_out_of_reach_is_tried_for_a_while_and_then_left(
    gateway, clock, run, pairs_of
):
    started = clock.now
    with pytest.raises(RunError, match="could not be reached: no connection: nobody") as stop:
        await run(
            pairs_of("A/a", "B/b"),
            lambda *_: ConnectError("no connection: nobody"),
            SweepRules(reach_s=30, reach_every_s=1),
        )
    assert exit_code_of(stop.value) == 75
    assert clock.now - started == 30
    assert len(gateway.asked) == 2 * 31


async def test_a_gateway_that_comes_back_in_time_is_asked_as_if_nothing_had_been(
    gateway, run, pairs_of
):
    pairs = pairs_of(*(f"A/{i}" for i in range(10)))
    answers = await run(
        pairs, lambda o, _, times: ConnectError("x") if int(o) < 5 and times <= 3 else "OFF"
    )
    assert set(answers["state"]) == {"OFF"}
    assert list(answers["attempts"]) == [4] * 5 + [1] * 5


async def test_one_answer_that_comes_through_shows_that_the_gateway_is_there(clock, run, pairs_of):
    pairs = pairs_of(*(f"A/{i}" for i in range(5)))
    answers = await run(pairs, lambda o, *_: "ON" if o == "3" else ConnectError("x"))
    assert clock.slept == []
    assert Counter(answers["state"]) == {"ON": 1, "UNKNOWN": 4}


@pytest.mark.parametrize(
    ("error", "rounds"),
    [
        (ConnectError("x"), 2),
        (DisconnectedError("x"), 2),
        (TimedOutError("x"), 2),
        (ServerError(500), 2),
        (wrong(), 2),
        (MismatchError("x"), 2),
        (BodyError("x"), 2),
        (ThrottledError(429), 2),
        (RefusedError(404), 1),
        (ForbiddenError(403), 1),
        (UnauthorizedError(401), 1),
        (NoStateError("x"), 1),
        (UnrecognizedStateError("x"), 1),
    ],
    ids=lambda each: type(each).__name__,
)
async def test_the_extra_round_asks_what_may_fare_better_and_nothing_else(
    gateway, run, pairs_of, error, rounds
):
    pairs = pairs_of(*(f"A/{i}" for i in range(12)))
    answers = await run(pairs, lambda o, *_: error if o == "9" else "ON")
    assert Counter(gateway.asked) == dict.fromkeys(gateway.asked, 1) | {"A/9": rounds}
    assert (answers["state"] == "UNKNOWN").sum() == 1
    assert gateway.asked[-1] == ("A/9" if rounds == 2 else "A/11")


async def test_what_the_extra_round_finds_counts(run, pairs_of):
    stats = RequestStats()
    pairs = pairs_of(*(f"A/{i}" for i in range(20)))
    answers = await run(
        pairs, lambda _, __, times: "ON" if times > 1 else ServerError(503), stats=stats
    )
    assert set(answers["state"]) == {"ON"}
    assert set(answers["attempts"]) == {2}
    assert (stats.answered, stats.failed, stats.queries) == (20, 0, 40)


@pytest.mark.parametrize("error", [wrong(), MismatchError("x"), BodyError("x")], ids=repr)
async def test_too_many_answers_that_are_not_believed_stop_the_run(run, pairs_of, error):
    pairs = pairs_of(*(f"A/{i}" for i in range(100)))
    with pytest.raises(RunError, match="5 of 100 pairs could not be verified") as stop:
        await run(pairs, lambda o, *_: error if int(o) >= 95 else "ON")
    assert exit_code_of(stop.value) == 4


async def test_fewer_than_five_unbelieved_answers_never_stop_the_run(run, pairs_of):
    pairs = pairs_of(*(f"A/{i}" for i in range(10)))
    answers = await run(pairs, lambda o, *_: wrong() if int(o) >= 6 else "ON")
    assert Counter(answers["unknown_reason"].dropna()) == {"SIGNATURE": 4}


@pytest.mark.parametrize(("unbelieved", "stops"), [(6, False), (7, True)])
async def test_one_in_a_thousand_is_the_most_that_chance_explains(run, pairs_of, unbelieved, stops):
    pairs = pairs_of(*(f"A/{i}" for i in range(6000)))
    swept = run(pairs, lambda o, *_: wrong() if 6000 - int(o) <= unbelieved else "ON")
    if stops:
        with pytest.raises(RunError) as stop:
            await swept
        assert exit_code_of(stop.value) == 4
    else:
        assert (await swept)["unknown_reason"].notna().sum() == unbelieved


async def test_a_key_that_nobody_holds_is_a_matter_of_credentials(run, pairs_of):
    pairs = pairs_of(*(f"A/{i}" for i in range(100)))
    with pytest.raises(RunError, match="no key is held for that id") as stop:
        await run(
            pairs, lambda o, *_: wrong(SignatureReason.UNKNOWN_SERIAL) if int(o) >= 90 else "ON"
        )
    assert exit_code_of(stop.value) == 77


async def test_an_unknown_key_that_the_extra_round_got_past_is_forgotten(run, pairs_of):
    """What is left is not about keys: the run stops for what is still not believed."""
    pairs = pairs_of(*(f"A/{i}" for i in range(100)))

    def tell(openid, _, times):
        if int(openid) >= 90:
            return MismatchError("x")
        return wrong(SignatureReason.UNKNOWN_SERIAL) if times == 1 and int(openid) > 50 else "ON"

    with pytest.raises(RunError, match="10 of 100 pairs could not be verified") as stop:
        await run(pairs, tell)
    assert exit_code_of(stop.value) == 4


async def test_every_pair_has_one_row_whatever_happens(run, pairs_of):
    kinds = [
        "ON", "OFF", "NONE", TimedOutError("x"), ConnectError("x"), ServerError(500, "SYS"),
        ThrottledError(429), RefusedError(404), NoStateError("x"), UnrecognizedStateError("x"),
        ForbiddenError(403), DisconnectedError("x"),
    ]  # fmt: skip
    pairs = pairs_of(*(f"{'AB'[i % 2]}/{i}" for i in range(600)))
    answers = await run(pairs, lambda o, *_: kinds[int(o) % len(kinds)])
    assert len(answers) == 600
    assert Counter(answers["state"]) == {"ON": 50, "OFF": 50, "NONE": 50, "UNKNOWN": 450}
    assert (answers["unknown_reason"].notna() == (answers["state"] == "UNKNOWN")).all()


async def test_each_answer_stands_in_the_row_of_its_own_pair(run, pairs_of):
    pairs = pairs_of(*(f"A/{i}" for i in range(200)))
    answers = await run(pairs, lambda o, *_: ("ON", "OFF", "NONE")[int(o) % 3])
    assert list(answers["state"]) == [("ON", "OFF", "NONE")[i % 3] for i in range(200)]
    assert list(answers["request_id"]) == [f"request-{i}" for i in range(200)]


async def test_a_slice_of_the_pairs_keeps_its_numbers(run, pairs_of):
    pairs = pairs_of(*(f"{'AB'[i % 2]}/{i}" for i in range(100)))
    answers = await run(pairs.iloc[40:61:2], lambda o, *_: "OFF" if o == "50" else "ON")
    assert list(answers.index) == list(range(40, 61, 2))
    assert answers.loc[50, "state"] == "OFF"
    assert answers.loc[answers.index != 50, "state"].unique() == ["ON"]


async def test_a_403_of_all_that_a_slice_holds_stops_it_too(run, pairs_of):
    """The categories of the whole file are not the organizations of the slice."""
    pairs = pairs_of(*(f"{'AB'[i % 2]}/{i}" for i in range(400))).iloc[::2]
    with pytest.raises(RunError) as stop:
        await run(pairs, lambda o, *_: TimedOutError("x") if o == "0" else ForbiddenError(403))
    assert exit_code_of(stop.value) == 77


@pytest.mark.parametrize("pairs", [40, 4000])
async def test_neither_tasks_nor_questions_under_way_grow_with_the_pairs(
    gateway, run, pairs_of, pairs
):
    await run(
        pairs_of(*(f"A/{i}" for i in range(pairs))), rules=SweepRules(concurrency=8, canary=3)
    )
    assert gateway.most_under_way == 8
    assert gateway.most_tasks <= 8 + 2  # its workers, the sweep, and this test


async def test_what_is_stopped_leaves_no_question_under_way(gateway, run, pairs_of):
    pairs = pairs_of(*(f"A/{i}" for i in range(100)))
    told = {"20": UnauthorizedError(401), "21": UnauthorizedError(401)}
    before = asyncio.all_tasks()
    with pytest.raises(RunError):
        await run(pairs, lambda o, *_: told.get(o, "ON"))
    assert asyncio.all_tasks() == before


async def test_answers_that_name_no_pair_are_counted(gateway, run, pairs_of, answer_of):
    gateway.answer_of = lambda *about: answer_of(*about, echoed=False)
    stats = RequestStats()
    await run(pairs_of("A/a", "A/b"), stats=stats)
    assert stats.without_echo == 2


async def test_answers_are_dated_by_the_clock(clock, run, pairs_of):
    answers = await run(pairs_of("A/a"))
    assert answers["answered_at"].iloc[0].timestamp() == clock.now


async def test_an_answer_that_names_nobody_has_no_last_round(run, pairs_of, gateway):
    pairs = pairs_of(*[f"A/o{place}" for place in range(40)])
    tell = lambda openid, *_: UnnamedError("x") if openid == "o20" else "ON"  # noqa: E731
    answers = await run(pairs, tell)
    assert answers["unknown_reason"].dropna().tolist() == ["UNNAMED"]
    assert gateway.asked.count("A/o20") == 1


async def test_a_copy_of_an_earlier_answer_has_a_last_round(run, pairs_of, gateway):
    pairs = pairs_of(*[f"A/o{place}" for place in range(40)])

    def tell(openid, _, times):
        return wrong(SignatureReason.REPLAYED) if openid == "o20" and times == 1 else "ON"

    answers = await run(pairs, tell)
    assert answers["state"].eq("ON").all()
    assert gateway.asked.count("A/o20") == 2


async def noted(gateway, pairs, tell):
    gateway.tell, rows = tell, []
    with suppress(RunError):
        await sweep(
            gateway,
            FrameInMemory(pairs),
            stats=RequestStats(),
            rules=RULES,
            on_final=lambda _, pair, row, _signed: rows.append((pair, row)),
        )
    assert all(pairs["openid"].iloc[row.pair_index] == pair.openid for pair, row in rows)
    return sorted(row.pair_index for _, row in rows)


async def test_refusals_before_the_first_good_answer_are_not_written_down(gateway, pairs_of):
    pairs = pairs_of(*[f"A/o{place}" for place in range(100)])
    assert await noted(gateway, pairs, lambda *_: RefusedError(400, "PARAM_ERROR")) == []
    assert len(gateway.asked) < 60


async def test_they_are_once_there_is_a_good_answer(gateway, pairs_of):
    pairs = pairs_of(*[f"A/o{place}" for place in range(100)])

    def tell(openid, *_):
        return RefusedError(400, "PARAM_ERROR") if int(openid[1:]) < 30 else "ON"

    assert await noted(gateway, pairs, tell) == list(range(100))


async def test_answers_without_names_count_although_the_second_time_all_is_well(gateway, pairs_of):
    """2 % of the answers name nobody; each pair is answered when it is asked once more."""
    pairs, stats = pairs_of(*[f"A/o{place}" for place in range(3_000)]), RequestStats()

    def tell(openid, *_):
        if int(openid[1:]) % 50 == 20:
            stats.attempted(Attempt(0.1, UnnamedError("x")))
        stats.attempted(Attempt(0.1, None))
        return "ON"

    gateway.tell = tell
    with pytest.raises(RunError, match="20 answers do not name the person") as stop:
        await sweep(gateway, FrameInMemory(pairs), stats=stats, rules=SweepRules(concurrency=1))
    assert exit_code_of(stop.value) == 4
    assert stats.answers in (1_000, 1_001)  # stopped where 1,000 are known, and not earlier


async def test_states_of_an_unfinished_run_that_name_nobody_are_counted_again(
    gateway, pairs_of, answer_of
):
    pairs, stats, rows = FrameInMemory(pairs_of("A/a", "A/b", "A/c")), RequestStats(), []
    gateway.answer_of = lambda *about: answer_of(*about, echoed=about[0] == "c")
    await sweep(
        gateway,
        pairs,
        stats=RequestStats(),
        rules=RULES,
        on_final=lambda _number, _pair, row, _signed: rows.append(row),
    )
    restored = Restored(OutcomesInMemory(pairs))
    restored.add(0, pairs.frame(0), rows)
    await sweep(gateway, pairs, stats=stats, rules=RULES, restored=restored)
    assert (stats.resumed, stats.without_echo) == (3, 2)
