"""How long authorizations last, from nights of a few pairs that are given as they are read."""

from __future__ import annotations

import pytest

from jobs.history.durations import OpenAuthorizations


@pytest.fixture
def lasted(night):
    """Return a function: the days that ended ones and censored ones lasted; night 1 is of OFF."""

    def lasted(*nights):
        followed = OpenAuthorizations()
        for each in (night(1, a="OFF UNCHANGED", b="OFF UNCHANGED", c="OFF UNCHANGED"), *nights):
            followed.observe(each, 3)
        followed.durations()
        return sorted(followed._ended.elements()), sorted(followed._censored.elements())

    return lasted


def test_one_ends_on_the_night_of_its_closing_or_clearing(lasted, night):
    assert lasted(
        night(2, a="ON REOPENED", b="ON OPENED"),
        night(5, a="OFF CLOSED", b="ON UNCHANGED"),
        night(9, b="NONE CLEARED ON"),
        night(10, a="OFF UNCHANGED", b="NONE UNCHANGED"),
    ) == ([3, 7], [])


def test_a_reauthorization_ends_one_and_begins_another(lasted, night):
    assert lasted(
        night(2, a="ON REOPENED"), night(6, a="ON REAUTHORIZED"), night(8, a="OFF CLOSED")
    ) == ([2, 4], [])


def test_a_reauthorization_whose_beginning_nobody_saw_begins_one(lasted, night):
    assert lasted(night(6, a="ON REAUTHORIZED"), night(8, a="OFF CLOSED")) == ([2], [])


def test_one_that_ended_on_lost_nights_and_was_opened_again_is_two(lasted, night):
    """Its end, and the nights after it, have no report; then it is ON once more, and ends."""
    assert lasted(
        night(2, a="ON REOPENED"),
        night(4, a="ON UNCHANGED"),
        night(20, a="ON REOPENED"),
        night(25, a="OFF CLOSED"),
    ) == ([5], [2])


def test_one_that_ended_on_lost_nights_is_censored_once_where_later_nights_show_it_over(
    lasted, night
):
    assert lasted(
        night(2, a="ON REOPENED"),
        night(7, a="ON UNCHANGED"),
        night(11, a="UNKNOWN UNKNOWN"),
        night(20, a="NONE UNCHANGED"),
        night(21, a="NONE UNCHANGED"),
        night(22, a="OFF CYCLED"),
    ) == ([1], [5])


def test_one_that_was_forgotten_and_is_seen_for_the_first_time_again_is_censored(lasted, night):
    """Nobody saw the one begin that is ON then: it is left out."""
    assert lasted(
        night(2, a="ON OPENED"),
        night(3, a="ON UNCHANGED"),
        night(120, a="ON FIRST_SEEN"),
        night(130, a="OFF CLOSED"),
    ) == ([], [1])


def test_a_cycle_is_one_day_beside_what_was_open_and_ended_unseen(lasted, night):
    assert lasted(
        night(2, a="ON OPENED", b="OFF CYCLED"),
        night(4, a="ON UNCHANGED"),
        night(9, a="OFF CYCLED"),
    ) == ([1, 1], [2])


def test_what_is_open_at_the_end_is_censored_at_the_last_night_that_answered_on(lasted, night):
    assert lasted(
        night(2, a="ON OPENED", b="ON OPENED", c="ON OPENED"),
        night(5, a="ON UNCHANGED", b="UNKNOWN UNKNOWN"),
        night(6, a="UNKNOWN UNKNOWN"),
    ) == ([], [0, 0, 3])


def test_those_that_the_first_night_shows_are_left_out_also_where_it_opened_them(night):
    """The first report of a folder may be compared with one that is not there."""
    followed = OpenAuthorizations()
    followed.observe(night(1, a="ON OPENED", b="OFF CYCLED"), 2)
    followed.observe(night(3, a="OFF CLOSED", b="OFF UNCHANGED"), 2)
    durations = followed.durations()
    assert (durations.ended, durations.censored, durations.median_days) == (0, 0, None)


def test_a_pair_that_comes_later_is_followed_from_then_on(night):
    followed = OpenAuthorizations()
    followed.observe(night(1, a="OFF UNCHANGED"), 1)
    followed.observe(night(2, a="OFF UNCHANGED", b="ON OPENED"), 2)
    followed.observe(night(4, a="ON REOPENED", b="OFF CLOSED"), 2)
    durations = followed.durations()
    assert (durations.ended, durations.censored) == (1, 1)
    assert (durations.median_days, durations.longest_days) == (2, 2)


def test_after_several_lost_nights_what_was_seen_over_is_not_taken_for_open_again(lasted, night):
    """It closed and was opened again on nights without a report: the later one's start is unseen.

    Its closing ends neither the first one, which is censored where it was last seen, nor another.
    """
    assert lasted(
        night(2, a="ON REOPENED", b="ON OPENED"),
        night(3, a="ON UNCHANGED", b="ON UNCHANGED"),
        night(9, a="OFF UNCHANGED", b="UNKNOWN UNKNOWN"),
        night(15, a="ON UNCHANGED", b="ON UNCHANGED"),
        night(20, a="OFF CLOSED", b="OFF CLOSED"),
    ) == ([18], [1])
