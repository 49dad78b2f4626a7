"""``palm-report A B``: what changed from one report to any later one."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import duckdb
import openpyxl
import pandas as pd
import pytest

from jobs.render import FORMATS
from jobs.report.info import GatewayId
from jobs.report.parquet import read_parquet, write_parquet
from tests.several_nights import FIRST, report_of_night, several_nights

CHANGES = """
WITH a AS (
    SELECT *, greatest(authorize_time, previous_authorize_time) AS q FROM 'A.parquet'
), b AS (
    SELECT *, CASE WHEN state = 'UNKNOWN' THEN previous_authorize_time ELSE authorize_time END AS t
    FROM 'B.parquet' WHERE state IS NOT NULL
), joined AS (
    SELECT a.known_state AS k, a.state AS was, b.state IS NOT NULL AS here, a.q,
        CASE WHEN b.known_at > a.known_at OR a.known_at IS NULL THEN b.known_state END AS c,
        CASE WHEN b.known_at > a.known_at OR a.known_at IS NULL THEN b.t END AS t
    FROM a FULL JOIN b USING (organization_id, openid)
)
SELECT CASE
    WHEN NOT here THEN CASE WHEN was IS NULL THEN 'ABSENT' ELSE 'DROPPED' END
    WHEN c IS NULL THEN 'UNKNOWN'
    WHEN k IS NULL THEN 'FIRST_SEEN'
    WHEN k = 'NONE' AND c = 'ON' THEN 'OPENED'
    WHEN k = 'OFF' AND c = 'ON' THEN 'REOPENED'
    WHEN k = 'ON' AND c = 'ON' AND t > q THEN 'REAUTHORIZED'
    WHEN k = 'ON' AND c = 'OFF' THEN 'CLOSED'
    WHEN k = 'NONE' AND c = 'OFF' OR k = c AND t > q THEN 'CYCLED'
    WHEN k <> 'NONE' AND c = 'NONE' THEN 'CLEARED'
    ELSE 'UNCHANGED' END AS change,
    count(*) FILTER (k = 'ON') AS from_on, count(*) AS pairs
FROM joined WHERE here OR was IS NOT NULL OR k IS NOT NULL GROUP BY ALL
"""
"""The definition, in SQL."""


@pytest.fixture(scope="module")
def reports():
    """Return the reports of six nights, the last of them a bad one."""
    return [each.report for each in several_nights(7, people=200, nights=6, bad={5})]


@pytest.fixture
def stored(folder, reports):
    """Write the second and the last one as ``A.parquet`` and ``B.parquet``."""
    for name, report in (("A", reports[1]), ("B", reports[-1])):
        write_parquet(report, Path(f"{name}.parquet"))
    return folder


def test_its_numbers_are_those_that_duckdb_counts(show, stored):
    assert show("A.parquet", "B.parquet", "-o", "between.json").code == 0
    summary = json.loads(Path("between.json").read_text(encoding="utf-8"))["summary"]
    counted = {change: (on, pairs) for change, on, pairs in duckdb.sql(CHANGES).fetchall()}
    found = {change: count for change, count in summary["changes"].items() if count}
    assert found == {change: pairs for change, (_, pairs) in counted.items()}
    assert summary["loss"] == counted["CLOSED"][1] + counted["CLEARED"][0] > 0
    assert summary["gain"] == counted["OPENED"][1] + counted["REOPENED"][1] > 0


def test_a_bad_night_hides_no_loss(show, stored, reports):
    """Taken as they are, the later report's rows would lack those who closed the nights before."""
    assert show("A.parquet", "B.parquet", "-o", "between.parquet").code == 0
    compared = read_parquet(Path("between.parquet"))
    closings = {s: flow.closing for s, flow in reports[-1].summary.roll_forward.items()}
    assert {s: f.closing for s, f in compared.summary.roll_forward.items()} == closings
    taken = reports[-1].rows.merge(
        reports[1].rows, on=["organization_id", "openid"], suffixes=("", "_before")
    )
    as_they_are = (taken["known_state_before"] == "ON") & taken["state"].isin(["OFF", "NONE"])
    assert compared.summary.loss > 2 * int(as_they_are.sum())


def test_every_format_says_that_it_is_a_comparison_and_no_night(show, stored):
    names = [f"between.{suffix}" for suffix in FORMATS]
    written = show("A.parquet", "B.parquet", *[word for name in names for word in ("-o", name)])
    assert (written.code, written.out, written.err) == (0, "", "")
    sentence = "This compares the reports of 2025-03-04 and 2025-03-08. It is not the report of"
    printed = " ".join(show("A.parquet", "B.parquet").out.split())
    assert sentence in printed
    assert "Asked" not in printed  # how one of the two was asked says nothing of both
    page = Path("between.html").read_text(encoding="utf-8")
    assert sentence in re.sub(r"<[^>]+>", "", page)
    for word in ("pairs.csv", "exit code", 'id="trend"', 'id="invalid"'):
        assert word not in page
    cells = openpyxl.load_workbook("between.xlsx")["Summary"]["A"]
    assert any(sentence in str(cell.value) for cell in cells)
    about = json.loads(Path("between.json").read_text(encoding="utf-8"))
    assert (about["only"], about["part"]["comparison"]) == ("comparison", True)
    assert about["baseline"]["run_date"] == "2025-03-04"
    assert not {"input", "asking", "history"} & about.keys()
    assert not {"exit_code", "reasons"} & about["run"].keys()


def test_it_is_in_the_readers_language(show, stored):
    assert show("A.parquet", "B.parquet", "-o", "b.html", "--lang", "zh").code == 0
    page = re.sub(r"<[^>]+>", "", Path("b.html").read_text(encoding="utf-8"))
    assert "本文比较 2025-03-04 与 2025-03-08 两份报告" in page


def test_the_folder_of_a_day_stands_for_its_report(show, stored):
    for name, day in (("A", "2025-03-04"), ("B", "2025-03-08")):
        folder = Path("reports") / f"run_date={day}"
        folder.mkdir(parents=True)
        Path(f"{name}.parquet").rename(folder / "report.parquet")
    days = sorted(Path("reports").iterdir())
    assert show(*days, "-o", "changes.csv", "--changes").code == 0
    rows = pd.read_csv("changes.csv", dtype="str", keep_default_na=False)
    assert "CLOSED" in set(rows["change"])
    assert not {"UNCHANGED", "UNKNOWN", "ABSENT"} & set(rows["change"])


def test_it_is_never_a_baseline_nor_compared_again(show, call, stored):
    assert show("A.parquet", "B.parquet", "-o", "between.parquet").code == 0
    Path("p.csv").write_text("openid,organization_id\no1,0042\n")
    given = ["-o", "new.parquet", "--sandbox", "--baseline", "between.parquet", "-q"]
    ended = call("p.csv", *given)
    assert ended.code == 65
    assert "between.parquet is a comparison of two reports" in ended.err
    ended = show("A.parquet", "between.parquet")
    assert ended.code == 2
    assert "is a comparison of two reports; only reports of nights" in ended.only_line
    assert show("between.parquet", "--changes", "-o", "changes.parquet").code == 0
    assert show("changes.parquet").code == 0


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (["B.parquet", "A.parquet"], "name the earlier one first"),
        (["A.parquet", "A.parquet"], "only reports of different dates can be compared"),
        (["A.parquet", "other.parquet"], "of one merchant and gateway"),
        (["A.parquet", "B.parquet", "B.parquet"], "--since"),
        (["A.parquet", "B.parquet", "-o", "A.parquet"], "would be overwritten"),
        (["A.parquet", "B.parquet", "-o", "B.parquet"], "would be overwritten"),
        (["A.parquet", "B.parquet", "-o", "reports/"], "name a file"),
    ],
)
def test_what_cannot_be_compared_is_refused(show, stored, given, line):
    other = report_of_night(
        [("o1", "0042", "x")], {}, date(2026, 1, 1), gateway=GatewayId("sandbox", "1111111111")
    )
    write_parquet(other, Path("other.parquet"))
    before = Path("A.parquet").read_bytes()
    ended = show(*given)
    assert (ended.code, ended.out) == (2, "")
    assert line in ended.only_line
    assert Path("A.parquet").read_bytes() == before


def test_where_the_earlier_report_knows_more_that_is_said_and_no_change_made_of_it(show, folder):
    """The later report was made by a run that compared with nothing."""
    key = ("0042", "o1")
    before = report_of_night([("o1", "0042", "x")], {key: ("ON", None)}, FIRST)
    after = report_of_night([("o1", "0042", "x")], {}, date(2025, 3, 9))
    write_parquet(before, Path("A.parquet"))
    write_parquet(after, Path("B.parquet"))
    ended = show("A.parquet", "B.parquet")
    assert ended.code == 0
    assert "Of 1 pair the report of 2025-03-03 knows a later answer" in " ".join(ended.out.split())
    assert show("A.parquet", "B.parquet", "-o", "c.parquet").code == 0
    row = read_parquet(Path("c.parquet")).rows.iloc[0]
    assert (row["change"], row["known_state"], row["state"]) == ("UNKNOWN", "ON", "UNKNOWN")


def test_what_the_later_report_knows_of_a_pair_is_kept(reports, stored, show):
    assert show("A.parquet", "B.parquet", "-o", "c.parquet").code == 0
    keys = ["organization_id", "openid"]
    compared = read_parquet(Path("c.parquet")).rows.set_index(keys)
    later = reports[-1].rows.set_index(keys)
    later = later[later["state"].notna()]
    shared = compared.loc[later.index]
    for name in ("known_state", "known_at", "first_seen_at", "last_changed_at", "class"):
        pd.testing.assert_series_equal(shared[name], later[name])
    unknown = shared["state"] == "UNKNOWN"
    assert unknown.any()
    pd.testing.assert_series_equal(shared["unknown_runs"][unknown], later["unknown_runs"][unknown])
    assert (shared["unknown_runs"][~unknown] == 0).all()
