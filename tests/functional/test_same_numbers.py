"""What was gained, lost and hidden: DuckDB's numbers stand in every format and in the metrics."""

from __future__ import annotations

import html
import io
import json
import re

import duckdb
import openpyxl
import pytest
from prometheus_client.parser import text_string_to_metric_families

from jobs.observe.metrics import write_metrics
from jobs.render import writer_of
from jobs.render.language import Language
from jobs.report.parquet import read_parquet
from tests.many_nights import People, write_nights

MOVES = """
    count(*) FILTER (change IN ('OPENED', 'REOPENED')),
    count(*) FILTER (change = 'CLOSED' OR change = 'CLEARED' AND previous_state = 'ON'),
    count(*) FILTER (change IN ('REAUTHORIZED', 'CYCLED'))
"""
"""Gained, lost, hidden, as the documentation defines them."""


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """Return the file and the report of a night on which many pairs moved."""
    people = People.of(2_000, 12, moves=0.15)
    path = write_nights(tmp_path_factory.mktemp("nights"), people, 3)[-1]
    return path, read_parquet(path)


@pytest.fixture(scope="module")
def total(night):
    """Return DuckDB's gained, lost, hidden of the whole file."""
    (counts,) = duckdb.read_parquet(str(night[0])).aggregate(MOVES).fetchall()
    assert all(count > 50 for count in counts)
    return counts


@pytest.fixture(scope="module")
def own(night):
    """Return DuckDB's gained, lost, hidden of each organization."""
    rows = duckdb.read_parquet(str(night[0]))
    found = rows.aggregate(f"organization_id, {MOVES}", "organization_id").fetchall()
    counts = {row[0]: row[1:] for row in found}
    assert len(counts) == 12
    return counts


def written(report, name):
    file = io.BytesIO()
    writer_of(name)(report, file, Language.EN)
    return file.getvalue()


def test_the_metrics_have_them(night, total, own, tmp_path):
    path = tmp_path / "palm.prom"
    write_metrics(path, night[1], name="people", exit_code=0, finished=1.0, seconds=1.0)
    found = {}
    for family in text_string_to_metric_families(path.read_text(encoding="utf-8")):
        for sample in family.samples:
            name = sample.name.removeprefix("palm_reconcile_")
            found[name, sample.labels.get("organization")] = sample.value
    moves = ("gained_pairs", "lost_pairs", "hidden_pairs")
    assert tuple(found[name, None] for name in moves) == total
    by_organization = {
        each: tuple(found[f"organization_{name}", each] for name in moves) for each in own
    }
    assert by_organization == own


def test_json_has_them(night, total, own):
    summary = json.loads(written(night[1], "json"))["summary"]
    assert (summary["gain"], summary["loss"], summary["hidden"]) == total
    for each, (gained, lost, hidden) in own.items():
        counts = summary["by_organization"][each]
        changes = counts["changes"]
        assert changes.get("OPENED", 0) + changes.get("REOPENED", 0) == gained
        assert counts["lost"] == lost
        assert changes.get("REAUTHORIZED", 0) + changes.get("CYCLED", 0) == hidden


def test_the_page_has_them(night, total, own):
    page = written(night[1], "html").decode()
    told = {
        name: int(re.search(rf"data-n={name}>([\d,]+)", page)[1].replace(",", ""))
        for name in ("gain", "loss", "hidden")
    }
    assert tuple(told.values()) == total
    table = re.search(r'<table class="organizations.*?</table>', page, re.DOTALL)[0]
    headings = [html.unescape(each) for each in re.findall(r"<th scope=col>([^<]*)", table)][1:]
    found = {}
    for row in table.split("<th scope=row>")[1:]:
        name, *cells = re.split(r"<td>", row.strip())
        values = dict(zip(headings, cells, strict=True))
        found[name] = tuple(
            int(values[each].strip().replace(",", "")) for each in ("gained", "lost", "hidden")
        )
    assert found == own


def test_the_workbook_has_them(night, total, own):
    book = openpyxl.load_workbook(io.BytesIO(written(night[1], "xlsx")))
    rows = {row[0]: row[1] for row in book["Summary"].iter_rows(values_only=True)}
    assert (rows["gained"], rows["lost"], rows["hidden"]) == total
    headings, *rows = book["Organizations"].iter_rows(values_only=True)
    found = {}
    for row in rows:
        values = dict(zip(headings, row, strict=True))
        moves = (values["gained"], values["lost"], values["hidden"])
        found[values["organization_id"]] = moves
        assert values["hidden"] == values["REAUTHORIZED"] + values["CYCLED"]
    assert found == own
    lost = [values[1] for values in found.values()]
    assert lost == sorted(lost, reverse=True)
