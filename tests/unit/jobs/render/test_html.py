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
    largest,
    most_moved,
)
from jobs.render.html.page import DEFINITIONS, render, write_html
from jobs.render.language import Language
from jobs.render.text import CONTROLS
from jobs.render.translations import CHINESE
from jobs.report.info import Metadata
from jobs.report.parquet import write_parquet
from jobs.schema import COLUMNS, ROWS, Change, State, UnknownReason, conform
from tests.night import CLUSTER, with_members
from tests.parted import parted

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
        if tag == "h2" or (tag == "details" and "id" in given):
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


def all_counts(report):
    """Yield the name of each count of the summary that a page shows where it is not 0."""
    summary = report.about["summary"]
    yield from ((name, summary[name]) for name in ("gain", "loss", "hidden"))
    for name in ("states", "known", "changes", "unknown_reasons"):
        yield from ((f"{name}.{part}", count) for part, count in summary[name].items())
    for name in ("transitions", "roll_forward"):
        for state, row in summary[name].items():
            yield from ((f"{name}.{state}.{part}", count) for part, count in row.items())


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
        content=rows,
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
    baseline = {"run_id": "r", "run_date": "2025-03-02", "sha256": "0" * 64, "pairs": 4}
    before = made(report_of({"A/a": "ON"}, nights[0]), 2, change="CLOSED")
    plain = render(with_members(before, {"baseline": baseline}), language)
    report = made(report_of({"A/a": "ON"}, nights[0], name=hostile), 4, change="CLOSED")
    rows = report.rows.copy()
    rows["openid"] = hostile
    rows["organization_id"] = pd.Categorical([hostile] * 3 + ["other"])
    rows.loc[3, ["state", "change", "unknown_reason"]] = ["UNKNOWN", "UNKNOWN", "REFUSED"]
    rows["error_code"] = pd.Categorical([hostile] * 4)
    summary = summarize(rows, baseline_run_date=None).to_json()
    about = report.about | {"summary": summary, "gateway": {"kind": hostile, "mchid": hostile}}
    about["input"] = about["input"] | {
        "invalid": 1, "invalid_lines": [{"line": 1, "reason": hostile}]
    }  # fmt: skip
    about["baseline"] = baseline | {"run_id": hostile, "sha256": hostile}
    page = render(replace(report, content=rows, metadata=Metadata.from_json(about)), language)
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


@pytest.mark.manual
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
    for name, shown in counts.items():
        expected = report.about["summary"]
        for part in name.split("."):
            expected = expected[part]
        assert number(shown) == expected, name
    assert {name for name, count in all_counts(report) if count} <= counts.keys()


def test_the_order_is_verdict_serious_warnings_headline_losses_and_the_same_things_last(night):
    before = {f"A/{i}": "ON" for i in range(9)} | {"B/0": "ON"}
    report = night(before, {"A/0": "UNKNOWN", "B/0": "OFF"}, extra_lines=",A,x\n")
    reasons = Verdict((TooMuchUnknown(unknown=1, invalid=1, pairs=1, allowed=0.01),)).to_json()
    run = report.about["run"] | {"exit_code": INCOMPLETE, "reasons": reasons}
    about = report.about | {"run": run}
    page = render(replace(report, metadata=Metadata.from_json(about)), Language.EN)
    said = [
        "The run ended with exit code 3. 1 of 1 pair has no answer and 1 input line is invalid",
        "8 of 10 pairs of the last report",
        "of 2 pairs 0 are ON",
        *(f'<h2 id="{each}"' for each in ("states", "organizations", "transitions", "changes")),
        *(f'<h2 id="{each}"' for each in ("trend", "pairs", "unknown", "invalid")),
        *(f'<h2 id="{each}"' for each in ("controls", "run", "reference")),
        *(f'<details id="{each}"' for each in ("words", "columns", "reading")),
    ]
    text = page.replace("<span class=date>", "").replace("</span>", "")
    places = [text.index(each) for each in said]
    assert places == sorted(places)


def test_a_success_has_no_verdict_and_no_warning(report_of, nights):
    page = render(report_of({f"A/o{1:027}": "ON"}, nights[0]), Language.EN)
    assert 'class="verdict"' not in page
    assert 'class="warning"' not in page


def test_net_changes_are_shown_where_there_is_a_baseline(report, report_of, nights):
    assert "<b>+1</b> since <span class=date>2025-03-03" in render(report, Language.EN)
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
    assert "<details class=controls-list open>" in page
    assert page.count("✓") == count - 1


def test_organizations_are_those_that_moved_most_and_the_rest_together(report):
    large = made(report, 5_000, organizations=60)
    rows = cells(render(large, Language.EN), "organizations")[1:]
    assert len(rows) == 21
    lost = [number(row[1]) for row in rows[:-1]]
    assert lost == sorted(lost, reverse=True)
    assert rows[-1][0] == "40 others together"
    for at, total in enumerate([large.summary.loss, large.summary.gain], 1):
        assert sum(number(row[at]) for row in rows) == total
    assert all(number(row[3]) == number(row[2]) - number(row[1]) for row in rows)
    for at, state in enumerate(State, 7):
        assert sum(number(row[at]) for row in rows) == large.summary.states[state]
    assert sum(number(row[11]) for row in rows) == large.summary.pairs
    hidden, new, dropped = (sum(number(row[at]) for row in rows) for at in (12, 13, 14))
    changes = large.summary.changes
    assert (hidden, new) == (large.summary.hidden, changes["FIRST_SEEN"])
    assert dropped == changes["DROPPED"]


def test_an_organizations_shares_are_before_after_and_of_what_it_lost(night):
    """Of A two of three were ON and one of them is lost; of B nothing is known of before."""
    report = night(
        {"A/a": "ON", "A/b": "ON", "A/c": "OFF"},
        {"A/a": "OFF", "A/b": "UNKNOWN", "A/c": "OFF", "B/d": "ON"},
    )
    rows = cells(render(report, Language.EN), "organizations")
    assert rows[0][:7] == [
        "organization_id", "lost", "gained", "net", "share ON before", "share ON after",
        "share lost",
    ]  # fmt: skip
    assert rows[1][:7] == ["A", "1", "0", "-1", "66.7 %", "33.3 %", "50.0 %"]
    assert rows[2][:7] == ["B", "0", "0", "0", "–", "100.0 %", "–"]


def test_counts_that_an_earlier_version_did_not_write_are_shown_as_unknown(report):
    about = report.about
    own = {
        name: {part: counts[part] for part in ("pairs", "states", "changes")}
        for name, counts in about["summary"]["by_organization"].items()
    }
    summary = about["summary"] | {"by_organization": own}
    page = render(with_members(report, {"summary": summary}), Language.EN)
    assert cells(page, "organizations")[1][:7] == ["A", "–", "1", "–", "–", "–", "–"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_report_says_so_and_shows_no_changes(report_of, nights, language):
    page = render(report_of({"A/a": "ON", "B/b": "OFF"}, nights[0]), language)
    said = {"en": "No comparison: this is the first report.", "zh": "这是第一份报告"}
    assert said[language] in page
    assert not {"transitions", "changes", "trend", "unknown"} & set(Reader(page).ids)
    assert page[page.index('<h2 id="pairs"') :].split("</h2>\n")[1].startswith("<details><summary>")
    assert cells(page, "organizations")[1] == ["A", "100.0 %", "1", "0", "0", "0", "1"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_quiet_night_says_so_and_has_no_table_of_zeros(night, language):
    same = {"A/a": "ON", "B/b": "OFF"}
    page = render(night(same, same), language)
    text = "".join(Reader(page).texts)
    said = {"en": "Nothing changed since 2025-03-03.", "zh": "自 2025-03-03 以来没有任何变化。"}
    assert said[language] in text
    assert not {"transitions", "changes", "pairs", "unknown"} & set(Reader(page).ids)
    assert len(cells(page, "organizations")) == 3


def test_where_nobody_answered_it_shows_what_was_last_known(night):
    known = {"A/a": "ON", "A/b": "ON", "B/c": "OFF"}
    page = render(night(known, dict.fromkeys(known, "UNKNOWN")), Language.EN)
    reader = Reader(page)
    assert "No pair has a valid answer in this run." in page
    assert "Nothing changed" not in page
    assert {n: c for n, c in reader.counts.items() if n.startswith(("states", "known"))} == {
        "states.UNKNOWN": "3", "known.ON": "2", "known.OFF": "1",
    }  # fmt: skip
    assert cells(page, "organizations")[1] == ["A", "2", "100.0 %", "2"]
    assert not {"transitions", "changes", "pairs"} & set(reader.ids)


def test_one_organization_is_named_and_none_is_said(night, report):
    page = render(night({"A/a": "ON"}, {"A/a": "OFF"}), Language.EN)
    assert 'All pairs are of one organization: <b class="id">A</b>' in page
    assert "organizations" not in Reader(page).rows
    summary = report.about["summary"] | {"by_organization": {}}
    assert "There is no organization" in render(
        with_members(report, {"summary": summary}), Language.EN
    )


def test_losses_come_first_in_every_list(report):
    page = render(made(report, 500), Language.EN)
    changes = [row[0] for row in cells(page, "changes")[1:]]
    assert changes[:2] == ["CLOSED", "CLEARED"]
    assert page.index(">lost<") < page.index(">gained<")


def test_states_changes_and_reasons_are_chinese_on_the_chinese_page(report):
    page = render(report, Language.ZH)
    assert cells(page, "pairs")[0] == [
        "机构",
        "openid",
        "变更",
        "此前 → 本次",
        "授权时间",
        "应答时间",
    ]
    assert cells(page, "pairs")[1][2:4] == ["关闭", "已开通 → 已关闭"]
    assert [cell.split()[0] for cell in cells(page, "transitions")[0][1:]] == [
        "已开通", "已关闭", "未授权", "未知", "不在本次名单"
    ]  # fmt: skip
    assert "超时" in cells(page, "unknown")[1][0]
    assert "新增" not in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_the_same_every_night_is_folded_away_at_the_end(report, language):
    page = render(report, language)
    start = page.index('<h2 id="reference"')
    assert page.index('id="columns"') > start
    assert "<details open" not in page
    assert page.count("<details") == 4
    assert page.count("<summary>") == 4


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
    reports.append(replace(report, content=rows, metadata=Metadata.from_json(about)))
    for each in reports:
        page = render(each, language)
        assert f'lang="{"zh-CN" if language is Language.ZH else "en"}"' in page
        assert len(Reader(page).ids) == len(set(Reader(page).ids))


@pytest.mark.parametrize(
    ("language", "fact"),
    [
        (
            Language.EN,
            (
                "<dt>workers<dd>3, 1 of them lost; lent at most 1,300 requests a second; "
                "7 pairs asked twice"
            ),
        ),
        (
            Language.ZH,
            (
                "<dt>工作进程<dd>3 个，其中 1 个中途退出；合计每秒最多借出 1,300 次请求；"
                "7 条查询了两次"
            ),
        ),
    ],
)
def test_workers_are_told_of_where_they_asked(report, language, fact):
    assert fact not in render(report, language)
    assert fact in render(with_members(report, {"cluster": CLUSTER}), language)


def test_no_label_lacks_its_chinese():
    environment = jinja2.Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    sources = [each for each in files("jobs.render.html").iterdir() if each.name.endswith(".j2")]
    assert len(sources) > 10
    found = (
        message
        for source in sources
        for _, _, message in environment.extract_translations(source.read_text(encoding="utf-8"))
    )
    labels = {message for message in found if message}  # not those that are a variable
    labels |= {each.meaning.en for each in (*COLUMNS, *Change, *State, *UnknownReason)}
    labels |= set(CONTROLS.values()) | set(Reason) | LABELS | set(DEFINITIONS)
    labels |= {*Change, *State, *UnknownReason}
    assert len(labels) > 100
    assert labels - set(CHINESE) == set()


def test_a_chinese_label_has_the_same_places_as_the_english_one():
    for english, chinese in CHINESE.items():
        assert sorted(re.findall(r"\{[^}|]*\}", chinese)) == sorted(
            re.findall(r"\{[^}|]*\}", english)
        ), english


def test_no_english_sentence_is_left_on_the_chinese_page(report):
    """But for the controls' equations, which are the metadata's."""
    page = render(report, Language.ZH)
    body = re.sub(r"<pre.*?</pre>|<td lang=en>[^<]*|<style>.*?</style>", "", page, flags=re.DOTALL)
    english = re.compile(r"[a-z]{2,}(?: [a-z]{2,}){1,}")
    assert [text for text in Reader(body).texts if english.search(text)] == []


def test_every_control_and_change_has_its_name(report):
    """The control of the parts is that of a report in parts only."""
    assert {each.name for each in parted(report, 2).controls} == set(CONTROLS)
    assert {each.name for each in report.controls} == set(CONTROLS) - {"parts"}
    assert set(LISTED) | {"UNKNOWN", "ABSENT", "UNCHANGED"} == set(Change)


def test_the_uncertainty_of_the_authorization_time_is_told_at_the_end(report):
    """Not among the numbers of the night: it is the same every night."""
    told = {
        Language.EN: "not yet seen against the live service",
        Language.ZH: "尚未在线上服务中得到验证",
    }
    for language, sentence in told.items():
        page = render(report, language)
        assert page.count(sentence) == 1
        assert page.index(sentence) > page.index('<details id="words"')


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


def test_the_others_are_nothing_where_all_organizations_are_shown(report):
    found = most_moved(report.summary, 25)
    assert (found.others, found.rest.pairs) == (0, 0)
    assert [name for name, _ in found.shown] == ["A", "B"]
    assert [name for name, _ in largest(report.summary, 1).shown] == ["A"]
