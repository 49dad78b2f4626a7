"""Rules and rates whose values nothing can be done with are refused, with the name of the value."""

from __future__ import annotations

import math

import pytest

from palm import AdaptationRules, BreakerRules, HostRules, Retry, SettingsError
from palm.errors.values import is_part

WRONG = [
    (BreakerRules, "failures", 0, "a whole number above 0, not 0 (int)"),
    (BreakerRules, "failures", 2.5, "a whole number above 0, not 2.5 (float)"),
    (BreakerRules, "silence_s", -1, "a number of seconds, 0 or more, not -1 (int)"),
    (BreakerRules, "probe_every_s", "1", "a number of seconds, 0 or more, not str"),
    (HostRules, "failures", True, "a whole number above 0, not True"),
    (HostRules, "within_s", None, "a number of seconds, 0 or more, not None"),
    (HostRules, "try_main_s", math.nan, "a number of seconds, 0 or more, not nan (float)"),
    (AdaptationRules, "window", 0, "a whole number above 0, not 0 (int)"),
    (AdaptationRules, "share", 1.1, "a number above 0 and at most 1, not 1.1 (float)"),
    (AdaptationRules, "factor", 0, "a number above 0 and at most 1, not 0 (int)"),
    (AdaptationRules, "pause_s", False, "a number of seconds, 0 or more, not False"),
    (Retry, "attempts", "3", "a whole number above 0, not str"),
    (Retry, "cap_s", True, "a number of seconds, 0 or more, not True"),
]


@pytest.mark.parametrize(("rules", "name", "value", "wanted"), WRONG)
def test_a_value_of_rules_that_cannot_be_worked_with_is_named(rules, name, value, wanted):
    with pytest.raises(SettingsError) as caught:
        rules(**{name: value})
    assert str(caught.value) == f"{name} must be {wanted}"


@pytest.mark.parametrize("rules", [AdaptationRules, BreakerRules, HostRules, Retry])
def test_the_defaults_are_right(rules):
    assert rules() == rules()


def test_no_wait_and_an_endless_one_are_right():
    assert BreakerRules(silence_s=0, probe_every_s=math.inf).silence_s == 0


@pytest.mark.parametrize(("value", "expected"), [(1, True), (0.05, True), (0, False), ("1", False)])
def test_a_part_is_above_0_and_at_most_1(value, expected):
    assert is_part(value) is expected
