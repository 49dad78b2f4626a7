"""``palm-report`` of some people, by a column, redacted, and of rows that others wrote."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import duckdb
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest

from jobs.render import FORMATS
from jobs.report.metadata import CHECKSUMS
from jobs.report.model import KEY
from jobs.report.parquet import read_parquet, write_parquet
from tests.several_nights import FIRST, report_of_night, several_nights

NAMES = [f"part.{suffix}" for suffix in FORMATS]
COUNTED = ("pairs", "ON", "gained", "lost")
"""Columns of the sheet By column, as they are compared with DuckDB's."""
EVERY_FORMAT = [word for name in NAMES for word in ("-o", name)]


@pytest.fixture(scope="module")
def nights():
    return [each.report for each in several_nights(11, people=120, nights=4)]


@pytest.fixture
def stored(folder, nights):
    """Write the first and the last night, and return the last."""
    write_parquet(nights[0], Path("A.parquet"))
    write_parquet(nights[-1], Path("B.parquet"))
    return nights[-1]


def bytes_of(path):
    """Return all that is in a file, unpacked where it is a workbook or has columns."""
    content = Path(path).read_bytes()
    if path.endswith(".xlsx"):
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            return b"\n".join(book.read(name) for name in book.namelist())
    if path.endswith(".parquet"):
        table = pq.read_table(path)
        dictionaries = [
            str(chunk.dictionary.to_pylist())
            for column in table.columns
            for chunk in column.chunks
            if hasattr(chunk, "dictionary")
        ]
        said = [str(table.to_pydict()), str(pq.read_metadata(path).metadata), *dictionaries]
        file = pq.ParquetFile(path).metadata
        for group in range(file.num_row_groups):
            said += [str(file.row_group(group).to_dict())]
        return content + "\n".join(said).encode()
    return content


@pytest.mark.parametrize("source", [["B.parquet"], ["A.parquet", "B.parquet"]])
@pytest.mark.parametrize(
    ("given", "mine"),
    [
        (["--organization", "0042"], lambda rows: rows["organization_id"] == "0042"),
        (["--where", "class=class 2"], lambda rows: rows["class"] == "class 2"),
        (
            ["--organization", "0042", "--organization", "1001", "--where", "class=class 2"],
            lambda rows: (
                rows["organization_id"].isin(["0042", "1001"]) & (rows["class"] == "class 2")
            ),
        ),
    ],
)
def test_nobody_else_is_in_the_bytes_of_any_format(show, stored, source, given, mine):
    assert show(*source, *given, *EVERY_FORMAT).code == 0
    rows = stored.rows
    wanted = mine(rows)
    others, own = set(rows["openid"][~wanted]), set(rows["openid"][wanted])
    ids = set(rows["organization_id"]) - set(rows["organization_id"][wanted])
    classes = set(rows["class"]) - set(rows["class"][wanted])
    for name in NAMES:
        content = bytes_of(name)
        assert not [each for each in others if each.encode() in content], name
        assert not [each for each in classes if each.encode() in content], name
        for each in ids:
            assert f'"{each}"'.encode() not in content, name
            assert f">{each}<".encode() not in content, name
            assert f"'{each}'".encode() not in content, name
        assert b"pairs.csv" not in content, name
    part = read_parquet(Path("part.parquet"))
    if len(source) == 1:
        assert set(part.rows["openid"]) == own
    people = openpyxl.load_workbook("part.xlsx")["People"]
    assert people.max_row - 1 == len(part.rows)
    assert all(control.holds for control in part.controls)
    assert not {"input", "asking", "history"} & part.about.keys()


def test_the_counts_are_those_that_duckdb_counts_of_these_people(show, stored):
    assert show("B.parquet", "--organization", "1001", "-o", "part.json").code == 0
    summary = json.loads(Path("part.json").read_text(encoding="utf-8"))["summary"]
    rows = "FROM 'B.parquet' WHERE organization_id = '1001'"
    states = dict(
        duckdb.sql(f"SELECT state, count(*) {rows} AND state IS NOT NULL GROUP BY 1").fetchall()
    )
    changes = dict(duckdb.sql(f"SELECT change, count(*) {rows} GROUP BY 1").fetchall())
    assert {k: v for k, v in summary["states"].items() if v} == states
    assert {k: v for k, v in summary["changes"].items() if v} == changes
    assert list(summary["by_organization"]) == ["1001"]


def test_a_part_can_be_selected_from_again_and_is_never_a_baseline(show, call, stored):
    assert show("B.parquet", "--organization", "1001", "-o", "one.parquet").code == 0
    assert show("one.parquet", "--where", "class=class 1", "-o", "two.parquet").code == 0
    part = read_parquet(Path("two.parquet"))
    assert part.metadata.part.organizations == ("1001",)
    assert [str(each) for each in part.metadata.part.where] == ["class = class 1"]
    assert len(part.rows) > 0
    printed = " ".join(show("two.parquet").out.split())
    assert "Only these people are here: organization_id = 1001; class = class 1." in printed
    assert show("two.parquet", "--changes", "-o", "changes.parquet").code == 0
    assert show("changes.parquet").code == 0
    Path("p.csv").write_text("openid,organization_id\no1,0042\n")
    ended = call("p.csv", "-o", "n.parquet", "--sandbox", "--baseline", "two.parquet", "-q")
    assert ended.code == 65
    assert "two.parquet holds only some people of a report" in ended.err
    ended = show("A.parquet", "two.parquet")
    assert (ended.code, ended.out) == (2, "")


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (["--organization", "42"], "no organization '42'; did you mean 0042?"),
        (["--organization", "9999"], "no organization '9999'"),
        (["--where", "clas=1"], "no column 'clas' of the input; did you mean class?"),
        (["--where", "class"], "is not like COLUMN=VALUE"),
        (["--where", "state=ON"], "is a column of the report"),
        (["--where", "class=nobody"], "nobody in the report is selected"),
        (["--show", "name"], "no column 'name' of the input"),
        (["--show", "class", "--redact"], "contradict"),
        (["--redact", "-o", "x.csv"], "Parquet and CSV"),
        (["--redact", "-o", "x.parquet"], "Parquet and CSV"),
        (["--redact", "--changes"], "Parquet and CSV"),
        (["--split-by", "class", "-o", "x.xlsx"], "needs one folder"),
        (["--split-by", "clas", "-o", "x/"], "no column 'clas'"),
    ],
)
def test_what_is_not_in_the_report_is_refused_before_anything_is_written(show, stored, given, line):
    ended = show("B.parquet", *given)
    assert (ended.code, ended.out) == (2, "")
    assert line in ended.only_line
    assert sorted(path.name for path in Path().iterdir()) == ["A.parquet", "B.parquet"]


def odd_report(values, column="班级"):
    lines = [(f"o{i:027}", "0042", value) for i, value in enumerate(values)]
    report = report_of_night(lines, {("0042", openid): ("ON", None) for openid, *_ in lines}, FIRST)
    report = type(report)(report.rows.rename(columns={"class": column}), report.metadata)
    write_parquet(report, Path("odd.parquet"))


def test_names_and_values_may_hold_anything(show, folder):
    odd_report(["a=b", "=1", "", "x\ny", "0042"], column="班=级")
    for value, found in (("a=b", 0), ("=1", 1), ("", 2), ("0042", 4)):
        assert show("odd.parquet", "--where", f"班=级={value}", "-o", "p.parquet").code == 0
        part = read_parquet(Path("p.parquet"))
        assert list(part.rows["openid"]) == [f"o{found:027}"]


def test_each_value_has_a_workbook_whose_name_says_it(show, folder):
    odd_report(["高一(1)班", "a/b", "..", "", "x_y-z"])
    assert show("odd.parquet", "--split-by", "班级", "-o", "out/").code == 0
    names = {path.name for path in Path("out").iterdir()}
    assert names == {
        "高一%281%29班.xlsx",
        "a%2Fb.xlsx",
        "%2E%2E.xlsx",
        "(empty).xlsx",
        "x_y-z.xlsx",
    }
    for path in Path("out").iterdir():
        people = openpyxl.load_workbook(path)["People"]
        assert people.max_row == 2
    assert show("odd.parquet", "--split-by", "organization_id", "-o", "out/").code == 0
    assert Path("out/0042.xlsx").exists()


def test_a_workbook_of_some_people_counts_nobody_else_by_a_column(show, folder):
    odd_report(["class 1", "class 2"])
    given = ["--split-by", "班级", "--by", "班级", "--show", "班级"]
    assert show("odd.parquet", *given, "-o", "out/").code == 0
    for own, other in (("1", "2"), ("2", "1")):
        assert f"class {own}".encode() in bytes_of(f"out/class%20{own}.xlsx")
        assert f"class {other}".encode() not in bytes_of(f"out/class%20{own}.xlsx")


@pytest.mark.parametrize(
    ("values", "line"),
    [
        (["Ab", "aB"], "where case does not count"),
        (["é", "e\u0301"], None),
        ([str(i) for i in range(5001)], "5,001 values"),
        (["学" * 90], "too long"),
    ],
)
def test_values_that_cannot_be_names_of_files_are_refused(show, folder, values, line):
    odd_report(values)
    ended = show("odd.parquet", "--split-by", "班级", "-o", "out/")
    assert ended.code == (0 if line is None else 2)
    assert Path("out").exists() is (line is None)
    assert (line or "") in ended.err


@pytest.mark.slow
def test_redacted_formats_name_nobody_and_one_key_gives_one_hash(show, stored, monkeypatch):
    monkeypatch.setenv("PALM_LOG_KEY", "secret")
    names = ["a.html", "a.xlsx", "a.json", "b.html"]
    for name in names:
        assert show("B.parquet", "--redact", "-o", name).code == 0
        content = bytes_of(name)
        assert not [each for each in stored.rows["openid"] if each.encode() in content], name
        assert b"class 1" not in content, name
        assert b"/home/x" not in content, name
    assert Path("a.html").read_bytes() == Path("b.html").read_bytes()
    monkeypatch.delenv("PALM_LOG_KEY")
    assert show("B.parquet", "--redact", "-o", "b.html").code == 0
    assert Path("a.html").read_bytes() != Path("b.html").read_bytes()


def test_only_the_columns_that_are_shown_are_in_the_workbook(show, folder):
    odd_report(["x", "y"])
    report = read_parquet(Path("odd.parquet"))
    more = report.rows.assign(姓名="张三")
    write_parquet(type(report)(more, report.metadata), Path("odd.parquet"))
    assert show("odd.parquet", "--show", "班级", "--organization", "0042", "-o", "p.xlsx").code == 0
    book = openpyxl.load_workbook("p.xlsx")
    headings = [cell.value for cell in book["People"][1]]
    assert headings[:3] == ["organization_id", "openid", "班级"]
    assert "张三".encode() not in bytes_of("p.xlsx")


WRITERS = {
    "DuckDB": lambda: duckdb.sql(
        "COPY (FROM 'B.parquet' WHERE organization_id = '1001') TO 'rows.parquet'"
    ),
    "pandas": lambda: (
        pd.read_parquet("B.parquet").query("organization_id == '1001'").to_parquet("rows.parquet")
    ),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_rows_that_another_program_wrote_are_read_without_metadata(show, call, stored, writer):
    WRITERS[writer]()
    expected = stored.rows[stored.rows["organization_id"] == "1001"]
    printed = show("rows.parquet")
    assert (printed.code, printed.err) == (0, "")
    assert "This is not a whole report" in " ".join(printed.out.split())
    assert show("rows.parquet", *EVERY_FORMAT).code == 0
    part = read_parquet(Path("part.parquet"))
    assert list(part.rows["openid"]) == list(expected["openid"])
    assert part.summary.pairs == int(expected["state"].notna().sum())
    assert "This is not a whole report" in Path("part.html").read_text(encoding="utf-8")
    assert show("part.parquet", "--changes", "-o", "c.csv").code == 0
    Path("p.csv").write_text("openid,organization_id\no1,0042\n")
    for baseline in ("rows.parquet", "part.parquet"):
        given = ["-o", "n.parquet", "--sandbox", "--baseline", baseline, "-q"]
        assert call("p.csv", *given).code == 65


def test_a_file_with_a_damaged_key_or_without_a_needed_column_is_no_such_file(show, stored):
    table = pq.read_table("B.parquet")
    for key in (KEY, CHECKSUMS):
        kept = {key.encode(): table.schema.metadata[key.encode()][:50]}
        pq.write_table(table.replace_schema_metadata(kept), "rows.parquet")
        assert show("rows.parquet").code == 65
    bare = table.replace_schema_metadata(None)
    pq.write_table(bare.drop_columns(["previous_state"]), "rows.parquet")
    assert show("rows.parquet").code == 65
    pq.write_table(bare.take([0, 0]), "rows.parquet")
    ended = show("rows.parquet")
    assert ended.code == 65
    assert "has a pair twice" in ended.only_line


BY_CLASS = """
SELECT class, count(*) FILTER (state IS NOT NULL) AS pairs, count(*) FILTER (state = 'ON') AS on,
    count(*) FILTER (change IN ('OPENED', 'REOPENED')) AS gained,
    count(*) FILTER (change = 'CLOSED' OR change = 'CLEARED' AND previous_state = 'ON') AS lost
FROM 'B.parquet' GROUP BY class
"""


def test_counts_by_a_column_are_those_of_duckdb_in_every_format(show, stored):
    counted = {
        row[0]: row[1:] for row in duckdb.sql(BY_CLASS.replace("AS on", "AS ons")).fetchall()
    }
    assert show("B.parquet", "--by", "class", *EVERY_FORMAT).code == 0
    by = json.loads(Path("part.json").read_text(encoding="utf-8"))["by"]["class"]
    changes = {name: own["changes"] for name, own in by.items()}
    gained = {name: own.get("OPENED", 0) + own.get("REOPENED", 0) for name, own in changes.items()}
    found = {
        name: (own["pairs"], own["states"]["ON"], gained[name], own["lost"])
        for name, own in by.items()
    }
    assert found == counted
    listed = openpyxl.load_workbook("part.xlsx")["By column"]
    head, *lines = listed.iter_rows(values_only=True)
    rows = [dict(zip(head, line, strict=True)) for line in lines]
    assert {row["value"]: tuple(row[name] for name in COUNTED) for row in rows} == counted
    assert [row["lost"] for row in rows] == sorted((row["lost"] for row in rows), reverse=True)
    page = Path("part.html").read_text(encoding="utf-8")
    assert "By class" in page
    assert all(f"<th scope=row>{name}<td" in page for name in counted)
    printed = show("B.parquet", "--by", "class").out
    for name, (pairs, *_) in counted.items():
        assert any(line.split()[:3] == [*name.split(), str(pairs)] for line in printed.splitlines())


def test_counts_by_a_column_are_not_kept_in_the_parquet_file(show, stored):
    assert show("B.parquet", "--by", "class", "-o", "p.parquet").code == 0
    assert "by" not in read_parquet(Path("p.parquet")).about
    assert show("B.parquet", "--by", "state").code == 2


def test_a_column_and_its_values_may_be_called_anything(show, folder):
    odd_report(["<b>", "", "=1", "x" * 40_000], column="班=级\n<i>")
    assert show("odd.parquet", "--by", "班=级\n<i>", *EVERY_FORMAT).code == 0
    page = Path("part.html").read_text(encoding="utf-8")
    assert "<th scope=row>&lt;b&gt;<td" in page
    assert "<i>" not in page
    sheet = openpyxl.load_workbook("part.xlsx")["By column"]
    cells = [cell.value for cell in sheet["B"]]
    assert max(len(cell) for cell in cells) <= 32_767
    assert "=1" in cells
