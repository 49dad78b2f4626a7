"""The report as Parquet: what goes in comes out, for pandas, DuckDB and us."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import jobs.report.parquet.write
from jobs.compare.summary import summarize
from jobs.report.metadata import CHECKSUMS
from jobs.report.model import KEY, ReportError
from jobs.report.parquet import read_parquet, write_parquet
from jobs.schema import ROWS, conform
from palm import ServerError
from tests.night import with_members

TEXT, CATEGORY = pa.string(), pa.dictionary(pa.int32(), pa.string())
TIME = pa.timestamp("ms", "UTC")
TYPES = {
    "organization_id": CATEGORY, "openid": TEXT, "class": TEXT,
    "state": CATEGORY, "known_state": CATEGORY, "previous_state": CATEGORY, "change": CATEGORY,
    "authorize_time": TIME, "previous_authorize_time": TIME,
    "unconfirmed_authorize_time": TIME, "answered_at": TIME, "known_at": TIME,
    "first_seen_at": TIME, "last_changed_at": TIME, "last_in_input": pa.timestamp("ms"),
    "unknown_reason": CATEGORY, "unknown_runs": pa.int16(), "error_code": CATEGORY,
    "http_status": pa.int16(), "attempts": pa.int16(), "request_id": TEXT,
    "input_line": pa.int64(), "input_duplicates": pa.int32(),
}  # fmt: skip


@pytest.fixture
def first(report_of, nights):
    return report_of({"0042/a": "ON", "0042/b": "ON", "B/c": "OFF", "B/e": "NONE"}, nights[0])


@pytest.fixture
def second(report_of, first, nights, tmp_path):
    """A night with every kind of value: known, unknown, dropped, changed, with a code and not."""
    path = tmp_path / "first.parquet"
    write_parquet(first, path)
    heard = {
        "0042/a": "OFF",
        "B/c": ServerError(500, "SYSTEM_ERROR", request_id="r"),
        "B/d": "UNKNOWN",
        "B/NA": "ON",
        "B/e": "NONE",
    }
    return report_of(heard, nights[1], baseline=first, baseline_file=path)


@pytest.fixture
def written(second, tmp_path):
    path = tmp_path / "report.parquet"
    write_parquet(second, path)
    return path


def with_summary(report):
    """Return a report that claims the counts of its rows."""
    counts = summarize(report.rows, baseline_run_date=None).to_json()
    return with_members(report, {"summary": counts})


def test_dictionaries_hold_what_repeats_and_what_the_input_carries(written):
    group = pq.read_metadata(written).row_group(0)
    stored = [group.column(at) for at in range(group.num_columns)]
    indexed = {each.path_in_schema for each in stored if "RLE_DICTIONARY" in each.encodings}
    assert indexed == {name for name, kind in TYPES.items() if kind == CATEGORY} | {"class"}


def test_our_reader_gives_back_the_very_report(second, written):
    report = read_parquet(written)
    pd.testing.assert_frame_equal(report.rows, second.rows)
    assert report.about == second.about


def test_pandas_gives_back_the_rows_with_their_dtypes(second, written):
    found = pd.read_parquet(written)
    pd.testing.assert_frame_equal(found, second.rows, check_categorical=True)
    assert found["state"].dtype == ROWS["state"]
    assert list(found["change"].cat.categories) == list(ROWS["change"].categories)


def test_dtypes_do_not_depend_on_what_the_night_held(first, tmp_path):
    """Nobody is UNKNOWN and nothing is compared with: the columns are what they always are."""
    path = tmp_path / "quiet.parquet"
    write_parquet(first, path)
    expected = conform(pd.DataFrame({"class": []}), ROWS).dtypes
    found = pd.read_parquet(path).dtypes
    own = ["organization_id", "error_code"]  # their categories are the night's
    assert dict(found.drop(own)) == dict(expected.drop(own))
    assert all(isinstance(found[name], pd.CategoricalDtype) for name in own)


def test_value_counts_of_the_state_are_the_inputs(second, written):
    counts = pd.read_parquet(written)["state"].value_counts()
    assert dict(counts) == second.summary.states


def test_leading_zeros_and_the_text_na_stay(written):
    rows = pd.read_parquet(written)
    assert "0042" in set(rows["organization_id"])
    assert "NA" in set(rows["openid"])


def test_pandas_finds_run_and_summary_in_attrs(second, written):
    attrs = pd.read_parquet(written).attrs[KEY]
    assert attrs["run"] == second.about["run"]
    assert attrs["summary"]["states"] == second.summary.states
    assert "invalid_lines" not in json.dumps(attrs)
    assert "by_organization" not in attrs["summary"]


def test_the_arrow_types_are_those_of_the_design(written):
    schema = pq.read_schema(written)
    assert dict(zip(schema.names, schema.types, strict=True)) == TYPES
    assert schema.names == list(TYPES)


def test_nothing_is_nested_nanosecond_or_float(written):
    for field in pq.read_schema(written):
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        assert not pa.types.is_nested(kind), field.name
        assert not pa.types.is_floating(kind), field.name
        assert not (pa.types.is_timestamp(kind) and kind.unit == "ns"), field.name


def test_no_column_is_pandas_own_index(written):
    assert not [name for name in pq.read_schema(written).names if name.startswith("__")]


def test_it_is_packed_with_zstd(written):
    group = pq.ParquetFile(written).metadata.row_group(0)
    assert {group.column(at).compression for at in range(group.num_columns)} == {"ZSTD"}


def test_duckdb_counts_what_the_metadata_claims(second, written):
    def counts(column, what="count(*)"):
        rows = duckdb.read_parquet(str(written)).filter(f"{column} IS NOT NULL")
        return dict(rows.aggregate(f"{column}, {what}").fetchall())

    about = json.loads(pq.read_schema(written).metadata[KEY.encode()])
    summary = about["summary"]
    assert counts("state") == {k: v for k, v in summary["states"].items() if v}
    assert counts("change") == {k: v for k, v in summary["changes"].items() if v}
    assert counts("unknown_reason") == summary["unknown_reasons"]
    organizations = {k: v["pairs"] for k, v in summary["by_organization"].items()}
    assert counts("organization_id", "count(state)") == organizations
    assert summary["changes"] == second.summary.changes


def test_duckdb_reads_the_metadata(second, written):
    rows = duckdb.execute("SELECT key, value FROM parquet_kv_metadata(?)", [str(written)])
    assert json.loads(dict(rows.fetchall())[KEY.encode()])["run"]["id"] == second.run_id


def test_duckdb_gives_times_and_numbers_their_types(written):
    rows = duckdb.read_parquet(str(written))
    types = dict(zip(rows.columns, map(str, rows.types), strict=True))
    assert types["state"] == "VARCHAR"
    assert types["authorize_time"] == "TIMESTAMP WITH TIME ZONE"
    assert types["last_in_input"].startswith("TIMESTAMP")
    assert (types["input_line"], types["attempts"]) == ("BIGINT", "SMALLINT")


def test_many_row_groups_keep_order_and_dtypes(first, tmp_path, monkeypatch):
    """Later groups hold values that the first does not."""
    monkeypatch.setattr(jobs.report.parquet.write, "_ROWS_PER_GROUP", 100)
    early = np.arange(150) < 100
    rows = pd.DataFrame(
        {
            "organization_id": np.where(early, "A", "B"),
            "openid": [f"o{i}" for i in range(150)],
            "state": np.where(early, "NONE", "ON"),
            "change": "FIRST_SEEN",
            "error_code": np.where(early, None, "E"),
            "attempts": 1,
        }
    )
    report = with_summary(replace(first, content=conform(rows, ROWS)))
    path = tmp_path / "large.parquet"
    write_parquet(report, path)
    assert pq.ParquetFile(path).num_row_groups == 2
    pd.testing.assert_frame_equal(pd.read_parquet(path), report.rows)
    pd.testing.assert_frame_equal(read_parquet(path).rows, report.rows)


def test_a_report_without_rows_has_all_columns(first, tmp_path):
    path = tmp_path / "empty.parquet"
    write_parquet(with_summary(replace(first, content=first.rows.iloc[:0])), path)
    assert pq.read_schema(path).names == list(TYPES)
    assert len(read_parquet(path).rows) == 0


def test_times_keep_their_milliseconds(first, tmp_path):
    at = datetime(2025, 3, 3, 1, 2, 3, 457_000, tzinfo=UTC)
    rows = first.rows.assign(
        answered_at=pd.Series([at + timedelta(milliseconds=i) for i in range(4)]).astype(
            ROWS["answered_at"]
        )
    )
    path = tmp_path / "times.parquet"
    write_parquet(replace(first, content=rows), path)
    assert read_parquet(path).rows["answered_at"].iloc[3] == at + timedelta(milliseconds=3)


def test_the_day_of_the_last_input_is_a_date_without_a_zone(second, written, nights):
    found = pd.read_parquet(written).set_index("openid")["last_in_input"]
    assert found["b"] == pd.Timestamp(nights[0])
    assert found.dt.tz is None
    assert found["b"].date() == date(2025, 3, 3)


def test_a_report_that_another_tool_wrote_anew_reads_back_with_our_dtypes(second, written):
    """It keeps our metadata, but neither dictionaries nor pandas' own notes."""
    table = pq.read_table(written)
    plain = pa.schema(
        pa.field(f.name, TEXT if pa.types.is_dictionary(f.type) else f.type) for f in table.schema
    ).with_metadata({key: table.schema.metadata[key] for key in (KEY.encode(), CHECKSUMS.encode())})
    pq.write_table(table.cast(plain), written)
    assert pd.read_parquet(written)["state"].dtype != ROWS["state"]
    found = read_parquet(written).rows
    own = ["error_code", "organization_id"]  # their categories may stand in another order
    pd.testing.assert_frame_equal(found.drop(columns=own), second.rows.drop(columns=own))


@pytest.mark.parametrize("schema", [0, 3, 99])
def test_a_report_of_another_schema_is_refused_in_one_clear_line(second, tmp_path, schema):
    path = tmp_path / "later.parquet"
    write_parquet(with_members(second, {"schema": schema}), path)
    with pytest.raises(ReportError, match=rf"later\.parquet was written with schema {schema}") as e:
        read_parquet(path)
    assert str(e.value).isprintable()


def test_another_parquet_file_is_no_report(tmp_path):
    path = tmp_path / "other.parquet"
    pd.DataFrame({"openid": ["a"]}).to_parquet(path)
    with pytest.raises(ReportError, match="is not a report of palm-reconcile"):
        read_parquet(path)


@pytest.mark.parametrize("keep", [0.0, 0.01, 0.5, 0.999])
def test_a_truncated_report_is_refused(written, keep):
    content = written.read_bytes()
    written.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(ReportError, match=r"not a Parquet file, or a damaged one|damaged"):
        read_parquet(written)


def test_a_file_that_is_not_parquet_is_refused(tmp_path):
    path = tmp_path / "x.parquet"
    path.write_text("openid,organization_id\n" * 50)
    with pytest.raises(ReportError, match="not a Parquet file"):
        read_parquet(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ReportError, match="No such file"):
        read_parquet(tmp_path / "none.parquet")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(ReportError, match="cannot be read"):
        read_parquet(tmp_path)


def test_a_damaged_page_is_refused(second, tmp_path):
    """The footer is whole, the data in front of it is not."""
    path = tmp_path / "damaged.parquet"
    write_parquet(second, path)
    content = bytearray(path.read_bytes())
    content[4:600] = bytes(596)
    path.write_bytes(content)
    with pytest.raises(ReportError):
        read_parquet(path)
