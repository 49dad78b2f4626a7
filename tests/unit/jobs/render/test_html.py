"""The page: complete in both languages, small, and nothing in it that runs or is fetched."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import re
import time
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser
from importlib.resources import files

import duckdb
import jinja2
import numpy as np
import pandas as pd
import pytest

from jobs.compare.summary import summarize
from jobs.compare.verdict import INCOMPLETE, LABELS, TooMuchUnknown, Verdict
from jobs.input.line_stats import Reason
from jobs.render.html.excerpt import (
    LISTED,
    changed_pairs,
    failures,
    most_moved,
    moved,
    unknown_ages,
)
from jobs.render.html.page import render, write_html
from jobs.render.html.trend import bars, line, places
from jobs.render.language import Language
from jobs.render.text import CONTROLS
from jobs.render.translations import CHINESE
from jobs.report.info import Metadata
from jobs.report.parquet import write_parquet
from jobs.schema import COLUMNS, ROWS, Change, State, UnknownReason, conform
from tests.night import with_members

HOSTILE = [
    "<script>alert(1)</script>",
    "=1+1",
    '"; DROP TABLE x',
    "掌" * 128,
    "' onload='x",
    "</style></title><b>&amp;{{ 7*7 }}{% x %}",
]
LANGUAGES = list(Language)


class Reader(HTMLParser):
    """What a browser would make of the page, as far as it matters here."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.counts, self.texts = [], [], {}, []
        self.ids, self.rows, self._count = [], {}, None
        self._section, self._in_cell = None, False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        self.attributes += attrs
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "h2":
            self._section = given["id"]
        if tag == "tr":
            self.rows.setdefault(self._section, []).append([])
        elif tag in {"td", "th"}:
            self.rows[self._section][-1].append("")
        self._in_cell = tag in {"td", "th", "span"} and self._section in self.rows
        self._count = given.get("data-n", self._count if tag in {"b", "small"} else None)

    def handle_data(self, data):
        self.texts.append(data)
        if self._count:
            self.counts[self._count] = data.strip()
            self._count = None
        if self._in_cell:
            self.rows[self._section][-1][-1] += data


def cells(page, section):
    """Return the rows of a section's tables, as text."""
    return [[cell.strip() for cell in row] for row in Reader(page).rows[section]]


def number(text):
    return 0 if text == "·" else int(text.replace(",", ""))


@pytest.fixture
def night(report_of, nights, tmp_path):
    """Return the report of a second night, from what was heard on both."""

    def night(before, now, **options):
        path = tmp_path / "before.parquet"
        first = report_of(before, nights[0])
        write_parquet(first, path)
        return report_of(now, nights[1], baseline=first, baseline_file=path, **options)

    return night


@pytest.fixture
def report(night):
    return night(
        {"A/a": "ON", "A/b": "ON", "A/c": "OFF", "B/e": "NONE", "B/gone": "ON"},
        {"A/a": "OFF", "A/b": "UNKNOWN", "A/c": "ON", "A/d": "NONE", "B/e": "NONE"},
        extra_lines=",A,x\n" * 30,
    )


def made(report, count, *, organizations=40, runs=90, change=None, openids=None):
    """Return a large report: ``report`` with ``count`` rows that are all different."""
    random = np.random.default_rng(20261121)
    kinds = ["CLOSED", "OPENED", "REOPENED", "CLEARED", "REAUTHORIZED", "DROPPED"]
    names = pd.array([f"{at:06}" for at in range(organizations)])
    change = random.choice(kinds, count) if change is None else np.full(count, change)
    state = pd.Series(change).map(
        {"CLOSED": "OFF", "OPENED": "ON", "REOPENED": "ON", "CLEARED": "NONE"}
        | {"REAUTHORIZED": "ON", "UNCHANGED": "ON", "UNKNOWN": "UNKNOWN"}
    )
    before = pd.Series(change).map(
        {"CLOSED": "ON", "OPENED": "NONE", "REOPENED": "OFF", "CLEARED": "ON", "DROPPED": "ON"}
        | {"REAUTHORIZED": "ON", "UNCHANGED": "ON"}
    )
    at = pd.Timestamp("2026-11-21 18:00:00.123", tz="UTC")
    unknown = pd.Series(change == "UNKNOWN")
    if openids is None:
        openids = pd.array(np.char.mod("o%027d", np.arange(count)), dtype="str")
    rows = conform(
        pd.DataFrame(
            {
                "organization_id": pd.Categorical.from_codes(
                    random.integers(0, organizations, count), names
                ),
                "openid": openids,
                "state": state,
                "known_state": state.where(~unknown, before),
                "previous_state": before,
                "change": change,
                "authorize_time": at,
                "answered_at": at,
                "last_in_input": pd.Timestamp("2026-11-20"),
                "unknown_reason": pd.Series("TIMEOUT", range(count)).where(unknown),
                "unknown_runs": pd.array(np.where(unknown, random.integers(1, 12, count), 0)),
                "http_status": 503,
            }
        ),
        ROWS,
    )
    summary = summarize(rows, baseline_run_date=date(2026, 11, 20)).to_json()
    first = date(2026, 11, 21) - timedelta(runs - 1)
    history = [
        {
            **report.about["history"][-1],
            "run_date": (first + timedelta(at)).isoformat(),
            "states": {s: int(random.integers(0, count)) for s in State},
            "known": {s: int(random.integers(0, count)) for s in ("ON", "OFF", "NONE", "never")},
            "changes": {c: int(random.integers(0, count)) for c in Change},
            "gain": int(random.integers(0, count)),
            "loss": int(random.integers(0, count)),
        }
        for at in range(runs)
    ]
    return replace(
        report,
        rows=rows,
        metadata=Metadata.from_json(report.about | {"summary": summary, "history": history}),
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_runs_and_nothing_is_fetched(report, language):
    page = render(report, language)
    reader = Reader(page)
    assert not set(reader.tags) & {
        "script", "link", "img", "iframe", "object", "embed", "base", "form", "a", "image", "use",
    }  # fmt: skip
    names = {name for name, _ in reader.attributes}
    assert not names & {"src", "href", "action", "style", "xmlns", "srcset"}
    assert not [name for name in names if name.startswith("on")]
    assert not re.search(r"https?:|//|url\(|@import|javascript:|data:", page, re.IGNORECASE)


def test_the_policy_allows_nothing_but_the_style_sheet_as_it_is(report):
    page = render(report, Language.EN)
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1])
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert page.index("Content-Security-Policy") < page.index("<style>")


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_comes_from_outside_stays_text(report_of, nights, hostile, language):
    """An openid, an organization, the input's name, an error's code and a reason of a later day."""
    plain = render(made(report_of({"A/a": "ON"}, nights[0]), 2, change="CLOSED"), language)
    report = made(report_of({"A/a": "ON"}, nights[0], name=hostile), 4, change="CLOSED")
    rows = report.rows.copy()
    rows["openid"] = hostile
    rows["organization_id"] = pd.Categorical([hostile] * 4)
    rows.loc[3, ["state", "change", "unknown_reason"]] = ["UNKNOWN", "UNKNOWN", "REFUSED"]
    rows["error_code"] = pd.Categorical([hostile] * 4)
    summary = summarize(rows, baseline_run_date=None).to_json()
    about = report.about | {"summary": summary, "gateway": {"kind": hostile, "mchid": hostile}}
    about["input"] = about["input"] | {
        "invalid": 1, "invalid_lines": [{"line": 1, "reason": hostile}]
    }  # fmt: skip
    about["baseline"] = {"run_id": hostile, "run_date": "2025-03-02", "sha256": hostile, "pairs": 4}
    page = render(replace(report, rows=rows, metadata=Metadata.from_json(about)), language)
    reader = Reader(page)
    assert set(reader.tags) == set(Reader(plain).tags)
    assert {name for name, _ in reader.attributes} == {n for n, _ in Reader(plain).attributes}
    assert [row[:2] for row in cells(page, "pairs")[1:]] == [[hostile] * 2] * 3
    assert cells(page, "organizations")[1][0] == hostile
    assert cells(page, "unknown")[-1][2] == hostile
    assert cells(page, "invalid")[-1] == ["1", hostile]
    if not set(hostile) & set("<>'\"&"):
        return
    assert hostile not in page


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("runs", [1, 90])
def test_two_thousand_pairs_that_all_changed_take_less_than_50_kb(report, language, runs):
    page = render(made(report, 2_000, runs=runs), language)
    assert len(page.encode()) < 50_000


def seconds_to_sort(report):
    """Return the CPU seconds that sorting its rows takes here: a measure of this machine."""
    started = time.process_time()
    report.rows.sort_values(["organization_id", "openid"], ascending=False)
    return time.process_time() - started


@pytest.mark.slow
def test_a_million_rows_take_less_than_100_kb_and_no_second(report):
    large = made(report, 1_000_000, organizations=20_000)
    render(report, Language.EN)
    started = time.process_time()
    page = render(large, Language.EN)
    seconds = time.process_time() - started
    assert len(page.encode()) < 100_000
    assert seconds < 4 * seconds_to_sort(large)


@pytest.mark.slow
def test_a_million_unknown_pairs_do_not_take_longer(report):
    large = made(report, 1_000_000, change="UNKNOWN")
    started = time.process_time()
    page = render(large, Language.ZH)
    seconds = time.process_time() - started
    assert len(page.encode()) < 100_000
    assert seconds < 4 * seconds_to_sort(large)


@pytest.mark.parametrize(("count", "shown"), [(99, 99), (100, 100), (101, 100), (2_000, 100)])
def test_at_most_a_hundred_changed_pairs_are_listed(report, count, shown):
    page = render(made(report, count), Language.EN)
    assert len(cells(page, "pairs")) == 1 + shown
    assert f"{shown} of {count:,}, losses first" in page


def test_carried_columns_are_not_shown(report):
    assert "class" in report.rows.columns
    for language in LANGUAGES:
        texts = Reader(render(report, language)).texts
        assert not [text for text in texts if "k-a" in text.split()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_numbers_on_the_page_are_those_of_the_summary(report, language):
    counts = Reader(render(report, language)).counts
    assert len(counts) == 65
    for name, shown in counts.items():
        expected = report.about["summary"]
        for part in name.split("."):
            expected = expected[part]
        assert number(shown) == expected, name


def test_the_order_is_warnings_headline_verdict_then_the_numbers(night):
    report = night({f"A/{i}": "ON" for i in range(10)}, {"A/0": "UNKNOWN"}, extra_lines=",A,x\n")
    reasons = Verdict((TooMuchUnknown(unknown=1, invalid=1, pairs=1, allowed=0.01),)).to_json()
    run = report.about["run"] | {"exit_code": INCOMPLETE, "reasons": reasons}
    about = report.about | {"run": run}
    page = render(replace(report, metadata=Metadata.from_json(about)), Language.EN)
    said = [
        "9 of 10 pairs of the last report",
        "1 input lines hold no pair",
        "of 1 pairs 0 are ON",
        "The run ended with exit code 3. 1 of 1 pairs have no answer and 1 input lines are invalid",
        *(f'<h2 id="{each}"' for each in ("states", "transitions", "rollups", "changes")),
        *(f'<h2 id="{each}"' for each in ("organizations", "trend", "pairs", "unknown")),
        *(f'<h2 id="{each}"' for each in ("controls", "run", "invalid", "columns", "reading")),
    ]
    places = [page.index(each) for each in said]
    assert places == sorted(places)


def test_a_success_has_no_verdict_and_no_warning(report_of, nights):
    page = render(report_of({f"A/o{1:027}": "ON"}, nights[0]), Language.EN)
    assert 'class="verdict"' not in page
    assert 'class="warning"' not in page


def test_net_changes_are_shown_where_there_is_a_baseline(report, report_of, nights):
    assert "<b>+1</b> since 2025-03-03" in render(report, Language.EN)
    assert "since" not in Reader(render(report_of({"A/a": "ON"}, nights[0]), Language.EN)).texts


def test_times_are_those_of_the_runs_zone(report):
    rows = cells(render(report, Language.EN), "pairs")
    assert rows[1] == ["A", "a", "CLOSED", "ON → OFF", "2025-01-02 11:04:05", "2025-03-04 10:00:00"]
    assert "Times in Asia/Shanghai" in render(report, Language.EN)


def test_what_is_not_there_is_shown_as_such(report):
    gone = cells(render(report, Language.EN), "pairs")[-2]
    assert gone == ["B", "gone", "DROPPED", "ON → –", "", ""]


def test_at_most_twenty_invalid_lines_are_listed(report):
    rows = cells(render(report, Language.EN), "invalid")
    assert len(rows) == 21
    assert rows[1] == ["7", "openid is empty"]
    assert "20 of 30" in render(report, Language.EN)


def test_unknowns_are_told_by_reason_age_and_answer(night):
    report = night({"A/a": "UNKNOWN", "A/b": "ON"}, {"A/a": "UNKNOWN", "A/b": "UNKNOWN"})
    rows = cells(render(report, Language.EN), "unknown")
    assert ["TIMEOUT", "2", "no answer in time"] in rows
    assert ["1", "1", "50.0 %"] in rows
    assert ["2-3", "1", "50.0 %"] in rows
    assert ["TIMEOUT", "–", "–", "2"] in rows


def test_a_control_that_fails_stands_out(report):
    about = report.about
    broken = [about["controls"][0] | {"holds": False}, *about["controls"][1:]]
    page = render(
        replace(report, metadata=Metadata.from_json(about | {"controls": broken})), Language.EN
    )
    count = len(broken)
    assert f"{count - 1} of {count} controls hold" in page
    assert page.count('class="fails"') == 1
    assert page.count("✓") == count - 1


def test_organizations_are_those_that_moved_most_and_the_rest_together(report):
    large = made(report, 5_000, organizations=60)
    rows = cells(render(large, Language.EN), "organizations")[1:]
    assert len(rows) == 21
    changed = [number(row[8]) for row in rows[:-1]]
    assert changed == sorted(changed, reverse=True)
    assert rows[-1][0] == "40 others together"
    assert sum(number(row[2]) for row in rows) == large.summary.pairs
    for at, state in enumerate(State, 3):
        assert sum(number(row[at]) for row in rows) == large.summary.states[state]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_report_can_be_shown(night, report_of, nights, report, language):
    """None before, no change, nothing known, one run and ninety, every change and reason."""
    same = {f"A/o{at:027}": "ON" for at in range(3)}
    reports = [
        report_of(same, nights[0]),
        night(same, same),
        report_of(dict.fromkeys(same, "UNKNOWN"), nights[0]),
        made(report, 50, runs=1),
        made(report, 50, runs=90),
        made(report, 50, change="UNCHANGED"),
    ]
    rows = made(report, len(UnknownReason), change="UNKNOWN").rows.copy()
    rows["unknown_reason"] = pd.Categorical(list(UnknownReason), ROWS["unknown_reason"].categories)
    summary = summarize(rows, baseline_run_date=None).to_json()
    listed = [{"line": 1, "reason": reason} for reason in Reason]
    about = report.about | {
        "summary": summary,
        "input": report.about["input"] | {"invalid": 11, "invalid_lines": listed},
        "run": report.about["run"] | {"exit_code": 10},
    }
    reports.append(replace(report, rows=rows, metadata=Metadata.from_json(about)))
    for each in reports:
        page = render(each, language)
        assert f'lang="{"zh-CN" if language is Language.ZH else "en"}"' in page
        assert len(Reader(page).ids) == len(set(Reader(page).ids))


def test_no_label_lacks_its_chinese():
    environment = jinja2.Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    source = files("jobs.render.html").joinpath("page.html.j2").read_text(encoding="utf-8")
    found = (message for _, _, message in environment.extract_translations(source))
    labels = {message for message in found if message}  # not those that are a variable
    labels |= {each.meaning.en for each in (*COLUMNS, *Change, *State, *UnknownReason)}
    labels |= set(CONTROLS.values()) | set(Reason) | LABELS
    assert len(labels) > 100
    assert labels - set(CHINESE) == set()


def test_a_chinese_label_has_the_same_places_as_the_english_one():
    for english, chinese in CHINESE.items():
        assert sorted(re.findall(r"\{[^}]*\}", chinese)) == sorted(
            re.findall(r"\{[^}]*\}", english)
        ), english


def test_no_english_sentence_is_left_on_the_chinese_page(report):
    """But for the controls' equations, which are the metadata's."""
    page = render(report, Language.ZH)
    body = re.sub(r"<pre.*?</pre>|<td lang=en>[^<]*|<style>.*?</style>", "", page, flags=re.DOTALL)
    english = re.compile(r"[a-z]{2,}(?: [a-z]{2,}){1,}")
    assert [text for text in Reader(body).texts if english.search(text)] == []


def test_every_control_and_change_has_its_name(report):
    assert {each.name for each in report.controls} == set(CONTROLS)
    assert set(LISTED) | {"UNKNOWN", "ABSENT", "UNCHANGED"} == set(Change)


def test_the_uncertainty_of_the_authorization_time_is_told(report):
    assert "not yet seen against the live service" in render(report, Language.EN)
    assert "尚未在线上服务中得到验证" in render(report, Language.ZH)


def test_the_ways_to_read_the_file_that_it_shows_work(report, tmp_path, monkeypatch, capsys):
    page = render(report, Language.EN)
    shown = {
        name: html.unescape(re.search(rf'id="{name}">(.*?)</pre>', page, re.DOTALL)[1])
        for name in ("pandas", "duckdb")
    }
    write_parquet(report, tmp_path / "report.parquet")
    monkeypatch.chdir(tmp_path)
    exec(shown["pandas"], {})  # noqa: S102 - it is what a reader would do
    printed = capsys.readouterr().out
    assert str(report.summary.states) in printed
    counts, about = shown["duckdb"].split(";\n\n")
    found = duckdb.sql(counts).fetchall()
    assert {(o, s): n for o, s, n in found} == {
        (name, state): count
        for name, own in report.summary.by_organization.items()
        for state, count in own.states.items()
        if count
    }
    assert report.run_id in duckdb.sql(about).fetchall()[0][0]


def test_it_is_written_as_utf_8(report):
    file = io.BytesIO()
    write_html(report, file, Language.ZH)
    assert file.getvalue().decode() == render(report, Language.ZH)
    assert file.getvalue().startswith(b"<!doctype html>\n<html")


# --- what is picked for the page ---------------------------------------------------------------


def test_pairs_are_picked_losses_first_and_in_the_reports_order(report):
    large = made(report, 500)
    picked = changed_pairs(large.rows, 300)
    order = [list(LISTED).index(change) for change in picked["change"]]
    assert order == sorted(order)
    closed = picked[picked["change"] == "CLOSED"]
    assert closed.index.is_monotonic_increasing
    assert len(closed) == large.summary.changes["CLOSED"]


def test_ages_are_counted_of_unknown_pairs_only(report):
    rows = made(report, 9, change="UNKNOWN").rows.assign(
        unknown_runs=pd.array([1, 2, 3, 4, 7, 8, 400, pd.NA, 1], dtype="Int16")
    )
    rows.loc[8, "state"] = "ON"
    assert unknown_ages(rows) == {"1": 2, "2-3": 2, "4-7": 2, "> 7": 2}


def test_failures_are_counted_the_most_frequent_first(report):
    rows = made(report, 6, change="UNKNOWN").rows.assign(
        unknown_reason=pd.Categorical(["REFUSED"] * 3 + ["TIMEOUT"] * 3),
        http_status=pd.array([403, 403, 403, pd.NA, pd.NA, 200], dtype="Int16"),
        error_code=pd.Categorical(["NO_AUTH", "NO_AUTH", "SIGN", None, None, None]),
    )
    assert failures(conform(rows, ROWS), 3) == [
        ("TIMEOUT", None, None, 2),
        ("REFUSED", 403, "NO_AUTH", 2),
        ("TIMEOUT", 200, None, 1),
    ]


def test_the_others_are_nothing_where_all_organizations_are_shown(report):
    found = most_moved(report.summary, 25)
    assert (found.others, found.rest.pairs) == (0, 0)
    assert [name for name, _ in found.shown] == ["A", "B"]
    assert moved(found.shown[0][1]) == 3  # CLOSED, REOPENED, FIRST_SEEN; UNKNOWN has not moved


# --- trend -------------------------------------------------------------------------------------


def test_a_night_without_a_run_leaves_a_gap():
    first = date(2026, 11, 1)
    at = places([first, first + timedelta(1), first + timedelta(4)])
    assert at[0] < at[1] < at[2]
    assert at[2] - at[1] == 3 * (at[1] - at[0])


def test_a_single_run_stands_in_the_middle():
    at = places([date(2026, 11, 1)])
    assert at == [500]
    assert line([7], at).path == "M500 50"


def test_a_line_reaches_from_its_lowest_to_its_highest():
    own = line([5, 1, 9], [0, 500, 1000])
    assert own.path == "M0 50l500 42 500-84"
    assert own.end == "M1000 8h0"
    assert (own.first, own.last, own.lowest, own.highest) == (5, 9, 1, 9)


def test_bars_go_up_or_down_and_what_is_nothing_has_none():
    assert bars([0, 10, 5], [1, 2, 3], highest=10) == "M2 50v-48M3 50v-24"
    assert bars([1], [1], highest=10_000, down=True) == "M1 50v1"
    assert bars([0], [1], highest=0) == ""


def test_the_bars_of_the_trend_are_gain_and_loss_of_each_run(report):
    """Not sums of classes, which do not tell how many of the CLEARED were ON."""
    first = report.about["history"][0]
    history = [
        first | {"run_date": f"2025-02-0{day}", "gain": gain, "loss": loss}
        for day, gain, loss in ((1, 7, 0), (2, 0, 1_002), (3, 30, 4))
    ]
    page = render(
        with_members(report, {"history": history}),
        Language.EN,
    )
    at = places([date(2025, 2, day) for day in (1, 2, 3)])
    assert "37 gained, 1,006 lost; at most 1,002 in one run." in page
    assert bars([7, 0, 30], at, highest=1_002) in page
    assert bars([0, 1_002, 4], at, highest=1_002, down=True) in page
