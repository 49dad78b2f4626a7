"""The report as a value: plain JSON about its rows, and the controls that go with it."""

from __future__ import annotations

import json
from dataclasses import replace

import pandas as pd
import pytest

from jobs.compare.summary import summarize
from jobs.report.info import Metadata
from jobs.report.metadata import read_metadata
from jobs.report.model import KEY, SCHEMA, GatewayId, ReportError, recheck, with_rows
from jobs.report.parquet import write_parquet
from jobs.schema import ROWS, conform
from tests.night import with_members


@pytest.fixture
def two_nights(report_of, nights, tmp_path):
    first = report_of({"A/a": "ON", "A/b": "ON", "B/c": "OFF"}, nights[0])
    path = tmp_path / "first.parquet"
    write_parquet(first, path)
    second = report_of(
        {"A/a": "OFF", "B/c": "OFF", "B/d": "UNKNOWN"},
        nights[1],
        baseline=first,
        baseline_file=path,
        extra_lines=",A,x\nd,B,again\n",
    )
    return first, second, path


def test_its_metadata_is_plain_json(two_nights):
    _, second, _ = two_nights
    assert json.loads(json.dumps(second.about)) == second.about


def test_it_says_what_the_input_held(two_nights):
    counted = two_nights[1].about["input"]
    assert counted["name"] == "pairs.csv"
    assert len(counted["sha256"]) == 64
    assert {k: counted[k] for k in ("lines", "pairs", "duplicates", "invalid")} == {
        "lines": 5, "pairs": 3, "duplicates": 1, "invalid": 1,
    }  # fmt: skip
    assert counted["invalid_lines"] == [{"line": 5, "reason": "openid is empty"}]


def test_it_says_what_it_was_compared_with(two_nights):
    first, second, path = two_nights
    import hashlib  # noqa: PLC0415 - here alone

    assert first.about["baseline"] is None
    assert second.about["baseline"] == {
        "run_id": first.run_id,
        "run_date": "2025-03-03",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "pairs": 3,
    }


def test_its_summary_is_that_of_its_rows(two_nights, nights):
    _, second, _ = two_nights
    assert second.summary == summarize(second.rows, baseline_run_date=nights[0])


def test_it_remembers_the_runs_before_in_order(two_nights):
    first, second, _ = two_nights
    assert [run["run_id"] for run in second.about["history"]] == [first.run_id, second.run_id]
    assert second.about["history"][0]["states"] == first.summary.states


def test_it_remembers_each_runs_gain_and_loss(two_nights):
    """Here alone: the classes do not tell which of the cleared were ON."""
    _, second, _ = two_nights
    assert [(run["gain"], run["loss"]) for run in second.about["history"]] == [(0, 0), (0, 1)]


def test_its_summary_is_read_once(two_nights):
    first, second, _ = two_nights
    assert second.summary is second.summary
    assert replace(second, metadata=Metadata.from_json(first.about)).summary == first.summary


def test_it_remembers_ninety_runs_at_most(report_of, nights, tmp_path):
    first = report_of({"A/a": "ON"}, nights[0])
    entry = first.about["history"][0]
    long = with_members(first, {"history": [entry] * 90})
    path = tmp_path / "long.parquet"
    write_parquet(long, path)
    second = report_of({"A/a": "ON"}, nights[1], baseline=long, baseline_file=path)
    assert len(second.about["history"]) == 90
    assert second.about["history"][-1]["run_id"] == second.run_id


def test_it_names_everything_that_the_design_lists(two_nights):
    about = two_nights[1].about
    assert about.keys() >= {
        "schema", "run", "tool", "gateway", "input", "baseline", "summary", "asking", "controls",
        "history",
    }  # fmt: skip
    assert about["run"].keys() >= {"id", "date", "started", "finished", "exit_code"}
    assert about["tool"].keys() >= {"palm-reconcile", "python", "pandas", "pyarrow", "aiohttp"}
    assert about["asking"].keys() >= {
        "requests", "retries", "throttles", "probes", "answers_without_echo", "latency_ms",
        "achieved_rate", "worst_second",
    }  # fmt: skip


def test_its_controls_hold_and_are_the_same_when_computed_anew(two_nights):
    first, second, _ = two_nights
    assert all(control.holds for control in second.controls)
    assert recheck(second, first) == second.controls


def test_the_same_report_against_another_baseline_does_not_balance(two_nights):
    _, second, _ = two_nights
    failing = {control.name for control in recheck(second, None) if not control.holds}
    assert "opening" in failing


def test_a_gateway_names_the_merchant_and_where():
    assert str(GatewayId("sandbox", "0000000000")) == "merchant 0000000000 at sandbox"


def test_rows_get_the_reports_columns_and_dtypes(two_nights):
    _, second, _ = two_nights
    loose = second.rows.astype({"state": "str", "attempts": "int64"}, errors="ignore")
    rows = with_rows(loose, second.about).rows
    expected = conform(pd.DataFrame({"class": []}), ROWS).dtypes
    for name in ("state", "attempts", "openid", "class", "authorize_time"):
        assert rows[name].dtype == expected[name], name


@pytest.mark.parametrize("metadata", [None, {}, {b"pandas": b"{}"}])
def test_a_file_without_the_metadata_is_no_report(metadata):
    with pytest.raises(ReportError, match=r"^x\.parquet is not a report of palm-reconcile$"):
        read_metadata(metadata, "x.parquet")


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b"1", b"\xff"])
def test_damaged_metadata_is_said_to_be(text):
    with pytest.raises(ReportError, match="its metadata is damaged"):
        read_metadata({KEY.encode(): text}, "x.parquet")


@pytest.mark.parametrize("schema", [SCHEMA + 1, 0, "1", True, None])
def test_another_schema_is_refused_with_what_to_do(schema):
    with pytest.raises(
        ReportError, match=f"schema {schema}, this version knows {SCHEMA} and 1; compare"
    ):
        read_metadata({KEY.encode(): json.dumps({"schema": schema}).encode()}, "x.parquet")
