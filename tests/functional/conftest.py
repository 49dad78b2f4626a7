"""The commands, as they are typed, against one gateway that all tests here share."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

import jobs.commands.reconcile
import jobs.commands.report
from palm.sandbox import Faults, SandboxGateway
from palm.testing import serving
from tests.forkserver import COMMANDS
from tests.night import DAY, without_times, write_pairs


@pytest.fixture(scope="session", autouse=True)
def _quick_commands(quick_commands):
    """Let every test here run the commands without waiting for their imports."""


@dataclass
class Ended:
    """How a command ended.

    Attributes:
        code: Its exit code.
        out: Its standard output.
        raw: Its standard error.
    """

    code: int
    out: str
    raw: str

    @property
    def err(self) -> str:
        """Standard error without the time that lines of text begin with, and the first line."""
        return without_times(self.raw)

    @property
    def only_line(self) -> str:
        """The one line that it said."""
        (line,) = self.err.splitlines()
        return line


@pytest.fixture(scope="module")
def shared_gateway(keys):
    with serving(SandboxGateway(keys, date=DAY)) as gateway:
        yield gateway


@pytest.fixture
def gateway(shared_gateway):
    """Return a gateway without faults; what a test sets is set back.

    Faults are drawn by the number of a request, so that whatever other tests asked plays no part.
    """
    gateway = shared_gateway
    gateway.stats.asked.clear()
    gateway.stats.requests = gateway.stats.rejected = 0
    yield gateway
    gateway.faults, gateway.date, gateway.mode = Faults(), DAY, "public_key"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in an empty folder, with no setting of the developer's own."""
    for name in list(os.environ):
        if name.startswith("PALM_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def config(folder, keys, gateway):
    """Return the ``palm.toml`` of the gateway."""
    keys.write(folder / "keys", gateway.base_url)
    return folder / "keys" / "palm.toml"


@pytest.fixture
def source(folder):
    return write_pairs(folder / "pairs.csv", 30)


@pytest.fixture
def call_main(folder, capfd, monkeypatch):
    """Run a command as its script does, within this process."""

    def call(main, *arguments):
        monkeypatch.setattr(sys, "argv", [main.__module__, *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return Ended(ended.value.code, out, err)

    log = logging.getLogger("palm")  # with -q it is silent, and would be for the tests to come
    before = log.level
    yield call
    log.setLevel(before)


@pytest.fixture
def call(call_main):
    """Run ``palm-reconcile`` with nothing but the arguments given."""
    return lambda *arguments: call_main(jobs.commands.reconcile.main, *arguments)


@pytest.fixture
def show(call_main):
    """Run ``palm-report``."""
    return lambda *arguments: call_main(jobs.commands.report.main, *arguments)


@pytest.fixture
def reconcile(call, source, config):
    """Run ``palm-reconcile`` against the gateway; ``--run-date`` is the gateway's date."""

    def reconcile(*arguments, source=source, run_date=DAY, output="report.parquet"):
        given = ["--run-date", run_date, "--rate", "1000", "--config", config]
        return call(source, "-o", output, *given, *arguments)

    return reconcile


@pytest.fixture(scope="module")
def _kept():
    """What the nights that several tests of a module begin with have left, by name."""
    return {}


@pytest.fixture
def made_once(folder, _kept):
    """Return a function that fills the folder: by itself the first time, then as it was left."""

    def made_once(name, make):
        if name in _kept:
            for path, content in _kept[name].items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(content)
            return
        make()
        files = [path for path in folder.rglob("*") if path.is_file()]
        _kept[name] = {path.relative_to(folder): path.read_bytes() for path in files}

    return made_once


@pytest.fixture
def pipe(folder):
    """Run a command in a process of its own, with pipes for all that it reads and writes."""

    def pipe(name, *arguments, stdin=b""):
        return subprocess.run(
            [COMMANDS / name, *map(str, arguments)], input=stdin, capture_output=True, check=False
        )

    return pipe
