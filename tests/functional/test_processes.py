"""The command as shells, service managers and containers really start it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time

import pytest

from jobs.report.parquet import read_parquet
from tests.benchmarks.gateway import running_gateway
from tests.forkserver import COMMANDS
from tests.night import DAY, SCRIPTS, write_pairs

RECONCILE = str(COMMANDS / "palm-reconcile")
INSTALLED = str(SCRIPTS / "palm-reconcile")


@pytest.fixture
def source(tmp_path):
    return write_pairs(tmp_path / "pairs.csv", 60)


@pytest.fixture
def shell(tmp_path):
    """Return a function that runs a line of a shell in a folder of its own."""

    def shell(line, **given):
        return subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False, **given
        )

    return shell


def command(source, *given, program=RECONCILE):
    words = [program, source, "-o", "report.parquet", "--sandbox", "--run-date", DAY, *given]
    return shlex.join(map(str, words))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("closed", "program"),
    [
        pytest.param("<&-", RECONCILE, marks=pytest.mark.manual),
        (">&-", RECONCILE),
        pytest.param("2>&-", RECONCILE, marks=pytest.mark.manual),
        pytest.param(">&- 2>&-", RECONCILE, marks=pytest.mark.manual),
        ("<&- >&- 2>&-", INSTALLED),
    ],
    ids=["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"],
)
def test_standard_streams_that_are_closed_change_neither_report_nor_exit_code(
    shell, source, tmp_path, closed, program
):
    """What is printed would otherwise go into the next file that is opened."""
    assert shell(f"{command(source, program=program)} {closed}").returncode == 0
    assert read_parquet(tmp_path / "report.parquet").summary.states["UNKNOWN"] == 0
    wrong = command(source, "--rate", "x", program=program)
    assert shell(f"{wrong} {closed}").returncode == 2


def test_a_report_for_a_closed_standard_output_ends_with_73_before_the_first_request(
    shell, source, tmp_path
):
    done = shell(f"{command(source, '-o', '-', '--format', 'csv')} >&-")
    assert done.returncode == 73
    assert "standard output is closed" in done.stderr
    assert not (tmp_path / "report.parquet").exists()


def test_an_input_from_a_closed_standard_input_ends_with_65(shell):
    done = shell(f"{command('-')} <&-")
    assert done.returncode == 65
    assert "it is closed" in done.stderr


@pytest.mark.parametrize("name", ["palm", "palm-report"])
def test_the_other_commands_take_closed_streams_too(shell, name):
    assert shell(f"{COMMANDS / name} --help >&- 2>&-").returncode == 0


@pytest.mark.slow
def test_characters_that_the_terminal_cannot_encode_are_replaced(shell, tmp_path):
    write_pairs(tmp_path / "名单.csv", 5)
    done = shell(command("名单.csv"), env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert "Input ??.csv" in done.stderr.replace("\\u540d\\u5355", "??")


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "reduced"), [(256, False), (40, True), (30, True)])
def test_few_descriptors_make_few_connections_and_no_pair_unknown(
    shell, source, tmp_path, limit, reduced
):
    """30 descriptors made pairs UNKNOWN, and 256 took 34 s and 70,000 log lines."""
    hard = f"ulimit -Hn {limit} && " if reduced else ""
    done = shell(f"ulimit -Sn {limit} && {hard}{command(source, '--rate', '1000')}")
    assert done.returncode == 0, done.stderr
    report = read_parquet(tmp_path / "report.parquet")
    assert report.summary.states["UNKNOWN"] == 0
    said = done.stderr.count("The limit of open files allows")
    assert said == (1 if reduced else 0)
    assert len(done.stderr.splitlines()) < 150


def test_no_room_for_a_connection_ends_with_2_and_says_how_to_make_some(shell, source):
    code = (
        "import os, resource; "
        "from jobs.sweep import file_limit; from jobs.errors import UsageError\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (12, 12))\n"
        "held = [os.open(os.devnull, os.O_RDONLY) for _ in range(5)]\n"
        "try:\n    file_limit.connections_within_limit(8)\n"
        "except UsageError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("at most 12 files may be open"), done.stderr


def begun(gateway_keys, tmp_path, source, *prefix):
    process = subprocess.Popen(
        [*prefix, INSTALLED, source, "-o", "report.parquet", "--config", gateway_keys / "palm.toml",
         "--run-date", str(DAY), "--rate", "20"],
        cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    journal = tmp_path / f".report.{DAY}.journal"
    while not journal.exists() or journal.stat().st_size < 1_000:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGHUP)
    return process


@pytest.mark.slow
def test_a_hangup_ends_the_run_as_sigterm_does(tmp_path, source):
    with running_gateway(day=DAY, palm=COMMANDS / "palm") as keys:
        process = begun(keys, tmp_path, source)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "interrupted" in said.splitlines()[-1]
    assert not (tmp_path / "report.parquet").exists()


@pytest.mark.slow
def test_under_nohup_a_hangup_changes_nothing(tmp_path, source):
    with running_gateway(day=DAY, palm=COMMANDS / "palm") as keys:
        process = begun(keys, tmp_path, source, "nohup")
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert (tmp_path / "report.parquet").exists()


LONG = "n" * 300


@pytest.mark.parametrize(
    ("given", "code"),
    [
        pytest.param(["-o", f"{LONG}.parquet"], 73, id="output"),
        pytest.param(["-o", f"{LONG}/"], 73, id="folder"),
        pytest.param(["-o", f"{LONG}/r.parquet"], 73, id="output's folder"),
        pytest.param(["-o", "r.html", "--metrics", f"{LONG}/m.prom"], 73, id="metrics' folder"),
        pytest.param(["-o", "r.html", "--baseline", f"{LONG}.parquet"], 65, id="baseline"),
    ],
)
def test_a_name_that_is_too_long_ends_with_one_line(shell, source, tmp_path, given, code):
    words = [RECONCILE, str(source), "--sandbox", "-q", *given]
    done = shell(shlex.join(words))
    assert done.returncode == code
    assert len(done.stderr.splitlines()) == 1
    assert "Internal error" not in done.stderr
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == [
        "pairs.csv"
    ]
