"""Rows of a report that another program wrote, without its metadata."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.extract.rewritten_parquet import is_rewritten, read_rewritten
from jobs.report.model import ReportError
from jobs.report.parquet import write_parquet

NEEDED = ["organization_id", "openid", "state", "previous_state", "change"]


@pytest.fixture
def write(after, tmp_path):
    """Return a function that writes the rows of a report as it alters them."""
    report = after({"A/a": "ON", "A/b": "ON"}, {"A/a": "OFF", "A/b": "ON"})
    path = tmp_path / "rows.parquet"

    def write(alter=lambda frame: frame):
        frame = alter(report.rows)
        table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
        pq.write_table(table, path)
        return path

    write.report = report
    return write


def test_rows_without_metadata_are_counted_anew(write):
    path = write(lambda rows: rows[rows["change"] == "CLOSED"])
    assert is_rewritten(path)
    report = read_rewritten(path)
    assert (report.summary.pairs, report.summary.loss) == (1, 1)
    assert report.metadata.run is None
    assert report.metadata.part.rewritten is True
    assert report.metadata.rows_chosen is None
    assert all(control.holds for control in report.controls)


def test_the_five_columns_are_enough(write):
    assert read_rewritten(write(lambda rows: rows[NEEDED])).summary.states["ON"] == 1


@pytest.mark.parametrize("missing", NEEDED)
def test_without_one_of_them_it_is_no_such_file(write, missing):
    assert not is_rewritten(write(lambda rows: rows[NEEDED].drop(columns=[missing])))


def test_a_report_with_its_metadata_or_no_parquet_is_no_such_file(write, tmp_path):
    path = tmp_path / "report.parquet"
    write_parquet(write.report, path)
    assert not is_rewritten(path)
    path.write_bytes(b"PAR1 nothing")
    assert not is_rewritten(path)
    assert not is_rewritten(tmp_path / "missing.parquet")


@pytest.mark.parametrize(
    ("alter", "line"),
    [
        (lambda rows: rows.assign(openid=None), "names no pair or no change"),
        (lambda rows: rows.assign(change=None), "names no pair or no change"),
        (lambda rows: rows.assign(openid="a"), "has a pair twice; select the rows of one run date"),
        (lambda rows: rows.assign(state="MAYBE"), "cannot be read as the rows of a report"),
    ],
)
def test_rows_that_are_not_those_of_a_report_are_refused(write, alter, line):
    with pytest.raises(ReportError, match=line):
        read_rewritten(write(alter))
