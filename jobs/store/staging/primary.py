"""The new Parquet report while it is published: one file, or the whole folder of a day.

The folder of a day is replaced where the new report or the earlier one has many files, so that both
are never there together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol

from jobs.compare.controls.recount import Recount
from jobs.errors import OutputError
from jobs.partitions.file_names import part_file
from jobs.report.model import Report
from jobs.report.parquet import read_counted, write_part
from jobs.store.days import parts_in, single_report, standing_report
from jobs.store.files.filesystem import (
    Misplaced,
    place,
    reason_of,
    remove,
    remove_left,
    write_new,
)
from jobs.store.locations import UNFINISHED, make_folder, mode_of, temporary
from jobs.store.outputs import Outputs
from jobs.store.staging.day_exchange import DayExchange
from jobs.store.work_folder import WorkFolder

__all__ = ["Primary", "PrimaryDay", "PrimaryFile", "primary_of"]

_Write = Callable[[BinaryIO], object]


class Primary(Protocol):
    """The new Parquet report, made aside and then put in place."""

    @property
    def path(self) -> Path:
        """Where it will be."""

    @property
    def earlier(self) -> Path | None:
        """Where the report that it replaces is, or None if there is none."""

    def write(self) -> None:
        """Write it aside, and flush it.

        Raises:
            OSError: It cannot be written.
            OutputError: There is no place for it.
        """

    def read_back(self) -> tuple[Report, Recount | None]:
        """Read what was written, and count its rows again, unless they are in memory.

        Raises:
            ReportError: It is not what was to be written.
        """

    def place(self) -> Misplaced | None:
        """Let it take the place of the earlier report; return what went wrong, or None."""

    def clean_up(self) -> None:
        """Remove what is left of it aside; nothing depends on that."""


@dataclass(frozen=True, slots=True)
class PrimaryFile:
    """A report of one file, which replaces one of one file.

    Attributes:
        path: Where it will be.
        new_file: Where it is made.
        write_parquet: Writes it.
        in_memory: Whether it is read back into memory.
    """

    path: Path
    new_file: Path
    write_parquet: _Write
    in_memory: bool

    @property
    def earlier(self) -> Path | None:
        """The same path; it need not be there."""
        return self.path

    def write(self) -> None:
        """Write the file aside."""
        remove_left(self.path)  # the lock is held: no other run is writing this report
        make_folder(self.path.parent)
        write_new(self.new_file, mode_of(self.path), self.write_parquet)

    def read_back(self) -> tuple[Report, Recount | None]:
        """Read the file."""
        return _read_file(self.new_file, in_memory=self.in_memory)

    def place(self) -> Misplaced | None:
        """Move the file to its path."""
        return place(self.new_file, self.path)

    def clean_up(self) -> None:
        """Remove the file, if it was not moved."""
        remove(self.new_file)


@dataclass(frozen=True, slots=True)
class PrimaryDay:
    """The folder of a day, which replaces the earlier one.

    Attributes:
        path: The folder or, of a report of one file, that file in it.
        exchange: Replaces the folder.
        writes: Writes each file of the report, by its name; the last has the metadata of all.
        ending: Of the names of the files until they are put in place.
        in_memory: Whether a report of one file is read back into memory.
    """

    path: Path
    exchange: DayExchange
    writes: Mapping[str, _Write]
    ending: str
    in_memory: bool

    @property
    def earlier(self) -> Path | None:
        """The file or the folder of the report that the day has; None if it has none."""
        day = self.exchange.day
        try:
            return standing_report(day, day.parent)
        except OSError:
            return day

    def write(self) -> None:
        """Write the files aside."""
        staged, mode = self.exchange.begin(), mode_of(self._replaced_file())
        for name, write in self.writes.items():
            write_new(staged / f"{name}{self.ending}", mode, write)

    def read_back(self) -> tuple[Report, Recount | None]:
        """Read the files."""
        staged, name = self.exchange.staged, self._main
        if self.path == self.exchange.day:
            return read_counted(staged, ending=self.ending)
        return _read_file(staged / f"{name}{self.ending}", in_memory=self.in_memory)

    def place(self) -> Misplaced | None:
        """Let the folder change places with that of the day."""
        staged = self.exchange.staged
        try:
            for name in self.writes if self.ending else ():
                (staged / f"{name}{self.ending}").rename(staged / name)
        except OSError as error:
            return Misplaced(reason_of(error), stands=False)
        return self.exchange.place(self._main)

    def clean_up(self) -> None:
        """Remove the files, if they were not put in place."""
        with suppress(OSError):
            self.exchange.settle()
        for folder in (self.exchange.work, self.exchange.work.parent):
            with suppress(OSError):  # journals may be in it
                folder.rmdir()

    def _replaced_file(self) -> Path:
        """Return a file of the report that is replaced; none is there if there is no report."""
        day = self.exchange.day
        return next(iter(parts_in(day)), single_report(day))

    @property
    def _main(self) -> str:
        return list(self.writes)[-1]


def primary_of(report: Report, outputs: Outputs, write_parquet: _Write) -> Primary | None:
    """Return how the Parquet report is written, or None if there is none among the outputs.

    Args:
        report: The report.
        outputs: Where it goes.
        write_parquet: Writes it as one file.

    Raises:
        OutputError: There is no place to make the folder of a day, or it is not known what the day
            has.
    """
    primary, day, files = outputs.primary, outputs.day, outputs.sidecars
    if primary is None:
        return None
    try:
        replaces_day = day is not None and (outputs.in_parts or bool(parts_in(day)))
        if day is None or files is None or not replaces_day:
            return PrimaryFile(
                primary, temporary(primary, report.run_id), write_parquet, report.is_in_memory
            )
        work = WorkFolder.open(files)
    except OSError as error:
        raise OutputError(f"{day} cannot be read: {reason_of(error)}; it is unchanged") from None
    except OutputError as error:
        line = f"{primary} cannot be written: {error}; {day} is unchanged"
        raise OutputError(line, again=error.again) from None
    writes = _writes_of_parts(report) if outputs.in_parts else {primary.name: write_parquet}
    ending = "" if work.is_apart else UNFINISHED
    return PrimaryDay(primary, work.exchange(day), writes, ending, report.is_in_memory)


def _read_file(path: Path, *, in_memory: bool) -> tuple[Report, Recount | None]:
    """Read a report of one file as it was made: in memory, or in pieces."""
    return read_counted(path) if in_memory else read_counted(path, most_in_memory=0)


def _writes_of_parts(report: Report) -> dict[str, _Write]:
    """Return how each part is written: part 0, which has the metadata of all, last."""
    count = report.metadata.parts.count if report.metadata.parts else 1
    return {
        part_file(number): partial(write_part, report, number) for number in [*range(1, count), 0]
    }
