"""How the pace answers to throttling; the clock is a number."""

from __future__ import annotations

import pytest

from palm.resilience.adaptive_rate import Adaptation, AdaptationRules


class Pace:
    def __init__(self, rate: float = 100.0) -> None:
        self.rate = rate
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


class Watched:
    """An adaptation that is told of answers, one at a time."""

    def __init__(self, rate: float = 100.0, rules: AdaptationRules | None = None) -> None:
        self.pace = Pace(rate)
        self.adaptation = Adaptation(self.pace, rules)
        self.now = 0.0

    def answer(self, answers: str, *, sent: float | None = None, after: float | None = None):
        """Tell of answers: ``T`` is a throttle, a dot is none."""
        for one in answers:
            self.adaptation.answered(
                sent=self.now if sent is None else sent,
                now=self.now,
                throttled=one == "T",
                retry_after_s=after,
            )

    def slow_down(self):
        self.answer("TTT")
        self.now += self.pace.pauses[-1]


@pytest.fixture
def watched():
    return Watched()


def test_answers_without_a_throttle_change_nothing(watched):
    watched.answer("." * 1000)
    assert (watched.pace.rate, watched.pace.pauses) == (100, [])


def test_a_stray_throttle_or_two_change_nothing(watched):
    watched.answer("TT")
    assert (watched.pace.rate, watched.pace.pauses) == (100, [])


def test_three_throttles_make_one_pause_and_slow_everybody_down(watched):
    watched.answer("T.TT")
    assert (watched.pace.rate, watched.pace.pauses) == (70, [1.0])
    assert (watched.adaptation.pauses, watched.adaptation.paused_s) == (1, 1.0)


@pytest.mark.parametrize(("clean", "slower"), [(95, True), (96, False), (97, False)])
def test_five_of_the_last_hundred_are_needed(watched, clean, slower):
    watched.answer("T" * 2 + "." * 93)
    watched.answer("." * (clean - 93) + "T" * (98 - clean))
    assert bool(watched.pace.pauses) is slower


def test_three_are_enough_where_they_are_five_in_a_hundred(watched):
    watched.answer("." * 57 + "TT")
    assert watched.pace.pauses == []
    watched.answer("T")
    assert watched.pace.pauses == [1.0]


def test_three_in_sixty_one_are_not_enough(watched):
    watched.answer("." * 58 + "TTT")
    assert watched.pace.pauses == []


def test_only_the_last_hundred_count(watched):
    watched.answer("T" * 2 + "." * 100 + "T" * 4)
    assert watched.pace.pauses == []
    watched.answer("T")
    assert watched.pace.pauses == [1.0]


def test_what_was_under_way_when_the_pause_began_is_the_same_event(watched):
    watched.now = 5.0
    watched.answer("TTT")
    watched.now = 5.5
    watched.answer("T" * 50, sent=4.9)
    watched.now = 9.0
    watched.answer("T" * 50, sent=5.99)
    assert (watched.pace.rate, watched.adaptation.pauses) == (70, 1)


def test_throttles_after_the_pause_slow_down_once_more(watched):
    watched.slow_down()
    watched.answer("TT")
    assert watched.pace.rate == 70
    watched.answer("T")
    assert (watched.pace.rate, watched.adaptation.pauses) == (pytest.approx(49), 2)


def test_the_rate_never_falls_below_a_twentieth(watched):
    for _ in range(20):
        watched.slow_down()
    assert watched.pace.rate == pytest.approx(5)


@pytest.mark.parametrize(("after", "pause"), [(0.0, 1.0), (0.5, 1.0), (7.0, 7.0), (None, 1.0)])
def test_the_pause_is_as_long_as_the_gateway_asks_but_a_second_at_least(watched, after, pause):
    watched.answer("TTT", after=after)
    assert watched.pace.pauses == [pause]
    assert watched.adaptation.paused_s == pause


def test_it_grows_back_faster_after_each_clean_while_and_never_beyond(watched):
    watched.slow_down()
    rates = []
    for _ in range(6):
        watched.now += 10
        watched.answer("..")
        rates.append(watched.pace.rate)
    assert rates == pytest.approx([72, 76, 84, 100, 100, 100])


def test_it_does_not_grow_before_its_time(watched):
    watched.slow_down()
    watched.now += 9.9
    watched.answer("." * 100)
    assert watched.pace.rate == 70


def test_a_stray_throttle_makes_the_growth_slow_again_but_does_not_hold_it_up(watched):
    watched.slow_down()
    for _ in range(2):
        watched.now += 10
        watched.answer(".")
    assert watched.pace.rate == pytest.approx(76)
    watched.now += 9
    watched.answer("T")
    watched.now += 1
    watched.answer(".")
    assert watched.pace.rate == pytest.approx(78)
    watched.now += 10
    watched.answer(".")
    assert watched.pace.rate == pytest.approx(82)


def test_steps_are_parts_of_the_configured_rate_not_of_the_lowered_one():
    watched = Watched(rate=1000)
    for _ in range(3):
        watched.slow_down()
    low = watched.pace.rate
    watched.now += 10
    watched.answer(".")
    assert watched.pace.rate - low == pytest.approx(20)


def test_every_number_is_a_rule():
    rules = AdaptationRules(
        window=4, least=1, share=0.5, pause_s=3, factor=0.5, floor=0.4, step=0.1, every_s=1
    )
    watched = Watched(10, rules)
    watched.answer(".T")
    assert (watched.pace.rate, watched.pace.pauses) == (5, [3])
    watched.now += 3
    watched.answer("T")
    assert watched.pace.rate == 4
    watched.now += 3 + 1
    watched.answer(".")
    assert watched.pace.rate == pytest.approx(5)
