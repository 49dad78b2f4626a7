"""jobs.compare.fail_on: when --fail-on fails the command."""

import pytest

from jobs.compare.fail_on import GRAMMAR, Rule, RuleError, parse_rule
from jobs.compare.summary import Summary
from jobs.schema import Change, State


def summary_of(pairs=1000, *, gain=0, loss=0, hidden=0, **counts) -> Summary:
    """Return a summary of which nothing matters but the counts given, by change or state."""
    return Summary(
        pairs=pairs,
        states={state.value: counts.get(state.lower(), 0) for state in State},
        known={},
        changes={change.value: counts.get(change.lower(), 0) for change in Change},
        unknown_reasons={},
        gain=gain,
        loss=loss,
        hidden=hidden,
        transitions={},
        transitions_without_absent={},
        roll_forward={},
        by_organization={},
    )


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("closed>10", False),
        ("closed>9", True),
        ("closed>=10", True),
        ("closed>=11", False),
        ("closed<10", False),
        ("closed<11", True),
        ("closed<=10", True),
        ("closed<=9", False),
        ("closed=10", True),
        ("closed=9", False),
        ("cleared>0", False),
        ("closed>1%", False),
        ("closed>=1%", True),
        ("closed>0.999999999999%", True),
        ("closed=1.0%", True),
    ],
)
def test_a_rule_holds_at_its_very_edge_and_nowhere_else(text, holds):
    assert parse_rule(text).holds(summary_of(closed=10)) is holds


@pytest.mark.parametrize("name", [*Change, *State, "gain", "loss", "hidden"])
def test_every_change_state_and_sum_of_changes_has_a_name_in_any_case(name):
    summary = summary_of(**{str(name).lower(): 7})
    for written in (name.lower(), name.upper(), name.capitalize()):
        assert parse_rule(f"{written}=7").holds(summary)
        assert not parse_rule(f"{written}=7").holds(summary_of())


@pytest.mark.parametrize("text", ["closed>1%", " closed > 1 % ", "closed >1%", "CLOSED> 1%"])
def test_blanks_and_case_change_nothing(text):
    rule = parse_rule(text)
    assert (rule.name, rule.operator, rule.number, rule.is_share) == ("closed", ">", 1, True)
    assert rule.text == text.strip()


def test_shares_are_of_the_pairs_in_the_input_and_exact():
    """0.1 % of 3,000,000,000,000,000,001 is not a float's business."""
    pairs = 3_000_000_000_000_000_001
    rule = parse_rule("unknown>0.1%")
    assert not rule.holds(summary_of(pairs, unknown=3_000_000_000_000_000))
    assert rule.holds(summary_of(pairs, unknown=3_000_000_000_000_001))
    assert parse_rule("unknown=0.1%").holds(summary_of(1000, unknown=1))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not a rule"),
        ("closed", "not a rule"),
        ("closed>", "not a rule"),
        (">1", "not a rule"),
        ("closed>-1", "not a rule"),
        ("closed>1e3", "not a rule"),
        ("closed>１", "not a rule"),
        ("closed>.5%", "not a rule"),
        ("closed>1%%", "not a rule"),
        ("closed>1 or on<5", "not a rule"),
        ("closed>" + "9" * 5000, "not a rule"),
        ("closed\n>1", "not a rule"),
        ("closed>0.01", "a count is a whole number; put % behind a share"),
        ("shut>1", "there is nothing called shut"),
        ("first-seen>1", "not a rule"),
        ("ſon>1", "not a rule"),
        ("closed==1", "there is no operator =="),
        ("closed=>1", "there is no operator =>"),
        ("closed<>1", "there is no operator <>"),
    ],
)
def test_what_is_no_rule_is_refused_on_one_line_that_shows_the_grammar(text, why):
    with pytest.raises(RuleError) as caught:
        parse_rule(text)
    said = str(caught.value)
    assert why in said
    assert said.endswith(GRAMMAR)
    assert said.isprintable()
    assert len(said) < 700


def test_the_grammar_names_everything_that_can_be_counted():
    for name in ("first_seen", "unchanged", "gain", "loss", "hidden", "on", "unknown", ">=", "%"):
        assert name in GRAMMAR


def test_a_rule_is_a_value():
    assert parse_rule("closed>1") == parse_rule(" closed>1 ")
    assert isinstance(parse_rule("closed>1"), Rule)
