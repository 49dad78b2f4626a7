"""One gateway in a process of its own for all nights that go wrong, and how a night is run."""

from __future__ import annotations

import logging
import os
import resource
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from jobs.cluster.tasks.job import WorkerSettings
from jobs.errors import RunError
from jobs.observe.log.setup import set_up_logging
from jobs.report.parquet import read_parquet
from jobs.run.endpoint import ConfiguredEndpoint
from palm.sandbox import Population
from tests.chaos.gateway import served
from tests.chaos.killing import kill_again_and_again
from tests.chaos.machine import IN_FLIGHT, Machine
from tests.chaos.real_time import begun
from tests.forkserver import COMMANDS
from tests.night import DAY, options, run_quietly, write_pairs
from tests.workers import running_cluster


@contextmanager
def files_no_longer_than(size):
    """Let no file of this process grow beyond so many bytes, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    if size is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture(scope="session")
def the_gateway(tmp_path_factory):
    with served(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture(scope="session", autouse=True)
def machine(the_gateway):
    """Measure this machine before the first test, while nothing else of ours runs."""
    measured = Machine.measure(the_gateway.settings())
    print(
        f"{measured.per_second:.0f} queries a second: waits are {measured.slower:.1f} times longer"
    )
    the_gateway.tell(reset=True)
    return measured


@pytest.fixture(scope="session", autouse=True)
def nights(request, machine, tmp_path_factory):
    """Begin the nights that take their time with the first test; yield them by name."""
    if any(item.path.name == "test_real_time.py" for item in request.session.items):
        with begun(tmp_path_factory.mktemp("real-time")) as found:
            yield found
    else:
        yield {}


@pytest.fixture(scope="session", autouse=True)
def kills(request, machine, tmp_path_factory):
    """Begin the runs that are killed with the first test; return what will come of each.

    They are known by the number of kills, and by into how many parts the run is divided.
    One after the other: each would disturb the other.
    """
    items = [item for item in request.session.items if item.path.name == "test_kills.py"]
    chosen = {(each.callspec.params["count"], each.callspec.params["parts"]) for each in items}
    with ExitStack() as stack:
        gateways = {}
        for each in sorted(chosen):
            folder = tmp_path_factory.mktemp("kills")
            gateways[each] = stack.enter_context(served(folder)), folder
        pool = stack.enter_context(ThreadPoolExecutor(max_workers=1))
        yield {
            each: pool.submit(kill_again_and_again, *where, machine, *each)
            for each, where in gateways.items()
        }


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """Yield a scheduler with two workers, which all tests share that end no process of it."""
    with running_cluster(tmp_path_factory.mktemp("cluster")) as found:
        yield found


@pytest.fixture
def gateway(the_gateway):
    """Return the gateway, as at the beginning."""
    the_gateway.tell(reset=True)
    yield the_gateway
    the_gateway.tell(reset=True)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in an empty folder, with no setting of the developer's own."""
    for name in list(os.environ):
        if name.startswith("PALM_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def report_path(folder):
    return folder / "report.parquet"


@pytest.fixture
def source(folder):
    """Return a function that writes an input of so many pairs."""
    return lambda count, *lines: write_pairs(folder / "pairs.csv", count, *lines)


@pytest.fixture
def by_workers(gateway, request):
    """Return a function that returns the options of a night which workers ask about."""
    found_by = WorkerSettings(Path(gateway.config()).resolve(), alone=True)

    def by_workers(settings=None):
        return {
            "endpoint": ConfiguredEndpoint(settings or gateway.settings(), found_by=found_by),
            "cluster": request.getfixturevalue("cluster").options,
        }

    return by_workers


@pytest.fixture
def divided():
    """Return further options of each night; a module that runs them in parts, too, has its own."""
    return {}


@pytest.fixture
def night(gateway, machine, report_path, source, divided):
    """Return a function that runs a night within this process; returns its report, or its error.

    ``waits``: by default a tenth of those that the command has, longer on a slower machine, as is
    ``patience_s``. ``longest_file``: so many bytes fit on the disk.
    """

    def night(
        pairs, *lines, settings=None, run_date=DAY, patience_s=90.0, longest_file=None, **given
    ):
        usual = {
            "rate": 1000, "concurrency": IN_FLIGHT,
            "settings": settings or gateway.settings(), "waits": machine.waits(patience_s),
        }  # fmt: skip
        chosen = options(source(pairs, *lines), report_path, run_date, **(usual | divided | given))
        set_up_logging("text", level=logging.INFO)  # whatever the tests before have set
        try:
            with files_no_longer_than(longest_file):
                report = run_quietly(chosen)
        except RunError as stop:
            return stop
        return read_parquet(chosen.store.outputs.for_date(report.run_date).primary)

    return night


@pytest.fixture
def start(folder, gateway, quick_commands):
    """Return a function that starts the real command in a process of its own.

    ``program``: where it matters which process it is (it is killed, its id is read), the
    installed script.
    """
    begun = []

    def start(*arguments, config=None, env=None, program=COMMANDS / "palm-reconcile"):
        given = [*map(str, arguments), "--config", str(config or gateway.config())]
        process = subprocess.Popen(
            [str(program), *given],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
            env=env and {**os.environ, **env},
        )  # fmt: skip
        begun.append(process)
        return process

    yield start
    for process in begun:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()


@pytest.fixture(scope="session")
def is_true():
    """Return a function that asserts that a report says nothing false and leaves nobody out."""
    population = Population()

    def is_true(report, pairs, *, run_date=DAY):
        rows = report.rows
        in_order = rows.sort_values("input_line")
        assert list(in_order["openid"]) == [f"o{i:027}" for i in range(pairs)]
        assert rows["state"].notna().all()
        assert [control.name for control in report.controls if not control.holds] == []
        told = rows[rows["state"] != "UNKNOWN"]
        looks = [
            population.state_on(openid, organization, run_date).state
            for openid, organization in zip(told["openid"], told["organization_id"], strict=True)
        ]
        assert list(told["state"]) == looks
        return True

    return is_true
