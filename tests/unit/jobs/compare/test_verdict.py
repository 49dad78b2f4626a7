"""How a run that has its report ends."""

from __future__ import annotations

import json

import pytest

from jobs.compare.fail_on import parse_rule
from jobs.compare.verdict import (
    FormatFailed,
    RuleHolds,
    TimeLimitReached,
    TooMuchUnknown,
    Verdict,
    judge,
)


@pytest.fixture
def summary(report_of, nights):
    """Return the counts of eight pairs that are ON and two without an answer."""
    heard = {f"A/{at}": "ON" for at in range(8)} | {"A/8": "UNKNOWN", "A/9": "UNKNOWN"}
    return report_of(heard, nights[0]).summary


@pytest.mark.parametrize(
    ("allowed", "invalid", "code"),
    [(0.2, 0, 0), (0.19, 0, 3), (0.2, 1, 3), (3 / 11, 1, 0), (1, 5, 0), (0, 0, 3)],
)
def test_unknown_pairs_and_invalid_lines_count_alike_and_the_share_given_is_allowed(
    summary, allowed, invalid, code
):
    assert judge(summary, invalid, max_unknown=allowed).exit_code == code


def test_a_success_has_no_reason(summary):
    verdict = judge(summary, 0, max_unknown=0.5)
    assert (verdict.exit_code, verdict.reasons, verdict.sentences) == (0, (), ())


def test_a_rule_that_holds_is_10_and_each_has_its_sentence(summary):
    rules = [parse_rule(text) for text in ("on>7", "closed>0", "unknown>=20%")]
    verdict = judge(summary, 0, max_unknown=0.5, fail_on=rules)
    assert verdict.exit_code == 10
    assert verdict.sentences == (
        "on 8 is more than 7 (exit 10)",
        "unknown 2 of 10 is at least 20 % (exit 10)",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("unknown>1%", "unknown 2 of 10 is more than 1 %"),
        ("on>=8", "on 8 is at least 8"),
        ("off<0.50%", "off 0 of 10 is less than 0.50 %"),
        ("on<=1000", "on 8 is at most 1,000"),
        ("hidden = 0", "hidden 0 is exactly 0"),
        ("unknown>0.000000000001%", "unknown 2 of 10 is more than 0.000000000001 %"),
    ],
)
def test_a_rule_that_holds_is_told_in_words(summary, text, said):
    verdict = judge(summary, 0, max_unknown=1, fail_on=[parse_rule(text)])
    assert verdict.sentences == (f"{said} (exit 10)",)


def test_too_much_unknown_comes_before_time_and_that_before_a_rule_and_all_are_said(summary):
    rules = [parse_rule("on>7")]
    verdict = judge(summary, 0, max_unknown=0.01, fail_on=rules, not_asked=1)
    assert verdict.exit_code == 3
    assert verdict.reasons == (
        TooMuchUnknown(unknown=2, invalid=0, pairs=10, allowed=0.01),
        TimeLimitReached(not_asked=1, pairs=10),
        RuleHolds(rule="on>7", name="on", count=8, pairs=None, operator=">", limit="7"),
    )
    assert verdict.sentences == (
        "2 of 10 pairs have no answer (20.0 %, limit 1 %) (exit 3)",
        "Time limit reached: 1 of 10 pairs not asked (exit 3)",
        "on 8 is more than 7 (exit 10)",
    )


def test_invalid_lines_are_not_called_unknown(summary):
    (said,) = judge(summary, 40, max_unknown=0.01).sentences
    assert said == (
        "2 of 10 pairs have no answer and 40 input lines are invalid (84.0 %, limit 1 %) (exit 3)"
    )


def test_a_share_has_the_digits_that_show_it_above_its_limit():
    said = TooMuchUnknown(unknown=10_001, invalid=0, pairs=1_000_000, allowed=0.01).sentence()
    assert said == "10,001 of 1,000,000 pairs have no answer (1.0001 %, limit 1 %)"


FAILED = FormatFailed("report.html", "No space left on device")


@pytest.mark.parametrize(
    ("reasons", "code"),
    [
        ([FAILED], 73),
        ([TimeLimitReached(1, 2), FAILED], 73),
        ([RuleHolds("on>7", "on", 8, None, ">", "7"), FAILED], 73),
        ([RuleHolds("on>7", "on", 8, None, ">", "7"), TimeLimitReached(1, 2)], 3),
    ],
)
def test_where_several_hold_73_comes_before_3_and_that_before_10(reasons, code):
    verdict = Verdict(tuple(reasons))
    assert verdict.exit_code == code
    assert len(verdict.sentences) == len(reasons)


def test_a_verdict_comes_back_from_json(summary):
    rules = [parse_rule("on>7"), parse_rule("unknown>1%")]
    verdict = judge(summary, 3, max_unknown=0.01, fail_on=rules, not_asked=1)
    assert Verdict.from_json(json.loads(json.dumps(verdict.to_json()))) == verdict


def test_a_reason_that_a_later_version_added_is_left_out():
    assert Verdict.from_json([{"kind": "moon", "phase": 3}]) == Verdict()
