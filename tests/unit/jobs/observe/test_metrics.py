"""Numbers for Prometheus: whole or not at all, and about nobody in particular."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError
from jobs.observe.metrics import write_metrics
from tests.night import CLUSTER, with_members


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a run's metrics and reads them back."""
    path = tmp_path / "palm.prom"

    def write(report=None, *, name="people", exit_code=0, finished=1000.0):
        write_metrics(path, report, name=name, exit_code=exit_code, finished=finished, seconds=12.5)
        found = {}
        for family in text_string_to_metric_families(path.read_text(encoding="utf-8")):
            for sample in family.samples:
                labels = dict(sample.labels)
                assert labels.pop("report") == name
                found[sample.name.removeprefix("palm_reconcile_"), *labels.items()] = sample.value
        return found

    return write


def test_a_run_without_a_report_tells_how_it_ended(write):
    assert write(exit_code=75) == {
        ("exit_code",): 75,
        ("last_run_timestamp_seconds",): 1000,
        ("duration_seconds",): 12.5,
    }


def test_a_report_tells_states_changes_reasons_outcomes_and_coverage(write, report_of, nights):
    found = write(report_of({"A/a": "ON", "A/b": "OFF", "B/c": "ON", "B/d": "UNKNOWN"}, nights[0]))
    assert found["pairs", ("state", "ON")] == 2
    assert found["pairs", ("state", "UNKNOWN")] == 1
    assert found["changes", ("change", "FIRST_SEEN")] == 3
    assert found["changes", ("change", "CLOSED")] == 0
    assert found["unknowns", ("reason", "TIMEOUT")] == 1
    assert found["coverage_ratio",] == 0.75
    assert {"throttled_seconds", "outage_seconds", "starved_seconds"} <= {key[0] for key in found}


def test_gained_lost_and_hidden_pairs_are_told_in_all_and_by_organization(write, after):
    found = write(
        after(
            {"A/a": "ON", "A/b": "OFF", "A/c": "ON", "B/d": "NONE", "C/e": "ON"},
            {"A/a": "OFF", "A/b": "ON", "A/c": "NONE", "B/d": "OFF", "C/e": "ON"},
        )
    )
    moves = ("gained_pairs", "lost_pairs", "hidden_pairs")
    assert [found[name,] for name in moves] == [1, 2, 1]
    own = {
        each: [found[f"organization_{name}", ("organization", each)] for name in moves]
        for each in "ABC"
    }
    assert own == {"A": [1, 2, 0], "B": [0, 0, 1], "C": [0, 0, 0]}
    assert found["organizations",] == 3


def test_of_many_organizations_those_that_lost_most_are_told(write, after):
    before = {f"{number:03}/o{n}": "ON" for number in range(203) for n in range(3)}
    lost = {f"{number:03}/o{n}": "OFF" for number in range(3, 203) for n in range(number % 3 + 1)}
    lost["001/o0"] = "NONE"
    found = write(after(before, before | lost))
    told = {key[1][1]: n for key, n in found.items() if key[0] == "organization_lost_pairs"}
    assert len(told) == 200
    assert told.keys() == {f"{number:03}" for number in (1, *range(3, 203))} - {"201"}
    assert (told["005"], told["001"]) == (3, 1)
    assert found["organizations",] == 203
    assert found["lost_pairs",] == len(lost)


def test_openids_and_carried_values_are_not_labels(write, report_of, nights, tmp_path):
    """The id of an organization is a label of what it gained and lost."""
    write(report_of({"organization-9/openid-7": "ON"}, nights[0]))
    text = (tmp_path / "palm.prom").read_text()
    assert "openid-7" not in text
    assert 'organization="organization-9"' in text


def test_the_last_success_is_the_time_of_the_last_exit_code_0(write):
    name = ("last_success_timestamp_seconds",)
    assert write(exit_code=0, finished=1000.0)[name] == 1000
    for code in (1, 2, 3, 4, 5, 10, 65, 73, 75, 77, 130, 143):
        assert write(exit_code=code, finished=2000.0 + code)[name] == 1000
    assert write(exit_code=0, finished=3000.0)[name] == 3000


def test_the_last_success_of_another_report_is_not_this_ones(write):
    """It is carried over from whatever file is there, which may have been another job's."""
    write(name="teachers", finished=1000.0)
    assert ("last_success_timestamp_seconds",) not in write(exit_code=3, finished=2000.0)


def test_a_file_without_names_tells_of_no_success(write, tmp_path):
    (tmp_path / "palm.prom").write_text("palm_reconcile_last_success_timestamp_seconds 1.0\n")
    assert ("last_success_timestamp_seconds",) not in write(exit_code=3)


def test_the_run_date_is_that_of_the_last_report(write, report_of, nights):
    name = ("run_date_timestamp_seconds",)
    assert name not in write(exit_code=75)
    assert write(report_of({"A/a": "ON"}, nights[0]))[name] == 1740960000.0
    assert write(exit_code=77)[name] == 1740960000.0
    assert write(report_of({"A/a": "ON"}, nights[1]))[name] == 1741046400.0


def test_what_an_alert_may_ask_for_is_there(write, report_of, nights, tmp_path):
    before = report_of({"A/a": "ON", "A/b": "OFF", "A/c": "ON"}, nights[0])
    file = tmp_path / "before"
    file.write_bytes(b"its checksum stands in the report")
    report = report_of(
        {"A/a": "ON"}, nights[1], baseline=before, baseline_file=file, extra_lines=",A,\n,A,\n"
    )
    found = write(report)
    assert found["invalid_lines",] == 2
    assert found["dropped_pairs",] == found["changes", ("change", "DROPPED")] == 2
    assert found["answers_without_echo",] == 0


def test_two_jobs_in_one_folder_do_not_collide(report_of, nights, tmp_path):
    """The collector reads the files together: a sample that stands in two of them is an error."""
    samples = []
    for name in ("people", "teachers"):
        path = tmp_path / f"{name}.prom"
        report = report_of({"A/a": "ON"}, nights[0])
        write_metrics(path, report, name=name, exit_code=0, finished=1.0, seconds=1.0)
        lines = path.read_text(encoding="utf-8").splitlines()
        samples += [line.rpartition(" ")[0] for line in lines if not line.startswith("#")]
    assert len(samples) == len(set(samples)) > 40


@pytest.mark.parametrize("there", [b"", b"palm_reconcile_last_success", b"\xff\xfe", b"{" * 99])
def test_what_is_there_and_cannot_be_read_is_replaced(write, tmp_path, there):
    (tmp_path / "palm.prom").write_bytes(there)
    assert write(exit_code=3)["exit_code",] == 3


def test_a_file_that_cannot_be_written_ends_with_73_and_leaves_nothing_behind(tmp_path):
    path = tmp_path / "palm.prom"
    path.mkdir()
    with pytest.raises(RunError, match="cannot be written") as stop:
        write_metrics(path, None, name="people", exit_code=0, finished=1.0, seconds=1.0)
    assert exit_code_of(stop.value) == 73
    assert list(tmp_path.iterdir()) == [path]


def test_readers_never_see_half_a_file(write, tmp_path):
    """It is another file that takes the place of the one before."""
    write()
    before = (tmp_path / "palm.prom").stat().st_ino
    with (tmp_path / "palm.prom").open() as reading:
        write(exit_code=3)
        assert 'exit_code{report="people"} 0.0' in reading.read()
    assert (tmp_path / "palm.prom").stat().st_ino != before
    assert [path.name for path in tmp_path.iterdir()] == ["palm.prom"]


def test_workers_are_told_of_where_they_asked(write, report_of, nights):
    report = report_of({"A/a": "ON"}, nights[0])
    numbers = {"workers", "workers_joined", "workers_lost", "most_promised_requests"}
    numbers.add("asked_twice_pairs")
    assert not numbers & {name for name, *_ in write(report)}
    found = write(with_members(report, {"cluster": CLUSTER}))
    assert {name: found[name,] for name in numbers} == {
        "workers": 2,
        "workers_joined": 3,
        "workers_lost": 1,
        "most_promised_requests": 1300,
        "asked_twice_pairs": 7,
    }
