"""``--fail-on``: a report that needs a person ends with 10, and says why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.compare.fail_on import GRAMMAR
from jobs.report.parquet import read_parquet
from palm.sandbox import Faults


def test_a_rule_that_holds_ends_with_10_and_the_report_is_written(reconcile):
    ended = reconcile("-q", "--fail-on", "first_seen>0", "-o", "r.json")
    assert (ended.code, ended.out) == (10, "")
    assert ended.only_line == "palm-reconcile: first_seen 30 is more than 0 (exit 10)"
    run = json.loads(Path("r.json").read_text(encoding="utf-8"))["run"]
    assert run["exit_code"] == 10
    assert run["verdict"] == ["first_seen 30 is more than 0 (exit 10)"]


def test_a_rule_that_does_not_hold_changes_nothing(reconcile):
    ended = reconcile("-q", "--fail-on", "closed>1%", "--fail-on", "on<1")
    assert (ended.code, ended.err) == (0, "")
    assert read_parquet(Path("report.parquet")).about["run"]["verdict"] == []


def test_each_rule_that_holds_is_named_once(reconcile):
    ended = reconcile("-q", "--fail-on", "first_seen>99%", "--fail-on", "loss>5", "--fail-on",
                      "ON<1000")  # fmt: skip
    assert ended.code == 10
    first, second = ended.err.splitlines()
    assert "first_seen 30 of 30 is more than 99 %" in first
    assert "is less than 1,000" in second


def test_too_much_unknown_wins_over_a_rule_and_both_are_said(reconcile, gateway):
    gateway.faults = Faults.parse("nostate=1")
    ended = reconcile("-q", "--fail-on", "unknown>0.1%", "-o", "r.html")
    assert ended.code == 3
    first, second = ended.err.splitlines()
    assert "30 of 30 pairs have no answer (100.0 %, limit 1 %)" in first
    assert "(exit 3)" in first
    assert "unknown 30 of 30 is more than 0.1 % (exit 10)" in second
    page = Path("r.html").read_text(encoding="utf-8")
    assert "exit code 3" in page
    assert "unknown 30 of 30 is more than 0.1 %" in page


def test_the_page_says_which_rule_holds_in_either_language(reconcile):
    for language, before, said in (
        ("en", "A rule of --fail-on holds: ", "first_seen 30 is more than 0."),
        ("zh", "有 --fail-on 规则成立：", "首次出现 30 大于 0。"),
    ):
        given = ["--fail-on", "first_seen>0", "-o", "r.html", "--lang", language]
        assert reconcile("-q", *given).code == 10
        page = Path("r.html").read_text(encoding="utf-8")
        assert f"{before}{said}" in page


@pytest.mark.parametrize("rule", ["", "closed", "closed>1.5", "closd>1", "closed=>1", "closed>-1"])
def test_a_rule_that_cannot_be_read_ends_with_2_and_shows_the_grammar(reconcile, gateway, rule):
    asked = gateway.stats.requests
    ended = reconcile("--fail-on", "on<1", "--fail-on", rule)
    assert (ended.code, ended.out) == (2, "")
    assert f"--fail-on: rule {rule!r}" in ended.only_line
    assert GRAMMAR in ended.only_line
    assert gateway.stats.requests == asked
    assert not Path("report.parquet").exists()


def test_rules_may_stand_in_the_config(reconcile, config):
    """One, or several."""
    text = config.read_text()
    for value, count in (('"first_seen>0"', 1), ('["first_seen>0", "on<1000"]', 2)):
        config.write_text(f"{text}\n[reconcile]\nfail-on = {value}\n")
        ended = reconcile("-q")
        assert (ended.code, len(ended.err.splitlines())) == (10, count)
