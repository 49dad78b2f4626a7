"""Each call to the file system that publishing makes fails once, in each way: what stands is said.

Either the new report stands and the line says so, or the earlier one does, unchanged.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import jobs.render
import jobs.store.publish
from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError
from jobs.report.model import Report
from jobs.store.locations import previous_of
from jobs.store.outputs import Outputs
from jobs.store.publish import publish
from tests.night import DAY, NEXT, options, run_quietly, write_pairs

USUAL = ["ENOSPC", "EEXIST", "ENOSYS", "EXDEV"]
RARE = ["EIO", "EACCES", "EDQUOT", "EROFS", "EPERM", "EINVAL", "ESTALE", "EMFILE"]
"""The same lines meet each of them as one of the usual ones; ``-m manual`` tries them, too."""
BY_PATH = [
    "open", "replace", "link", "unlink", "chmod", "mkdir", "rmdir", "stat", "lstat", "listdir"
]  # fmt: skip
CHANGING = {"open", "write", "fsync", "replace", "link", "chmod", "mkdir"}
FORMATS = ["report.html", "report.csv", "report.xlsx"]
OLD = b"as it was made the night before"


@dataclass
class Faults:
    """Lets one call about files in a folder fail, or all from that one on.

    Attributes:
        folder: Only calls about files in it are counted.
        number: Of the error.
        at: The call that fails, counted from 1.
        told: The run said that something failed.
        lasting: All that follow and change something fail, too, but for the removal of files.
        late: The call is done, and reported as failed all the same.
    """

    folder: Path
    number: int
    at: int
    lasting: bool = False
    late: bool = False
    calls: list[str] = field(default_factory=list)
    opened: set[int] = field(default_factory=set)
    told: bool = False

    @property
    def failed(self) -> str | None:
        """The name of the call that failed; None: there were fewer."""
        return self.calls[self.at - 1] if len(self.calls) >= self.at else None

    def call(self, name: str, function: Callable, *given, **named):
        """Make a call that is counted."""
        self.calls.append(name)
        number = len(self.calls)
        fails = number == self.at or (self.lasting and number > self.at and name in CHANGING)
        if not fails:
            return function(*given, **named)
        late = self.late and name in {*CHANGING, "unlink", "rmdir"} and name != "open"
        if late or name == "close":  # what cannot be closed is closed all the same
            function(*given, **named)
        raise OSError(self.number, os.strerror(self.number))

    def is_inside(self, what) -> bool:
        if isinstance(what, int):
            return what in self.opened
        return Path(os.fspath(what)).is_relative_to(self.folder)


def faulty_file(faults):
    class File(io.FileIO):
        def write(self, content):
            return faults.call("write", super().write, content)

        def readinto(self, buffer):
            return faults.call("read", super().readinto, buffer)

        def readall(self):
            return faults.call("read", super().readall)

        def close(self):
            if self.closed:
                return
            faults.opened.discard(self.fileno())
            faults.call("close", super().close)

    return File


def opening(faults):
    """Return ``open`` for binary files."""
    file_of, opens = faulty_file(faults), io.open

    def open_file(path, mode="r", *given, **named):
        if not faults.is_inside(path):
            return opens(path, mode, *given, **named)
        assert mode in {"rb", "xb"}
        if isinstance(path, int):
            return io.BufferedReader(file_of(path))
        opener = named.get("opener")  # which makes the call that is counted
        make = (file_of, path, mode[0])
        raw = file_of(path, mode[0], opener=opener) if opener else faults.call("open", *make)
        faults.opened.add(raw.fileno())
        return io.BufferedReader(raw) if mode == "rb" else io.BufferedWriter(raw)

    return open_file


def by_path(faults, name, function):
    def call(path, *given, **named):
        if isinstance(path, int) or not faults.is_inside(path):
            return function(path, *given, **named)
        made = faults.call(name, function, path, *given, **named)
        if name == "open":
            faults.opened.add(made)
        return made

    return call


def by_descriptor(faults, name, function):
    def call(descriptor):
        if descriptor not in faults.opened:
            return function(descriptor)
        if name == "close":
            faults.opened.discard(descriptor)
        return faults.call(name, function, descriptor)

    return call


@contextmanager
def injected(faults):
    """Let publishing's calls go through ``faults``."""
    open_file = opening(faults)
    with pytest.MonkeyPatch.context() as patch:
        for name in BY_PATH:
            patch.setattr(os, name, by_path(faults, name, getattr(os, name)))
        for name in ("fstat", "close"):
            patch.setattr(os, name, by_descriptor(faults, name, getattr(os, name)))
        patch.setattr(os, "fsync", by_descriptor(faults, "fsync", lambda _: None))  # it takes long
        patch.setattr(io, "open", open_file)
        patch.setattr(builtins, "open", open_file)
        yield


@dataclass
class Reports:
    """Two nights: the report that stands and the one that is to replace it, and their bytes."""

    first: Report
    second: Report
    earlier: bytes
    new: dict[str, bytes]


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nights")
    output = folder / "report.parquet"
    source = write_pairs(folder / "pairs.csv", 40)
    first = run_quietly(options(source, output, DAY, rate=100_000))
    earlier = output.read_bytes()
    second = run_quietly(options(source, output, NEXT, rate=100_000))
    outputs = Outputs(tuple(folder / name for name in FORMATS), None)
    publish(second, outputs, baseline=first, replaced=None)
    new = {path.name: path.read_bytes() for path in (output, *outputs.files)}
    return Reports(first, second, earlier, new)


@pytest.fixture
def quick(monkeypatch, reports):
    """Let what asks no file be done once: the controls, and what the writers make."""

    def writer(name):
        return lambda _, file, __: file.write(reports.new[f"report.{name}"])

    monkeypatch.setattr(jobs.render, "writer_of", writer)
    monkeypatch.setattr(jobs.store.publish, "recheck", lambda report, *_: report.controls)


@pytest.fixture
def night(reports, tmp_path):
    """Publish the second report over the first in a folder of its own, with faults."""
    made = []

    def night(number, at, *names, **how):
        folder = tmp_path / str(len(made))
        made.append(folder)
        folder.mkdir()
        target = folder / "report.parquet"
        target.write_bytes(reports.earlier)
        others = [folder / name for name in names]
        for path in others:
            path.write_bytes(OLD)
        faults = Faults(folder, number, at, **how)
        try:
            with injected(faults):
                failed = publish(
                    reports.second,
                    Outputs((target, *others), target),
                    baseline=reports.first,
                    replaced=reports.first,
                )
        except RunError as stop:
            faults.told = True
            check_earlier(stop, target, others, reports)
        else:
            faults.told = bool(failed)
            check_new(failed, target, others, reports)
        if faults.failed != "unlink":
            names_left = {path.name for path in folder.iterdir()}
            assert not {name for name in names_left if name.startswith(".")}
        return faults

    return night


def check_earlier(stop, target, others, reports):
    """The earlier report stands unchanged, and the line says so, and which others are new."""
    assert exit_code_of(stop) == 73
    assert target.read_bytes() == reports.earlier
    line = str(stop)
    assert "cannot be written" in line or "could not be read back" in line
    assert "earlier" in line
    assert "unchanged" in line
    for path in others:
        new = path.read_bytes() != OLD
        told = line.partition("of this run already: ")[2].partition(";")[0].split(", ")
        assert (str(path) in told) is new
    previous = previous_of(target)
    assert not previous.exists() or previous.read_bytes() == reports.earlier


def check_new(failed, target, others, reports):
    """The new report stands whole, and each other format does, or is said not to."""
    assert target.read_bytes() == reports.new[target.name]
    assert previous_of(target).read_bytes() == reports.earlier
    said = {each.path: each for each in failed}
    for path in others:
        told = said.get(str(path))
        new = path.read_bytes() != OLD
        assert new is (told is None or told.stands)
        if told is not None and not new:
            assert "cannot be written" in told.sentence()
            assert f"the earlier {path.name} is unchanged" in told.sentence()
            assert f"The new report stands at {target}" in told.sentence()
    if (told := said.get(str(target))) is not None:
        assert "is written and stands" in told.sentence()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [*USUAL, *(pytest.param(name, marks=pytest.mark.manual) for name in RARE)]
)
@pytest.mark.usefixtures("quick")
def test_wherever_one_call_fails_what_stands_is_said(night, name):
    at = 1
    while (faults := night(getattr(errno, name), at, *FORMATS[:2])).failed:
        assert faults.told or faults.failed not in {"write", "read", "replace"}
        at += 1
    assert at > 50


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ENOSPC", pytest.param("EMFILE", marks=pytest.mark.slow)])
@pytest.mark.usefixtures("quick")
def test_wherever_all_calls_begin_to_fail_what_stands_is_said(night, name):
    at = 1
    while night(getattr(errno, name), at, *FORMATS[:2], lasting=True).failed:
        at += 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["EIO", pytest.param("EEXIST", marks=pytest.mark.slow)])
@pytest.mark.usefixtures("quick")
def test_a_call_that_is_done_and_reported_as_failed_is_seen_through(night, name):
    """So does a network file system that lost an answer."""
    at = 1
    while (faults := night(getattr(errno, name), at, "report.html", late=True)).failed:
        at += 1
    assert "replace" in faults.calls


@pytest.mark.slow
def test_the_writers_themselves_stand_it_too(night):
    at = 1
    while night(errno.ENOSPC, at, *FORMATS).failed:
        at += 4
