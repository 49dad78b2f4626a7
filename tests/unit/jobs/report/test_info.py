"""jobs.report.info: what is said about a report as values, and as the JSON that files hold."""

import json
from datetime import UTC, date, datetime

import pyarrow.parquet as pq
import pytest

from jobs.compare.verdict import TimeLimitReached, Verdict
from jobs.report.info import Metadata, RunInfo
from jobs.report.model import KEY
from jobs.report.parquet import read_parquet, write_parquet
from tests.night import CLUSTER, SAMPLE, with_members

OPTIONAL = {
    "run": ["reasons"],
    "input": ["decorated_lines", "first_decorated_line", "damaged_keys"],
    "asking": ["replays", "refusals", "answers_unnamed"],
}
"""What an earlier version did not write."""


def stored(path):
    return pq.read_schema(path).metadata[KEY.encode()].decode()


@pytest.fixture
def reports(report_of, nights, tmp_path):
    """Return reports of all kinds: first night, second night, incomplete, with invalid lines."""
    file = tmp_path / "first.parquet"
    one = report_of({"A/a": "ON", "A/b": "UNKNOWN"}, nights[0], extra_lines=",7\nx,1.0\noA,' y\n")
    write_parquet(one, file)
    two = report_of({"A/a": "OFF", "7/c": "NONE"}, nights[1], baseline=one, baseline_file=file)
    by_workers = with_members(two, {"cluster": CLUSTER})
    return [one, two, with_members(two, {"only": "changes"}), by_workers, read_parquet(SAMPLE)]


def test_the_json_of_a_file_is_the_json_of_its_values(reports, tmp_path):
    """Byte for byte where this version wrote it; an earlier one had its members in other order."""
    assert read_parquet(SAMPLE).about == json.loads(stored(SAMPLE))
    for report in reports:
        path = tmp_path / "again.parquet"
        write_parquet(report, path)
        read = Metadata.from_json(json.loads(stored(path)))
        assert read == report.metadata
        assert json.dumps(read.to_json(), ensure_ascii=False) == stored(path)
        assert read_parquet(path).metadata == report.metadata


def test_what_an_earlier_version_did_not_write_stays_away(reports):
    for report in reports:
        old = json.loads(json.dumps(report.about | {"schema": 1}))
        for part, names in OPTIONAL.items():
            for name in names:
                old[part].pop(name, None)
        read = Metadata.from_json(old)
        assert json.dumps(read.to_json()) == json.dumps(old)
        assert (read.run.reasons, read.input.damaged_keys, read.asking.refusals) == (None,) * 3


def test_what_a_later_version_adds_is_ignored(reports):
    for report in reports:
        later = json.loads(json.dumps(report.about))
        parts = [later, later["run"], later["asking"]["knowledge"], later["input"]]
        for part in [*parts, *([later["cluster"]] if "cluster" in later else [])]:
            part["added"] = {"later": 1}
        assert Metadata.from_json(later) == report.metadata


def test_a_run_says_how_it_ended_in_a_number_in_words_and_typed():
    night = datetime(2025, 3, 3, 2, tzinfo=UTC)
    verdict = Verdict((TimeLimitReached(7, 9),))
    run = RunInfo.ended(
        verdict, id="r", date=date(2025, 3, 3), timezone="UTC", started=night, finished=night
    )
    assert run.to_json() == {
        "id": "r",
        "date": "2025-03-03",
        "timezone": "UTC",
        "started": "2025-03-03T02:00:00.000+00:00",
        "finished": "2025-03-03T02:00:00.000+00:00",
        "verdict": ["Time limit reached: 7 of 9 pairs not asked (exit 3)"],
        "parent": None,
        "exit_code": 3,
        "reasons": [{"kind": "time_limit", "not_asked": 7, "pairs": 9}],
    }
    assert RunInfo.from_json(run.to_json()) == run
