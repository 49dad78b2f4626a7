"""What is said about a report in words."""

from __future__ import annotations

import io
from dataclasses import replace

import openpyxl
import pytest

from jobs.compare.verdict import RuleHolds, TimeLimitReached, TooMuchUnknown, Verdict
from jobs.render.excel.workbook import write_excel
from jobs.render.html.page import render
from jobs.render.language import Language
from jobs.render.text import headline, verdict
from jobs.render.translations import translator
from jobs.report.info import Metadata
from tests.night import with_members


def test_the_first_report_says_that_there_is_nothing_to_compare_with(report_of, nights):
    report = report_of({"A/a": "ON", "A/b": "OFF", "A/c": "ON", "A/d": "NONE"}, nights[0])
    assert headline(report) == (
        "2025-03-03: of 4 pairs 2 are ON, 1 OFF, 1 NONE; "
        "there is no earlier report to compare with."
    )


def test_the_headline_tells_states_and_what_changed_since_when(after):
    before = {"A/a": "ON", "A/b": "ON", "A/c": "OFF", "A/d": "ON", "A/gone": "ON"}
    now = {"A/a": "OFF", "A/b": "NONE", "A/c": "ON", "A/d": "UNKNOWN", "A/new": "NONE"}
    assert headline(after(before, now)) == (
        "2025-03-04: of 5 pairs 1 is ON, 1 OFF, 2 NONE, 1 UNKNOWN; since 2025-03-03 "
        "2 lost, 1 gained, 0 closed and opened in between, 1 new, 1 dropped."
    )


RULE = RuleHolds("closed>0", "closed", 2, None, ">", "0")
UNKNOWN = TooMuchUnknown(unknown=1, invalid=0, pairs=2, allowed=0.01)
LATE = TimeLimitReached(not_asked=1, pairs=2)

ENDED = "The run ended with exit code 3."
MUCH = "1 of 2 pairs has no answer (50.0 %, limit 1 %)."
REACHED = "Time limit reached: 1 of 2 pairs not asked."
HOLDS = "A rule of --fail-on holds: closed 2 is more than 0."
CORRECTS = "This run asked again only those that run R1 had no answer for, and corrects its report."


def run_of(*reasons, **run):
    verdict = Verdict(reasons)
    return run | {
        "exit_code": int(verdict.exit_code),
        "verdict": list(verdict.sentences),
        "reasons": verdict.to_json(),
    }


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (run_of(), None),
        (run_of(RULE), f"The run ended with exit code 10. {HOLDS}"),
        (run_of(UNKNOWN), f"{ENDED} {MUCH}"),
        (run_of(LATE), f"{ENDED} {REACHED}"),
        (run_of(UNKNOWN, LATE), f"{ENDED} {MUCH} {REACHED}"),
        (run_of(UNKNOWN, LATE, RULE), f"{ENDED} {MUCH} {REACHED} {HOLDS}"),
        (run_of(parent="R1"), CORRECTS),
        (run_of(RULE, parent="R1"), f"The run ended with exit code 10. {HOLDS} {CORRECTS}"),
    ],
)
def test_the_verdict_says_why_it_is_not_0_and_whom_the_run_corrects(report_of, nights, run, said):
    report = report_of({"A/a": "ON", "A/b": "UNKNOWN"}, nights[0])
    report = replace(
        report, metadata=Metadata.from_json(report.about | {"run": report.about["run"] | run})
    )
    assert verdict(report) == said
    chinese = verdict(report, translator(Language.ZH))
    assert (chinese is None) == (said is None)
    assert run.get("parent", "") in (chinese or "")


@pytest.mark.parametrize("language", list(Language))
def test_no_rule_is_spoken_of_where_none_was_given(report_of, nights, language):
    """Two reasons for exit 3 at once: on the page, and in the workbook."""
    report = report_of({"A/a": "ON", "A/b": "UNKNOWN"}, nights[0])
    run = report.about["run"] | run_of(UNKNOWN, LATE)
    report = with_members(report, {"run": run})
    book = io.BytesIO()
    write_excel(report, book, language)
    summary = " ".join(
        str(cell.value) for row in openpyxl.load_workbook(book).worksheets[0] for cell in row
    )
    limit = {Language.EN: "Time limit reached: 1 of 2", Language.ZH: "时限已到：共 2 条"}[language]
    for shown in (render(report, language), summary):
        assert "--fail-on" not in shown
        assert limit in shown


def test_what_an_earlier_version_wrote_is_shown_as_it_said_it(report_of, nights):
    """It holds sentences only: nothing is guessed of what they are about."""
    report = report_of({"A/a": "ON", "A/b": "UNKNOWN"}, nights[0])
    before = ["1 of 2 pairs and lines are unknown (exit 3)", "1 pairs were not reached (exit 3)"]
    run = report.about["run"] | {"exit_code": 3, "verdict": before}
    run.pop("reasons")
    report = with_members(report, {"run": run})
    assert verdict(report) == f"{ENDED} {before[0]}. {before[1]}."
