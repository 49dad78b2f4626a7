"""jobs.run.rows.reading: what a large input needs on disk, and what is left of it."""

from __future__ import annotations

import gzip
import os
import threading
from pathlib import Path

import pytest

from jobs.commands.exit_codes import exit_code_of
from jobs.errors import OutputError
from jobs.input.content import source
from jobs.run.rows.reading import read_input
from jobs.run.rows.workspace import Workspace
from jobs.store.locations import Sidecars
from tests.night import DAY, options, write_pairs


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Let all that is larger than 1,000 bytes go to a file."""
    monkeypatch.setattr(source, "MOST_IN_MEMORY", 1_000)


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def named_pipe(folder: Path, content: bytes) -> Path:
    path = folder / "pairs.csv.gz"
    os.mkfifo(path)
    threading.Thread(target=path.write_bytes, args=[content]).start()
    return path


@pytest.mark.parametrize("partitions", [1, 4])
def test_what_is_spooled_is_private_and_gone_once_it_is_read(tmp_path, monkeypatch, partitions):
    """Of a packed input from a pipe both are: what came, and what it holds."""
    packed = gzip.compress(write_pairs(tmp_path / "p.csv", 300).read_bytes(), 0)
    reports, seen = tmp_path / "reports", []
    reports.mkdir()
    check_unchanged = source.ContentOnDisk.check_unchanged

    def noting(self: source.ContentOnDisk) -> None:
        seen.append([oct(path.stat().st_mode) for path in spooled(tmp_path)])
        check_unchanged(self)

    monkeypatch.setattr(source.ContentOnDisk, "check_unchanged", noting)
    chosen = options(named_pipe(tmp_path, packed), reports, DAY, partitions=partitions)
    with Workspace(Sidecars.of_folder(reports)) as workspace:
        found = read_input(chosen, workspace)
        assert (found.pair_count, found.partitions.bits) == (300, partitions // 2)
        assert seen[0] == ["0o100600"] * 2
        assert spooled(tmp_path) == []
    assert files_in(tmp_path) == {"p.csv"}


def spooled(folder: Path) -> list[Path]:
    return list(folder.rglob("spool/*"))


def no_space(*_given: object, **_named: object) -> None:
    raise OSError(28, os.strerror(28))


def onto_a_full_disk(_path: str, flags: int) -> int:
    return os.open("/dev/full", flags & ~os.O_TRUNC)


@pytest.mark.parametrize("daily", [True, False])
@pytest.mark.parametrize(
    ("name", "replacement"),
    [("NamedTemporaryFile", no_space), ("private_opener", onto_a_full_disk)],
    ids=["spooling", "writing the partitions"],
)
def test_a_full_disk_is_told_in_one_line(tmp_path, monkeypatch, name, replacement, daily):
    packed = gzip.compress(write_pairs(tmp_path / "p.csv", 300).read_bytes(), 0)
    reports = tmp_path / "reports"
    reports.mkdir()
    files = Sidecars.of_folder(reports) if daily else Sidecars(reports, "report")
    chosen = options(named_pipe(tmp_path, packed), reports, DAY, partitions=4)
    with Workspace(files) as workspace, pytest.raises(OutputError) as caught:
        monkeypatch.setattr(f"jobs.run.rows.reading.{name}", replacement)
        read_input(chosen, workspace)
    assert str(caught.value).startswith("Disk full at the work folder ")
    assert str(caught.value).isprintable()
    assert exit_code_of(caught.value) == 73
    assert files_in(tmp_path) == {"p.csv"}
