"""A message is short, says how the run ended and what helps, and holds no openid and no secret."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest

from jobs.commands.exit_codes import EXIT_CODES
from jobs.compare.verdict import FormatFailed, TooMuchUnknown, Verdict
from jobs.observe.notify.message import (
    Ending,
    Severity,
    compose,
    first_line,
    is_due,
    trial_message,
)
from jobs.observe.notify.options import NotifyOn
from jobs.observe.notify.wording import CHINESE, ENDINGS
from jobs.render.language import Language
from jobs.render.text import headline

DAY, NEXT = date(2025, 3, 3), date(2025, 3, 4)
NIGHT = Ending(name="people", run_date=str(DAY), exit_code=0)
COMMAND = "palm-reconcile people.csv -o reports/ --run-date 2025-03-03 --retry-unanswered"
OPENID = f"o{0:027}"
PEOPLE = [f"o{i:027}" for i in range(3000)]
A, B, C, D = (f"100{i // 2}/{PEOPLE[i]}" for i in range(2, 6))
ON = dict.fromkeys([A, B, C], "ON")
LEFT_OUT = "x,1001,y,z\n"
"""A line of input that holds no pair, which is a warning."""


@pytest.fixture
def night(report_of, tmp_path):
    """Return what makes the report of a night that is compared with the one before."""
    file = tmp_path / "before.parquet"
    file.write_bytes(b"as it was")

    def night(now, before=ON, **more):
        before = report_of(before, DAY)
        return report_of(now, NEXT, baseline=before, baseline_file=file, **more)

    return night


@pytest.fixture
def quiet(night):
    """Return a night on which nothing changed."""
    return night(ON)


def ended(report, code=0, **more):
    return replace(NIGHT, report=report, run_date=str(report.run_date), exit_code=code, **more)


def failed(code, error):
    return replace(NIGHT, exit_code=code, error=error)


@pytest.mark.parametrize("on", NotifyOn)
@pytest.mark.parametrize("code", [each.code for each in EXIT_CODES if each.code])
def test_every_exit_code_but_0_is_a_problem_with_words_of_its_own(on, code):
    assert is_due(failed(code, "why"), on)
    assert code in ENDINGS
    message = compose(failed(code, "why"))
    assert message.subject == f"palm-reconcile people 2025-03-03: {ENDINGS[code]} (exit {code})"
    assert message.severity is Severity.FAILURE


def test_a_quiet_night_is_told_only_where_everything_is(quiet):
    assert [is_due(ended(quiet), on) for on in NotifyOn] == [False, False, True]
    message = compose(ended(quiet))
    assert message.subject == "palm-reconcile people 2025-03-04: done"
    assert message.body == headline(quiet)
    assert message.severity is Severity.SUCCESS


def test_a_change_is_told_where_changes_are(night):
    for now in ({**ON, A: "OFF"}, {**ON, D: "ON"}, {**ON, A: "OFF", B: "NONE"}):
        assert [is_due(ended(night(now)), on) for on in NotifyOn] == [False, True, True]


def test_a_first_report_is_a_change(report_of):
    assert [is_due(ended(report_of(ON, DAY)), on) for on in NotifyOn] == [False, True, True]


def test_a_success_with_a_warning_is_a_problem(night):
    warned = ended(night(ON, extra_lines=LEFT_OUT))
    assert all(is_due(warned, on) for on in NotifyOn)
    message = compose(warned)
    assert message.subject == "palm-reconcile people 2025-03-04: done, with 1 warning"
    assert "Warning: 1 input line holds no pair: line 5" in message.body
    assert message.severity is Severity.WARNING


def test_the_command_that_helps_comes_last(quiet):
    reasons = Verdict((FormatFailed("r.html", "disk full"), TooMuchUnknown(2, 0, 3, 0.01)))
    told = ended(quiet, 3, verdict=reasons, command=f"Run: {COMMAND}", place="reports/", host="h1")
    assert compose(told).body.splitlines() == [
        headline(quiet),
        "Reason: r.html cannot be written: disk full",
        "Reason: 2 of 3 pairs have no answer (66.7 %, limit 1 %)",
        "Report: reports/ on h1",
        f"Run: {COMMAND}",
    ]


def test_the_command_in_an_errors_line_gets_a_line_of_its_own():
    error = f"Another run is at it (process 7; since 01:30). Try again later: {COMMAND}"
    assert compose(failed(75, error)).body.splitlines() == [
        first_line(failed(75, "")),
        "Reason: Another run is at it (process 7; since 01:30)",
        f"Run: {COMMAND}",
    ]
    resumed = f"interrupted; the answers about 2 of 9 pairs are kept; to go on: {COMMAND}"
    assert compose(failed(130, resumed)).body.splitlines()[-1] == f"Run: {COMMAND}"


def test_the_organizations_that_lost_most_are_named(night):
    before = {
        f"{org}/{PEOPLE[i]}": "ON"
        for org in (1001, 1002, 1003, 1004, 1005)
        for i in range(org - 1000)
    }
    now = dict.fromkeys(before, "OFF") | {f"1005/{PEOPLE[0]}": "NONE", f"1005/{PEOPLE[1]}": "ON"}
    report = night(now, before)
    lines = compose(ended(report)).body.splitlines()
    assert lines[1:] == [
        "Organization 1004: 4 lost, 0 of 4 ON",
        "Organization 1005: 4 lost, 1 of 5 ON",
        "Organization 1003: 3 lost, 0 of 3 ON",
        "2 more organizations lost 3",
    ]
    assert (
        sum(int(re.search(r"(\d+) lost|lost (\d+)", line)[0].strip("lost ")) for line in lines[1:])
        == report.summary.loss
    )


@pytest.mark.slow
@pytest.mark.parametrize("language", Language)
def test_three_thousand_organizations_make_no_long_message(night, language):
    before = {f"学校{i:04}/{PEOPLE[i]}": "ON" for i in range(3000)}
    report = night(dict.fromkeys(before, "OFF"), before, extra_lines=LEFT_OUT * 50)
    reasons = Verdict((FormatFailed("文" * 300, "x" * 900), TooMuchUnknown(2, 0, 3, 0.01)))
    message = compose(
        ended(report, 73, verdict=reasons, command=f"Run: {COMMAND} {'长' * 900}", host="主" * 99),
        language,
    )
    assert len(f"{message.subject}\n{message.body}".encode()) <= 2000
    assert len(message.body.splitlines()) <= 12
    assert "palm-reconcile people.csv" not in message.body  # a cut command must not be pasted


def test_more_than_ten_lines_are_counted(quiet):
    reasons = Verdict(tuple(FormatFailed(f"{n}.html", "full") for n in range(15)))
    lines = compose(ended(quiet, 73, verdict=reasons)).body.splitlines()
    assert len(lines) == 11
    assert lines[-1] == "6 more lines are in the report or in the log"


@pytest.mark.parametrize("language", Language)
def test_no_openid_and_no_key_is_in_a_message(night, language):
    report = night({f"{OPENID}/1001": "OFF"}, {f"{OPENID}/1001": "ON"})
    key = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"
    for told in (
        ended(report, 3, command=f"Run: palm-reconcile {OPENID}.csv", place=f"{OPENID}/"),
        replace(failed(65, f"{OPENID} {key} https://me:secret@h/"), name=OPENID),
    ):
        message = compose(told, language)
        for hidden in (OPENID, "abc", "secret"):
            assert hidden not in f"{message.subject} {message.body} {first_line(told, language)}"


def test_what_comes_from_outside_adds_no_line():
    message = compose(replace(failed(65, "a\nb\x1b[31m\u202e"), name="x\ny", host="h\nz"))
    assert len(message.subject.splitlines()) == 1
    assert len(message.body.splitlines()) == 3
    assert "\x1b" not in message.body


def test_the_chinese_message_is_chinese(night):
    report = night({**ON, A: "OFF"}, extra_lines=LEFT_OUT)
    told = ended(report, 10, place="reports/", host="h1", command=f"Run: {COMMAND}")
    message = compose(told, Language.ZH)
    assert message.subject == "palm-reconcile people 2025-03-04：有 --fail-on 规则成立（退出码 10）"
    words = re.sub(r"palm-reconcile \S+ -o.*|palm-reconcile|--fail-on|reports/|ON|OFF|NONE|h1", "",
                   f"{message.subject}{message.body}")  # fmt: skip
    assert re.findall(r"[A-Za-z]{3,}", words) == ["people"]
    for code in ENDINGS:
        if code:
            body = compose(failed(code, ""), Language.ZH).body
            assert re.findall(r"[a-z]{3,}", body.replace("--fail-on", "")) == []


def test_every_sentence_has_its_chinese_with_the_same_places():
    assert set(ENDINGS.values()) <= set(CHINESE)
    for english, chinese in CHINESE.items():
        places = [sorted(re.findall(r"\{[^}|]*\}", text)) for text in (english, chinese)]
        assert places[0] == places[1], english


@pytest.mark.parametrize("language", Language)
def test_the_test_message_names_job_and_machine(language):
    message = trial_message("people", "h1", language)
    assert "people" in message.subject
    assert "h1" in message.body
    assert message.severity is Severity.INFO


def test_the_first_line_is_the_headline(quiet):
    assert first_line(ended(quiet)) == headline(quiet)
    assert first_line(failed(77, "why")) == (
        "2025-03-03: the run ended with exit code 77: credentials or certificate refused."
    )


def test_a_job_without_name_and_date_has_a_subject_too():
    message = compose(Ending(name="", run_date="", exit_code=2, error="No such option: --no"))
    assert message.subject == "palm-reconcile: bad options or settings (exit 2)"
    assert message.body.splitlines() == [
        "The run ended with exit code 2: bad options or settings.",
        "Reason: No such option: --no",
    ]
