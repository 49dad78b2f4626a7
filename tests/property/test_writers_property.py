"""No value that an answer, an input or an old report can hold ends the writing of a report."""

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import Phase
from hypothesis import strategies as st

from jobs.render import FORMATS, writer_of
from jobs.render.excel.workbook import write_excel
from jobs.render.language import Language
from jobs.report.info import Metadata
from jobs.report.parquet import read_parquet
from jobs.schema import ROWS, carried_columns
from tests.examples import some_or_all, try_examples
from tests.unit.jobs.conftest import _report_of

_NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # a whole report shrinks for minutes
TIMES = [name for name, kind in ROWS.items() if "datetime" in str(kind)]
WHOLE = {"unknown_runs": 15, "http_status": 15, "attempts": 15, "input_line": 63,
         "input_duplicates": 31}  # fmt: skip
CLASSES = ["change", "state", "known_state", "previous_state", "unknown_reason"]
TEXTS = ["organization_id", "openid", "error_code", "request_id", "class"]
YEAR_1, YEAR_10000 = -62_135_596_800_000, 253_402_300_800_000
LEAST, MOST = np.iinfo("int64").min, np.iinfo("int64").max  # the least is no time

times = st.one_of(
    st.sampled_from(
        [LEAST, LEAST + 1, YEAR_1 - 1, YEAR_1, YEAR_10000 - 1, YEAR_10000, MOST, -1, 0]
    ),
    st.integers(LEAST, MOST),
    st.integers(946_684_800_000 - 2, 4_102_444_800_000 + 2),
)
texts = st.one_of(
    st.sampled_from(
        [
            "", "\0", "\x1b[31m", "\r\n", "￾￿", "\u2028\u202e", "_x0041_", "=1+1", "'=1",
            '","', "<script>", "]]>", "http://x/" + "y" * 3_000, "😀" * 20_000, "x" * 40_000, " a ",
            "nan", "NULL",
        ]
    ),
    st.text(st.characters(codec="utf-8"), max_size=12),
)  # fmt: skip
zones = st.sampled_from(
    ["Asia/Shanghai", "Pacific/Kiritimati", "America/Los_Angeles", "UTC", "No/Such_Zone", "/", ""]
)
dates = st.sampled_from([dt.date.min, dt.date(1899, 12, 31), dt.date(2025, 3, 3), dt.date.max])


def rows_of(draw, count):
    """Return rows of a report with anything at all in every column."""

    def column(values):
        return draw(st.lists(values, min_size=count, max_size=count))

    columns = {}
    for name, kind in ROWS.items():
        if name in TIMES:
            drawn = np.array(column(times), "int64").view("datetime64[ms]")
            columns[name] = pd.Series(drawn).dt.tz_localize("UTC") if "UTC" in str(kind) else drawn
        elif name in WHOLE:
            bound = 2 ** WHOLE[name]
            columns[name] = pd.array(column(st.integers(-bound, bound - 1) | st.none()), kind)
        elif name in CLASSES:
            drawn = column(
                st.sampled_from([*kind.categories, *([] if name == "change" else [None])])
            )
            columns[name] = pd.Categorical(drawn, dtype=kind)
        elif name in TEXTS:
            nothing = [] if name in {"organization_id", "openid"} else [st.none()]
            columns[name] = pd.Series(column(st.one_of(texts, *nothing)), dtype="str").astype(kind)
        if name == "openid":
            columns["class"] = pd.Series(column(texts), dtype=ROWS["openid"])
    return pd.DataFrame(columns)


@st.composite
def reports(draw):
    """Return a report whose rows, names and dates are as odd as its file can hold them."""
    base = _report_of({"A/a": "ON", "A/b": "OFF", "B/c": "UNKNOWN"}, dt.date(2025, 3, 3))
    about = base.about
    day = draw(dates)
    run = about["run"] | {
        "timezone": draw(zones),
        "date": day.isoformat(),
        "started": f"{draw(dates)}T00:00:00.000+00:00",
        "finished": f"{draw(dates)}T23:59:59.999+00:00",
        "verdict": [draw(texts)],
    }
    counts = about["summary"]["by_organization"].values()
    names = draw(st.lists(texts, min_size=len(counts), max_size=len(counts), unique=True))
    organizations = dict(zip(names, counts, strict=True))
    history = [each | {"run_date": day.isoformat()} for each in about["history"]]
    changes = dict.fromkeys(about["summary"]["changes"], 0) | {"FIRST_SEEN": 6}
    summary = about["summary"] | {"by_organization": organizations, "changes": changes}
    source = about["input"] | {"name": draw(texts)}
    odd = {"run": run, "input": source, "history": history, "summary": summary}
    return replace(base, content=rows_of(draw, 6), metadata=Metadata.from_json(about | odd))


def written(report, name, language):
    file = io.BytesIO()
    writer_of(name)(report, file, language)
    return file.getvalue()


def cells_of(file):
    """Return the cells of the long sheets; openpyxl takes that mark off in one of two places."""
    return [
        cell.replace("x005F_", "") if isinstance(cell, str) else cell
        for sheet in openpyxl.load_workbook(file).worksheets[-3:-1]
        for row in sheet.iter_rows(values_only=True)
        for cell in row
    ]


@some_or_all(5, 40)
def test_every_format_is_written_whatever_the_report_holds(tmp_path_factory, examples):
    def holds(report, language):
        assert_every_format_is_written(tmp_path_factory, report, language)

    languages = st.sampled_from(list(Language))
    try_examples(examples, holds, reports(), languages, phases=_NO_SHRINKING)


def assert_every_format_is_written(tmp_path_factory, report, language):
    report = replace(report, show=tuple(carried_columns(report.rows.columns, ROWS)))
    files = {name: written(report, name, language) for name in FORMATS}
    path = tmp_path_factory.getbasetemp() / "odd.parquet"
    path.write_bytes(files["parquet"])
    pd.testing.assert_frame_equal(read_parquet(path).rows, report.rows)

    text = files["csv"].decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(text, newline="")))
    assert [len(line) for line in lines] == [len(report.rows.columns)] * (len(report.rows) + 1)

    HTMLParser().feed(files["html"].decode())
    file = io.BytesIO()
    write_excel(report, file, language, many_rows=0)
    assert cells_of(io.BytesIO(files["xlsx"])) == cells_of(file)


@pytest.mark.parametrize("name", ["authorize_time", "answered_at"])
@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (YEAR_1, "0001-01-01 00:00:00 UTC"),
        (YEAR_10000 - 1, "9999-12-31 23:59:59 UTC"),
        (YEAR_10000, "10000-01-01 00:00:00 UTC"),
        (MOST, "292278994-08-17 07:12:55 UTC"),
        (946_684_799_999, "1999-12-31 23:59:59 UTC"),
        (4_102_444_800_000, "2100-01-01 00:00:00 UTC"),
    ],
)
def test_a_time_outside_2000_to_2100_is_shown_as_text(tmp_path, name, moment, shown):
    report = _report_of({"A/a": "ON"}, dt.date(2025, 3, 3))
    time = pd.Series([np.int64(moment).view("datetime64[ms]")]).dt.tz_localize("UTC")
    report = replace(report, content=report.rows.assign(**{name: time}))
    book = openpyxl.load_workbook(io.BytesIO(written(report, "xlsx", Language.EN)))
    heading, row = book["Changes"].iter_rows(values_only=True)
    assert row[heading.index(f"{name} (Asia/Shanghai)")] == shown
    assert f"<td>{shown}" in written(report, "html", Language.EN).decode()
    path = tmp_path / "report.parquet"
    path.write_bytes(written(report, "parquet", Language.EN))
    assert read_parquet(path).rows[name].to_numpy("datetime64[ms]").view("int64").tolist() == [
        moment
    ]


@pytest.mark.manual
def test_columns_that_excel_has_no_room_for_are_left_out_and_it_says_so():
    report = _report_of({"A/a": "ON"}, dt.date(2025, 3, 3))
    many = pd.DataFrame({f"c{at}": pd.Series(["x"], dtype=ROWS["openid"]) for at in range(16_384)})
    rows = pd.concat([report.rows, many], axis="columns")
    shown = tuple(carried_columns(rows.columns, ROWS))
    book = openpyxl.load_workbook(
        io.BytesIO(written(replace(report, content=rows, show=shown), "xlsx", Language.EN)),
        read_only=True,
    )
    warning, heading, row = book["Changes"].iter_rows(values_only=True)
    assert warning[0] == (
        "16 more columns do not fit on a sheet of Excel; Parquet and CSV have them all."
    )
    assert len(heading) == 16_384
    assert heading[-1] == "input_duplicates"
    assert row[-1] == 0
