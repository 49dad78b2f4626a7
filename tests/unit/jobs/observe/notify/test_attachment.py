"""The page that goes with a message holds nothing about a single person."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from jobs.observe.notify.attachment import attachment_of, redacted_page
from jobs.person import Person
from jobs.render.html.page import render
from jobs.render.language import Language
from jobs.schema import ROWS

DAY = date(2025, 3, 3)
OPENIDS = [f"o{i:027}" for i in range(6)]


@pytest.fixture
def report(report_of):
    """Return a report with every kind of row, a carried column, and an openid as organization."""
    states = ["ON", "OFF", "NONE", "UNKNOWN", "ON", "OFF"]
    before = {f"1001/{openid}": "ON" for openid in OPENIDS}
    now = {f"1001/{openid}": state for openid, state in zip(OPENIDS, states, strict=True)}
    swapped = {f"{OPENIDS[0]}/1001": "ON"}
    baseline = report_of(before, date(2025, 3, 2))
    report = report_of(now | swapped, DAY, baseline=baseline)
    assert OPENIDS[1] in render(report, Language.EN)
    return report


@pytest.mark.parametrize("language", Language)
def test_no_openid_no_request_id_and_no_carried_value_is_in_the_bytes(report, language):
    page = redacted_page(report, language).encode()
    secrets = [*OPENIDS, *report.rows["request_id"].dropna(), *report.rows["class"].dropna()]
    assert len(secrets) > 15
    assert [each for each in secrets if str(each).encode() in page] == []


def test_a_hash_is_the_one_that_the_log_has_for_this_person(report, monkeypatch):
    monkeypatch.setenv("PALM_LOG_KEY", "a key")
    page, person = redacted_page(report, Language.EN), Person("a key")
    changed = report.rows["openid"][report.rows["change"] == "CLOSED"]
    assert len(changed) > 0
    assert all(person.of(openid) in page for openid in changed)
    monkeypatch.delenv("PALM_LOG_KEY")
    assert person.of(changed.iloc[0]) not in redacted_page(report, Language.EN)


def test_the_folder_of_the_input_is_not_in_it(report_of):
    report = report_of({"A/o": "ON"}, DAY, name="/home/somebody/pairs.csv")
    page = redacted_page(report, Language.EN)
    assert "pairs.csv" in page
    assert "somebody" not in page


def test_the_counts_and_the_style_stay(report):
    whole, page = render(report, Language.EN), redacted_page(report, Language.EN)
    assert page.partition("<main")[0] == whole.partition("<main")[0]
    assert page.count('data-n="') == whole.count('data-n="')


def test_the_report_is_left_as_it_was(report):
    before = report.rows.copy()
    redacted_page(report, Language.EN)
    pd.testing.assert_frame_equal(report.rows, before)


def test_a_report_of_nobody_has_a_page(report):
    empty = replace(report, content=report.rows.iloc[:0][list(ROWS)])
    assert "<main" in redacted_page(empty, Language.ZH)


@pytest.mark.parametrize(
    ("name", "file"),
    [("people", "people-2025-03-03.html"), ("学校 a/../b", "学校-a-..-b-2025-03-03.html"),
     ("..", "2025-03-03.html")],
)  # fmt: skip
def test_the_file_has_the_jobs_name_and_no_path(report, name, file):
    assert attachment_of(report, name, Language.EN).name == file
