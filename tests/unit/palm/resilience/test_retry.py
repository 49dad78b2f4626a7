"""What is asked again, how often, and after how long; no test waits."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from palm.errors import (
    BodyError,
    ConnectError,
    DisconnectedError,
    ForbiddenError,
    LocalResourceError,
    MismatchError,
    NoStateError,
    PendingError,
    RefusedError,
    ServerError,
    SignatureError,
    SignatureReason,
    ThrottledError,
    TimedOutError,
    UnauthorizedError,
    UnrecognizedStateError,
)
from palm.resilience.retry import Retry, call_with_retry

TRANSIENT = [
    ConnectError("x"),
    TimedOutError("x"),
    ServerError(500),
    PendingError(202),
    SignatureError("x", SignatureReason.WRONG),
    MismatchError("x"),
    BodyError("x"),
]
FINAL = [
    RefusedError(400),
    UnauthorizedError(401),
    ForbiddenError(403),
    NoStateError("x"),
    UnrecognizedStateError("x"),
]


class Asked:
    """Raises the errors it is given, one after the other, then answers; keeps every wait."""

    def __init__(self, *errors: BaseException, random: float = 1.0) -> None:
        self._errors = iter(errors)
        self._random = random
        self.times = 0
        self.waits: list[float] = []

    async def __call__(self) -> str:
        self.times += 1
        if (error := next(self._errors, None)) is not None:
            raise error
        return "answer"

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def call_with_retry(self, retry: Retry | None = None) -> str:
        return await call_with_retry(
            self, retry or Retry(), sleep=self.sleep, random=lambda: self._random
        )


def kind(error):
    return type(error).__name__


async def test_what_is_answered_at_once_is_asked_once():
    asked = Asked()
    assert (await asked.call_with_retry(), asked.times, asked.waits) == ("answer", 1, [])


@pytest.mark.parametrize("error", TRANSIENT, ids=kind)
async def test_a_transient_error_is_asked_again(error):
    asked = Asked(error)
    assert (await asked.call_with_retry(), asked.times) == ("answer", 2)


@pytest.mark.parametrize("error", FINAL, ids=kind)
@pytest.mark.parametrize("before", [0, 2])
async def test_what_would_be_refused_again_is_not_asked_again(error, before):
    asked = Asked(*(ServerError(500) for _ in range(before)), error)
    with pytest.raises(type(error)) as caught:
        await asked.call_with_retry()
    assert (caught.value, asked.times) == (error, before + 1)


async def test_five_attempts_are_made_and_the_last_error_is_raised():
    errors = [ServerError(500 + number) for number in range(9)]
    asked = Asked(*errors)
    with pytest.raises(ServerError) as caught:
        await asked.call_with_retry()
    assert (caught.value, asked.times) == (errors[4], 5)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


async def test_one_attempt_means_no_second():
    asked = Asked(ServerError(500))
    with pytest.raises(ServerError):
        await asked.call_with_retry(Retry(attempts=1))
    assert (asked.times, asked.waits) == (1, [])


async def test_the_longest_wait_doubles_up_to_the_cap():
    asked = Asked(*(ServerError(500) for _ in range(9)))
    await asked.call_with_retry(Retry(attempts=10))
    assert asked.waits == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 20, 20])


@pytest.mark.parametrize("random", [0.0, 0.25, 1.0])
async def test_the_jitter_is_full(random):
    asked = Asked(*(ServerError(500) for _ in range(3)), random=random)
    await asked.call_with_retry()
    assert asked.waits == pytest.approx([0.2 * random, 0.4 * random, 0.8 * random])


async def test_throttles_are_not_counted_among_the_attempts():
    throttles = [ThrottledError(429) for _ in range(50)]
    failures = [ServerError(500) for _ in range(4)]
    mixed = [*throttles[:25], *failures[:2], *throttles[25:], *failures[2:]]
    asked = Asked(*mixed)
    assert (await asked.call_with_retry(), asked.times) == ("answer", 55)


async def test_a_throttle_waits_a_second_at_least_and_longer_each_time():
    asked = Asked(*(ThrottledError(429) for _ in range(7)), random=0.0)
    await asked.call_with_retry()
    assert asked.waits == pytest.approx([1, 2, 4, 8, 16, 20, 20])


@pytest.mark.parametrize("error", [ThrottledError(429), ServerError(500)], ids=kind)
async def test_the_wait_stays_at_its_cap_however_often_the_question_is_asked(error):
    asked = Asked(*[error] * 1500, random=0.5)
    assert await asked.call_with_retry(Retry(attempts=2000)) == "answer"
    assert len(asked.waits) == 1500
    assert asked.waits[-1] == max(asked.waits) <= 30


async def test_a_throttle_waits_up_to_twice_as_long_so_that_not_all_come_back_at_once():
    asked = Asked(ThrottledError(429), ThrottledError(429), random=1.0)
    await asked.call_with_retry()
    assert asked.waits == pytest.approx([2, 4])


async def test_retry_after_is_waited_out():
    asked = Asked(
        ThrottledError(429, retry_after_s=7.0), ThrottledError(429, retry_after_s=0.0), random=0.5
    )
    await asked.call_with_retry()
    assert asked.waits == pytest.approx([10.5, 3])


async def test_throttles_are_waited_out_for_no_longer_than_the_patience():
    asked = Asked(*(ThrottledError(429) for _ in range(9)))
    with pytest.raises(ThrottledError):
        await asked.call_with_retry(Retry(patience_s=0.0))
    assert (asked.times, asked.waits) == (1, [])


async def test_patience_alone_ends_nothing_but_throttles():
    asked = Asked(*(ServerError(500) for _ in range(4)))
    assert (await asked.call_with_retry(Retry(patience_s=0.0)), asked.times) == ("answer", 5)


async def test_the_first_broken_connection_is_tried_again_at_once():
    """A connection that was kept alive had gone stale, most likely."""
    asked = Asked(*(DisconnectedError("x") for _ in range(3)))
    await asked.call_with_retry()
    assert asked.waits == pytest.approx([0, 0.4, 0.8])


async def test_a_broken_connection_counts_as_an_attempt():
    asked = Asked(*(DisconnectedError("x") for _ in range(5)))
    with pytest.raises(DisconnectedError):
        await asked.call_with_retry()
    assert asked.times == 5


async def test_a_connection_that_cannot_be_made_is_not_tried_again_at_once():
    asked = Asked(ConnectError("x"))
    await asked.call_with_retry()
    assert asked.waits == pytest.approx([0.2])


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("error", [asyncio.CancelledError(), KeyError("x")], ids=kind)
async def test_what_is_no_error_of_ours_passes_through_at_once(error, before):
    asked = Asked(*(ServerError(500) for _ in range(before)), error)
    with pytest.raises(type(error)):
        await asked.call_with_retry()
    assert asked.times == before + 1


async def test_cancelling_while_waiting_ends_the_question():
    waiting = asyncio.Event()

    async def ask():
        raise ServerError(500)

    async def sleep(seconds):
        waiting.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(call_with_retry(ask, Retry(), sleep=sleep))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_two_questions_count_apart():
    retry = Retry(attempts=3)
    for _ in range(2):
        asked = Asked(*(ServerError(500) for _ in range(2)))
        assert await asked.call_with_retry(retry) == "answer"


async def test_the_waits_really_are_random_by_default():
    waits: list[float] = []

    async def sleep(seconds):
        waits.append(seconds)

    async def ask():
        raise ServerError(500)

    with pytest.raises(ServerError):
        await call_with_retry(ask, Retry(attempts=40, cap_s=0.2), sleep=sleep)
    assert len(waits) == 39
    assert all(0 <= wait <= 0.2 for wait in waits)
    assert all(a != b for a, b in itertools.pairwise(waits))


@pytest.mark.parametrize("throttles", [8, 3])
async def test_a_question_throttled_so_often_is_given_up_while_others_are_answered(throttles):
    answers = itertools.count()
    asked = Asked(*(ThrottledError(429) for _ in range(20)))
    with pytest.raises(ThrottledError):
        await call_with_retry(
            asked, Retry(throttles=throttles), answers=lambda: next(answers), sleep=asked.sleep
        )
    assert asked.times == throttles


async def test_a_question_is_not_given_up_while_everybody_is_throttled():
    """Others were answered before it met its last throttle, and nobody since."""
    asked = Asked(*(ThrottledError(429) for _ in range(20)))
    answers = iter([0, *range(1, 8), *(7 for _ in range(7)), 8, 9])
    with pytest.raises(ThrottledError):
        await call_with_retry(asked, Retry(), answers=lambda: next(answers), sleep=asked.sleep)
    assert asked.times == 15


async def test_a_throttle_does_not_end_a_question_that_fails_otherwise_meanwhile():
    answers = itertools.count()
    errors = [ThrottledError(429), ServerError(500)] * 4
    asked = Asked(*errors)
    answered = await call_with_retry(
        asked, Retry(), answers=lambda: next(answers), sleep=asked.sleep
    )
    assert (answered, asked.times) == ("answer", 9)


def lacking(*, outage):
    error = LocalResourceError("x")
    error.outage = outage
    return error


async def test_what_this_machine_lacks_is_asked_again_after_pauses_that_grow():
    asked = Asked(*(lacking(outage=True) for _ in range(9)))
    assert await asked.call_with_retry() == "answer"
    assert asked.waits == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 20, 20])


async def test_without_a_breaker_it_is_a_failure_as_any_other():
    asked = Asked(*(lacking(outage=False) for _ in range(9)))
    with pytest.raises(LocalResourceError):
        await asked.call_with_retry()
    assert (asked.times, len(asked.waits)) == (5, 4)


async def test_what_this_machine_lacks_takes_no_attempt_from_the_gateways_own_failures():
    asked = Asked(*(lacking(outage=True) for _ in range(4)), *(ServerError(500) for _ in range(4)))
    assert await asked.call_with_retry() == "answer"


async def test_no_request_is_sent_again_later_than_max_elapsed_s():
    """Waits are 1, 2, 4, 8 s; the third would end at 7 s."""
    asked = Asked(*(ServerError(500) for _ in range(9)))
    retry = Retry(attempts=9, base_s=1.0, max_elapsed_s=6.9)
    with pytest.raises(ServerError):
        await call_with_retry(
            asked, retry, sleep=asked.sleep, random=lambda: 1.0, elapsed=lambda: sum(asked.waits)
        )
    assert asked.waits == [1.0, 2.0]
    assert asked.times == 3


async def test_max_elapsed_s_also_limits_throttles_and_outages():
    asked = Asked(*(ThrottledError(429) for _ in range(9)), random=0.0)
    with pytest.raises(ThrottledError):
        await asked.call_with_retry(Retry(max_elapsed_s=0.5, patience_s=900.0))
    assert (asked.times, asked.waits) == (1, [])


async def test_within_max_elapsed_s_a_query_is_sent_again():
    asked = Asked(ServerError(500), ServerError(500))
    assert await asked.call_with_retry(Retry(max_elapsed_s=60.0)) == "answer"
