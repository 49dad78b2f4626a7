"""What is said about a report in words."""

from __future__ import annotations

import io
from dataclasses import replace

import openpyxl
import pytest

from jobs.compare.verdict import RuleHolds, TimeLimit, TooMuchUnknown, Verdict
from jobs.render.excel.workbook import write_excel
from jobs.render.html.page import render
from jobs.render.text import (
    DEFINITIONS,
    headline,
    net_changes,
    share,
    signed,
    verdict,
    warnings,
)
from jobs.render.translations import Language, translator
from jobs.report.info import Metadata
from jobs.report.parquet import write_parquet
from jobs.schema import Change
from tests.night import with_members


@pytest.fixture
def after(report_of, nights, tmp_path):
    """Return the second night's report, from what was heard on both nights."""

    def after(before, now, **options):
        path = tmp_path / "before.parquet"
        first = report_of(before, nights[0])
        write_parquet(first, path)
        return report_of(now, nights[1], baseline=first, baseline_file=path, **options)

    return after


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
        "2025-03-04: of 5 pairs 1 are ON, 1 OFF, 2 NONE, 1 UNKNOWN; since 2025-03-03 "
        "1 gained, 2 lost, 0 closed and opened in between, 1 new, 1 dropped."
    )


def test_net_changes_are_closing_less_opening_and_add_up(after):
    report = after(
        {"A/a": "ON", "A/b": "ON", "A/c": "OFF"}, {"A/a": "OFF", "A/b": "NONE", "A/c": "OFF"}
    )
    assert net_changes(report) == {"ON": -2, "OFF": 1, "NONE": 1}


def test_a_pair_that_could_not_be_asked_makes_no_net_change(after):
    report = after({"A/a": "ON"}, {"A/a": "UNKNOWN"})
    assert net_changes(report) == {"ON": 0, "OFF": 0, "NONE": 0}


def test_a_good_night_has_no_warnings(after):
    keys = [f"A/o{i:027}" for i in range(10)]
    assert warnings(after(dict.fromkeys(keys, "ON"), dict.fromkeys(keys, "ON"))) == []


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        (1, "1 input lines hold no pair"),
        (
            2,
            "2 of 10 pairs of the last report (2025-03-03) are missing from today's input (20.0 %)",
        ),
    ],
)
def test_more_than_a_tenth_lost_is_the_first_warning(after, lost, said):
    keys = [f"A/{i}" for i in range(10)]
    now = dict.fromkeys(keys[lost:], "ON")
    found = warnings(after(dict.fromkeys(keys, "ON"), now, extra_lines=",A,x\n"))
    assert found[0].startswith(said)


def test_invalid_lines_are_counted_and_the_first_three_named(report_of, nights):
    report = report_of({"A/a": "ON"}, nights[0], extra_lines=",A,x\n" * 5)
    said = " ".join(warnings(report))
    assert "5 input lines hold no pair: line 3 (openid is empty), 4 (openid is empty), 5" in said
    assert "6 (" not in said
    assert "..." in said


def test_every_invalid_line_is_named_where_that_is_wanted(report_of, nights):
    report = report_of({"A/a": "ON"}, nights[0], extra_lines=",A,x\n" * 5)
    said = " ".join(warnings(report, every_line=True))
    assert all(f"{line} (openid is empty)" in said for line in range(3, 8))
    assert "..." not in said


def test_openids_that_do_not_look_like_one_are_counted_but_not_shown(report_of, nights):
    said = " ".join(warnings(report_of({"A/strange-one": "ON", f"A/o{1:027}": "ON"}, nights[0])))
    assert "1 openids do not look like one" in said
    assert "strange-one" not in said


def test_every_change_is_explained():
    assert set(DEFINITIONS) == set(Change)


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (0, 10, "0.0 %"), (10, 10, "100.0 %"), (1, 3, "33.3 %"), (0, 0, "-"),
        (1, 10_000_000, "< 0.1 %"), (9_999_999, 10_000_000, "> 99.9 %"), (1, 1000, "0.1 %"),
    ],
)  # fmt: skip
def test_a_share_is_never_rounded_to_nothing_or_all(part, whole, said):
    assert share(part, whole) == said


@pytest.mark.parametrize(("number", "said"), [(0, "0"), (1200, "+1,200"), (-3, "-3")])
def test_a_change_has_its_sign(number, said):
    assert signed(number) == said


RULE = RuleHolds("closed>0", "closed", 2, None, ">", "0")
UNKNOWN = TooMuchUnknown(unknown=1, invalid=0, pairs=2, allowed=0.01)
LATE = TimeLimit(not_asked=1, pairs=2)

ENDED = "The run ended with exit code 3."
MUCH = "1 of 2 pairs have no answer (50.0 %, limit 1 %)."
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


def test_a_part_of_a_report_says_so_first(after):
    report = after({f"A/{at}": "ON" for at in range(5)}, {"A/0": "ON"})
    part = with_members(report, {"only": "changes"})
    first, second, *_ = warnings(part)
    assert first == "Only the rows of --changes are here; all counts are of the whole report."
    assert "4 of 5 pairs of the last report" in second


DECORATION_TAKEN_OFF = (
    "On 2 lines blanks, quotes or invisible characters round a key were taken off "
    "(first on line 7)."
)
AS_THEY_ARE = "they were asked as they are."


def test_decoration_and_damage_are_said_once_each_with_the_first_line(report_of, nights):
    heard = {"0042/oA": "ON", "0042/oB": "ON", "1.0/oC": "ON", "１/oD": "ON", "=2/oE": "ON"}
    lines = "oA\u00a0,0042,again\noB\u00a0,0042,again\n"
    report = report_of(heard, nights[0], extra_lines=lines)
    said = [each for each in warnings(report) if "openids do not look like one" not in each]
    assert said == [
        DECORATION_TAKEN_OFF,
        "The organizations of 2 pairs look damaged (.0, =), first on line 4; " + AS_THEY_ARE,
        "The organizations of 1 pairs hold full-width digits, first on line 5; " + AS_THEY_ARE,
    ]
