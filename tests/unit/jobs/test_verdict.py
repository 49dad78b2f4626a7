"""How a run that has its report ends."""

from __future__ import annotations

import pytest

from jobs.rules import parse_rule
from jobs.verdict import judge


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
    assert judge(summary, invalid, max_unknown=allowed)[0] == code


def test_a_success_needs_no_sentence(summary):
    assert judge(summary, 0, max_unknown=0.5) == (0, ())


def test_a_rule_that_holds_is_10_and_each_has_its_sentence(summary):
    rules = [parse_rule(text) for text in ("on>7", "closed>0", "unknown>=20%")]
    code, said = judge(summary, 0, max_unknown=0.5, fail_on=rules)
    assert code == 10
    assert said == (
        "on 8 is more than 7 (exit 10)",
        "unknown 2 of 10 is at least 20 % (exit 10)",
    )


def test_too_much_unknown_comes_before_a_rule_and_both_are_said(summary):
    code, said = judge(summary, 0, max_unknown=0.01, fail_on=[parse_rule("on>7")])
    assert code == 3
    assert said == (
        "2 of 10 pairs and lines are unknown, more than --max-unknown 0.01 allows (exit 3)",
        "on 8 is more than 7 (exit 10)",
    )
