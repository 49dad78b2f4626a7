"""A count, its noun and its verb agree, in every sentence that a person reads."""

from __future__ import annotations

import io
import re
from dataclasses import fields
from string import Formatter

import pytest
from rich.console import Console

from jobs.compare.verdict import TimeLimitReached, TooMuchUnknown
from jobs.observe.notify.wording import CHINESE as OF_MESSAGES
from jobs.observe.progress import status_line
from jobs.plurals import Quantity, counted, filled
from jobs.render.history.chinese import HISTORY_CHINESE
from jobs.render.html.page import render
from jobs.render.language import Language
from jobs.render.terminal import print_summary
from jobs.render.text import headline, verdict
from jobs.render.translations import CHINESE
from jobs.render.warnings import warnings
from jobs.run.estimate import Plan
from jobs.sweep.abort.errors import unnamed_error
from jobs.sweep.stats import RequestStats

COUNTS = (0, 1, 2, 1_000)
NOUNS = (
    "answer", "column", "control", "count", "day", "duplicate", "line", "night", "openid",
    "organization", "other", "pair", "probe", "report", "request", "row", "run", "value", "warning",
)  # fmt: skip
PLURALS = "|".join([*(f"{noun}s" for noun in NOUNS), "retries", "are", "have", "do", "were"])
SINGULARS = "|".join([*NOUNS, "retry", "is", "has", "does", "was"])
WORDS = r"(?:(?:more|input|invalid|accepted|of the|last) )*"
WRONG = re.compile(
    rf"(?<![\d.,:/-])(?:1 {WORDS}(?:{PLURALS})|(?:0|2|1,000) {WORDS}(?:{SINGULARS}))\b(?!/s)"
)
TEXTS = ("counted", "name", "path", "why")
"""Places that are no number, before a verb."""
SENTENCES = [*CHINESE, *HISTORY_CHINESE, *OF_MESSAGES]


def places(text):
    """Return the names of the places of a template."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_the_search_finds_what_does_not_agree():
    """It would be of no use if it found nothing at all."""
    for wrong in ("1 pairs", "of 1 input lines", "1 are ON", "0 pair", "2 more line", "1,000 row"):
        assert WRONG.search(wrong), wrong
    for right in (
        "1 pair",
        "11 pairs",
        "1,001 pairs",
        "2 pairs",
        "1 is ON",
        "5.1 pairs",
        "21 rows",
    ):
        assert not WRONG.search(right), right


@pytest.mark.parametrize("count", COUNTS)
def test_every_translated_sentence_agrees_with_its_counts(count):
    assert len(SENTENCES) > 300
    for text in SENTENCES:
        if numbers := places(text):
            values = dict.fromkeys(numbers, count) | dict.fromkeys(TEXTS, "x")
            assert not WRONG.search(filled(text, **values)), text


def test_a_sentence_in_chinese_chooses_no_word():
    for chinese in (*CHINESE.values(), *HISTORY_CHINESE.values(), *OF_MESSAGES.values()):
        assert "|" not in chinese


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("other", COUNTS)
def test_a_verdict_agrees_with_its_counts(count, other):
    for reason in (
        TooMuchUnknown(unknown=count, invalid=other, pairs=max(1, count), allowed=0.01),
        TooMuchUnknown(unknown=count, invalid=1, pairs=1_000, allowed=0.01),
        TimeLimitReached(not_asked=count, pairs=max(count, other)),
    ):
        assert not WRONG.search(reason.sentence()), reason


def test_a_line_alone_at_fault_is_all_that_the_verdict_names():
    only = TooMuchUnknown(unknown=0, invalid=1, pairs=1, allowed=0.01)
    both = TooMuchUnknown(unknown=1, invalid=1, pairs=1, allowed=0.01)
    assert only.sentence() == "1 input line is invalid (50.0 %, limit 1 %)"
    assert both.sentence() == (
        "1 of 1 pair has no answer and 1 input line is invalid (100.0 %, limit 1 %)"
    )


@pytest.mark.parametrize("size", [1, 2, 1_000])
@pytest.mark.parametrize("lines", ["", ",A,x\n", "o0,A,k\n"])
def test_summary_page_and_warnings_agree_with_their_counts(report_of, nights, size, lines):
    first = report_of({f"A/o{at}": "ON" for at in range(size + 1)}, nights[0])
    heard = {f"A/o{at}": "ON" if at else "UNKNOWN" for at in range(size)}
    report = report_of(heard, nights[1], baseline=first, extra_lines=lines)
    file = io.StringIO()
    console = Console(file=file, width=500, force_terminal=True, color_system=None)
    print_summary(report, console, verbose=True)
    page = re.sub(r"<[^>]+>", "|", render(report, Language.EN))
    for text in (file.getvalue(), page, headline(report), verdict(report) or "", *warnings(report)):
        assert not WRONG.search(text), WRONG.search(text)


@pytest.mark.parametrize("count", COUNTS)
def test_messages_of_a_run_agree_with_their_counts(count):
    numbers = dict.fromkeys((each.name for each in fields(Plan)), count)
    text = {"run_date": "2025-03-03", "baseline": None, "removed": ()}
    plan = Plan(**numbers | text)  # type: ignore[arg-type] - a number wherever one belongs
    stats = RequestStats(pairs=count)
    for line in (*plan.lines_of_text(), status_line(stats, 1.0), str(unnamed_error(count))):
        assert not WRONG.search(line), line


def test_a_count_has_its_noun():
    assert [counted(n, "pair") for n in COUNTS] == ["0 pairs", "1 pair", "2 pairs", "1,000 pairs"]
    assert [counted(n, "retry", "retries") for n in (1, 2)] == ["1 retry", "2 retries"]


def test_a_quantity_is_a_number_that_chooses_between_two_words():
    assert [f"{Quantity(n):pair is|pairs are}" for n in (0, 1, 2)] == [
        "pairs are", "pair is", "pairs are",
    ]  # fmt: skip
    assert f"{Quantity(1234):,}{Quantity(2)}" == "1,2342"


def test_what_is_no_whole_number_is_filled_in_as_it_is():
    assert filled("{a} {b} {c:.1f}", a=True, b="x", c=0.25) == "True x 0.2"
