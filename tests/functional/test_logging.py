"""What the command says off a terminal, and into its log file."""

from __future__ import annotations

import gzip
import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

import jobs.observe.progress
from palm import __version__
from tests.forkserver import COMMANDS
from tests.night import DAY, NEXT, write_pairs

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d ")


def has_time(line):
    """Return True if a line begins with a time, or is JSON that holds one."""
    if not line.startswith("{"):
        return TIME.match(line) is not None
    return re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", json.loads(line)["timestamp"]) is not None


@pytest.fixture
def unfinished(reconcile, source):
    """Return an input of which 4 of 10 lines hold no pair, so that a run of it ends with 3."""
    return write_pairs(source, 6, *(",0042,x" for _ in range(4)))


@pytest.mark.parametrize("log_format", ["auto", "text", "json"])
def test_every_line_carries_a_time(reconcile, unfinished, log_format):
    ended = reconcile("--log-format", log_format, source=unfinished)
    assert ended.code == 3
    assert all(has_time(line) for line in ended.raw.splitlines())
    assert "4 input lines are invalid" in ended.raw


@pytest.mark.parametrize("log_format", ["auto", "text"])
def test_no_line_is_wrapped(reconcile, source, monkeypatch, log_format):
    counts = set()
    for columns in (20, 300):
        monkeypatch.setenv("COLUMNS", str(columns))
        ended = reconcile("--log-format", log_format, "--fresh")
        counts.add(len(ended.raw.splitlines()))
        (headline,) = [line for line in ended.raw.splitlines() if "of 30 pairs" in line]
        assert headline.endswith(".")
    assert len(counts) == 1


@pytest.mark.parametrize("log_format", ["auto", "text", "json"])
def test_the_first_line_says_what_is_about_to_be_done(reconcile, source, log_format):
    ended = reconcile("--log-format", log_format, "-o", "r.html")
    line = ended.raw.splitlines()[0]
    assert (
        f"palm-reconcile {__version__}: run date {DAY}, input {source}, 30 pairs, "
        "output report.parquet, r.html, 1000 requests/s, takes about 1 s"
    ) in line
    if log_format == "json":
        about = json.loads(line)
        assert (about["pairs"], about["run_date"], about["rate"]) == (30, str(DAY), 1000)


def test_it_is_the_first_line_also_where_a_warning_was_found_before(reconcile, source):
    assert reconcile("-q").code == 0
    fewer = write_pairs(Path("fewer.csv"), 20)
    ended = reconcile("--log-format", "json", source=fewer, run_date=NEXT)
    events = [json.loads(line)["event"] for line in ended.raw.splitlines()]
    assert events[0].startswith("palm-reconcile ")
    assert "10 of 30 pairs of the last report" in events[1]


def test_what_was_found_before_a_refusal_is_said_without_the_first_line(reconcile, source):
    assert reconcile("-q").code == 0
    ended = reconcile(source=write_pairs(Path("fewer.csv"), 3), run_date=NEXT)
    assert ended.code == 65
    assert len(ended.raw.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("progress", ["off", "auto"])
def test_without_a_bar_there_is_a_line_a_minute(reconcile, monkeypatch, progress):
    monkeypatch.setattr(jobs.observe.progress, "_LINE_EVERY_S", 0.1)
    ended = reconcile("--log-format", "json", "--rate", 20, "--progress", progress)
    events = [json.loads(line)["event"] for line in ended.raw.splitlines()]
    assert any(re.match(r"\d+ of 30 pairs, 0 unknown", event) for event in events)


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["--rate", "x"], 2, "Invalid value for '--rate'"),
        (["--no-such-option"], 2, "No such option"),
        (["--config", "none.toml"], 2, "--config"),
        (["--timezone", "Mars/Base"], 2, "no time zone"),
        (["--metrics", "missing/palm.prom"], 73, "missing"),
        (["--log-file", "missing/palm.log"], 73, "missing"),
        (["--fail-on", "closed>"], 2, "--fail-on"),
    ],
)
@pytest.mark.parametrize("way", ["option", "variable"])
def test_errors_before_the_run_are_json_too(call, source, monkeypatch, way, given, code, said):
    if way == "variable":
        monkeypatch.setenv("PALM_LOG_FORMAT", "json")
    else:
        given = ["--log-format", "json", *given]
    ended = call(source, "-o", "r.html", "--sandbox", *given)
    event = json.loads(ended.only_line)
    assert (event["level"], event["exit_code"], ended.code) == ("error", code, code)
    assert said in event["event"]
    assert "timestamp" in event


def test_an_unknown_setting_in_the_file_is_json_where_the_file_says_so(call, source):
    Path("palm.toml").write_text('[reconcile]\nlog_format = "json"\nraet = 5\n')
    ended = call(source, "-o", "r.html", "--sandbox")
    assert (ended.code, json.loads(ended.only_line)["exit_code"]) == (2, 2)


def test_the_log_file_has_all_lines_and_standard_error_none(reconcile):
    ended = reconcile("--log-file", "palm.log")
    assert (ended.code, ended.raw) == (0, "")
    lines = Path("palm.log").read_text().splitlines()
    assert all(has_time(line) for line in lines)
    assert "run date" in lines[0]
    assert lines[-1].endswith("Written: report.parquet")
    assert reconcile("--log-file", "palm.log", "-q", run_date=NEXT).code == 0
    assert Path("palm.log").read_text().splitlines()[: len(lines)] == lines  # appended to
    added = Path("palm.log").read_text().splitlines()[len(lines) :]
    assert "run date" in added[0]
    assert any("of 30 pairs" in line for line in added)
    assert any("Controls: " in line for line in added)
    assert added[-1].endswith("Written: report.parquet")


@pytest.mark.parametrize("log_format", ["auto", "json"])
def test_a_failure_is_on_standard_error_and_in_the_log_file(reconcile, unfinished, log_format):
    """Cron mails what stands on standard error."""
    given = ("--log-file", "palm.log", "--log-format", log_format)
    ended = reconcile(*given, source=unfinished)
    assert ended.code == 3
    assert "4 input lines are invalid" in ended.only_line
    assert ended.only_line in without_first_times(Path("palm.log").read_text())
    ended = reconcile(*given, "--retry-unanswered", run_date=NEXT)
    assert ended.code == 2
    assert "--retry-unanswered" in ended.only_line
    assert "there is no report of" in Path("palm.log").read_text().splitlines()[-1]


def without_first_times(text):
    return "\n".join(TIME.sub("", line) for line in text.splitlines())


@pytest.mark.parametrize("divided", [[], ["--partitions", "4"]], ids=["one part", "4 parts"])
def test_on_a_terminal_lines_have_no_time_but_in_the_file(folder, divided):
    write_pairs(folder / "pairs.csv", 5)
    shown, said = pty.openpty()
    command = [COMMANDS / "palm-reconcile", "pairs.csv", "-o", "r.parquet", "--sandbox", *divided]
    done = subprocess.run(
        [*command, "--run-date", str(DAY), "--log-file", "palm.log", "--progress", "off"],
        stderr=said, check=False,
    )  # fmt: skip
    os.close(said)
    text = b""
    try:
        while part := os.read(shown, 65536):
            text += part
    except OSError:  # how a terminal says that nobody writes any more
        os.close(shown)
    assert done.returncode == 0
    assert b"of 5 pairs" in text
    assert not any(has_time(line) for line in text.decode().splitlines() if line[:1] != "{")
    lines = Path("palm.log").read_text().splitlines()
    assert all(has_time(line) for line in lines)
    assert sum("of 5 pairs" in line for line in lines) == 1
    assert lines[-1].endswith("Written: r.parquet")


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o640), (0o077, 0o600), (0, 0o640)])
def test_a_new_log_file_is_0640_less_the_umask(reconcile, umask, mode):
    before = os.umask(umask)
    try:
        assert reconcile("--log-file", "palm.log").code == 0
    finally:
        os.umask(before)
    assert Path("palm.log").stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("kind", ["fifo", "folder", "device", "no folder", "below a file"])
def test_a_log_file_that_is_none_ends_with_73_and_one_line(reconcile, gateway, kind):
    path = {"device": "/dev/null", "no folder": "none/palm.log", "below a file": "pairs.csv/x"}
    path = Path(path.get(kind, "palm.log"))
    if kind == "fifo":
        os.mkfifo(path)
    if kind == "folder":
        path.mkdir()
    ended = reconcile("--log-file", path)
    assert ended.code == 73
    assert f"--log-file: {path} cannot be written: " in ended.only_line
    assert gateway.stats.requests == 0 or not gateway.stats.asked


@pytest.mark.parametrize("path", ["pairs.csv", "report.parquet", "./palm.prom", "link.csv"])
def test_a_log_file_that_is_an_input_or_an_output_is_refused(reconcile, source, path):
    Path("link.csv").symlink_to(source)
    before = source.read_bytes()
    ended = reconcile("--log-file", path, "--metrics", "palm.prom")
    assert ended.code == 2
    assert "name another file" in ended.only_line
    assert source.read_bytes() == before


def test_plan_writes_no_log_file(reconcile):
    assert reconcile("--log-file", "palm.log", "--plan").code == 0
    assert not Path("palm.log").exists()


@pytest.mark.slow
def test_a_rotated_log_file_is_opened_again_and_no_line_is_lost(reconcile, monkeypatch, folder):
    """As logrotate does it, with ``compress`` at once."""
    monkeypatch.setattr(jobs.observe.progress, "_LINE_EVERY_S", 0.05)
    lines, rotated = jobs.observe.progress.status_line, []

    def rotating(stats, elapsed_s):
        if Path("palm.log").exists() and len(rotated) < 5:
            old = Path(f"palm.log.{len(rotated)}")
            Path("palm.log").rename(old)
            Path(f"{old}.gz").write_bytes(gzip.compress(old.read_bytes()))
            old.unlink()
            rotated.append(Path(f"{old}.gz"))
        return f"line {next(numbers)}: {lines(stats, elapsed_s)}"

    numbers = iter(range(1, 1000))
    monkeypatch.setattr(jobs.observe.progress, "status_line", rotating)
    assert reconcile("--rate", 20, "--log-file", "palm.log", "--log-format", "json").code == 0
    assert len(rotated) == 5
    text = "".join(gzip.decompress(each.read_bytes()).decode() for each in rotated)
    events = [
        json.loads(each)["event"] for each in (text + Path("palm.log").read_text()).splitlines()
    ]
    assert events[0].startswith("palm-reconcile ")
    assert "of 30 pairs" in events[-1]
    written = [int(each.split()[1][:-1]) for each in events if each.startswith("line ")]
    assert written == list(range(1, len(written) + 1))
