"""Where the report goes: files, a folder that keeps one report a day, standard output."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from jobs.errors import OutputError, RunError, UsageError
from jobs.render import FORMATS
from jobs.store.days import dated_report
from jobs.store.files.same_file import check_outputs_apart
from jobs.store.locations import Sidecars, day_folder, is_parquet, previous_of
from palm.commands.streams import closed_at_start
from palm.files.regular import kind_of, path_fault

__all__ = ["Outputs", "parse_outputs"]

_SLASHES: Final = ("/", os.sep)
_STANDARD_OUTPUT: Final = {"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}
_MAX_SHOWN_LENGTH: Final = 100


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where the report goes.

    Attributes:
        files: The paths of all files to be written; the suffix is the format.
        primary: The Parquet file that the next run is compared with, or the folder of a day with a
            report of many files; None if there is none.
        folder: The folder that keeps one report a day, with ``primary`` in it; None if there is
            none.
        stdout: The format that is written to standard output; None if nothing is.
        in_parts: Whether the report in ``folder`` has many files.
        work: The folder that holds the work folder; None: it is beside the report.
    """

    files: tuple[Path, ...]
    primary: Path | None
    folder: Path | None = None
    stdout: str | None = None
    in_parts: bool = False
    work: Path | None = None

    @classmethod
    def to(cls, path: Path) -> Outputs:
        """Return the outputs that are one Parquet file."""
        return cls((path,), path)

    @property
    def first(self) -> Path | None:
        """The file by which messages name the report; None if there is no file."""
        return self.primary or (self.files[0] if self.files else None)

    @property
    def sidecars(self) -> Sidecars | None:
        """The hidden files beside the report (journal, lock); None if no file is written."""
        if self.folder is not None:
            return Sidecars.of_folder(self.folder, self.work)
        if self.first is None:
            return None
        return Sidecars(self.first.parent, self.first.stem, work=self.work)

    @property
    def others(self) -> list[Path]:
        """The files besides ``primary``."""
        return [path for path in self.files if path != self.primary]

    @property
    def day(self) -> Path | None:
        """The folder of the day in ``folder``; None if that is None."""
        if self.folder is None or self.primary is None:
            return None
        return self.primary if self.in_parts else self.primary.parent

    def for_date(self, run_date: date) -> Outputs:
        """Return the outputs for another date; only the path in a folder changes."""
        if self.folder is None or self.primary is None:
            return self
        primary = _dated(self.folder, run_date, in_parts=self.in_parts)
        files = tuple(primary if path == self.primary else path for path in self.files)
        return replace(self, files=files, primary=primary)


def parse_outputs(
    options: tuple[str, ...],
    stdout_format: str | None,
    run_date: date,
    *,
    source: str | Path | None = None,
    in_parts: bool = False,
    work: Path | None = None,
) -> Outputs:
    """Return where the ``-o`` options send the report.

    Args:
        options: The values of ``-o``: paths whose suffix is the format, a folder (with a
            slash at its end), or ``-``.
        stdout_format: ``--format``, which goes with ``-``.
        run_date: The run date, which is part of the path in a folder.
        source: The input, which no output may be; ``-`` is standard input.
        in_parts: Whether the report in a folder that keeps one a day has many files.
        work: The folder that holds the work folder; None: it is beside the report.

    Raises:
        UsageError: A format is unknown, the options do not go together, or two paths are one file.
        OutputError: A path cannot be used, or something other than a file is there.
    """
    if ("-" in options) != (stdout_format is not None):
        raise UsageError("--format goes with -o - (standard output), and -o - with --format")
    if stdout_format is not None and closed_at_start("stdout"):
        raise OutputError("standard output is closed; leave -o - out, or give it a reader")
    files = [text for text in options if text != "-"]
    folders = [Path(text) for text in files if text.endswith(_SLASHES)]
    if len(folders) > 1:
        raise UsageError("only one of the outputs can be a folder")
    paths = tuple(_usable_path(text, run_date, in_parts=in_parts) for text in files)
    named = zip(files, paths, strict=True)
    parquet = [path for text, path in named if is_parquet(path) or text.endswith(_SLASHES)]
    primary = parquet[0] if parquet else None
    if folders and primary is not None and folders[0] not in primary.parents:
        raise UsageError(f"name the folder {folders[0]}/ first: its report is what counts")
    check_outputs_apart(
        paths,
        source,
        kept=previous_of(primary) if primary is not None and not folders else None,
        piped=stdout_format is not None,
    )
    folder = folders[0] if folders else None
    return Outputs(paths, primary, folder, stdout_format, in_parts and folder is not None, work)


def _dated(folder: Path, run_date: date, *, in_parts: bool) -> Path:
    return day_folder(folder, run_date) if in_parts else dated_report(folder, run_date)


def _usable_path(text: str, run_date: date, *, in_parts: bool) -> Path:
    try:
        path = _path_of(text, run_date, in_parts=in_parts)
        path.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        shown = text if len(text) <= _MAX_SHOWN_LENGTH else f"{text[:_MAX_SHOWN_LENGTH]}…"
        raise OutputError(f"--output {shown}: {path_fault(error)}") from None
    return path


def _path_of(text: str, run_date: date, *, in_parts: bool) -> Path:
    if text.endswith(_SLASHES):
        path = dated_report(Path(text), run_date)
        if path.parent.exists() and not path.parent.is_dir():
            raise OutputError(f"{path.parent} is not a folder; move it away")
        if kind := _kind_at(path):
            raise _not_a_file(path, kind)
        return _dated(Path(text), run_date, in_parts=in_parts)
    path = Path(text)
    if kind := "standard output" if text in _STANDARD_OUTPUT else _kind_at(path):
        raise _not_a_file(path, kind)
    if path.is_symlink():
        path = path.resolve()  # what it points to is replaced, not the link
    if path.suffix.removeprefix(".") not in FORMATS:
        known = " ".join(f".{name}" for name in FORMATS)
        raise UsageError(f"{path}: the format is known by the suffix, one of {known}")
    return path


def _kind_at(path: Path) -> str | None:
    """Return what kind of thing is at a path, if not a file; None if it is a file or nothing."""
    try:
        return kind_of(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _not_a_file(path: Path, kind: str) -> RunError:
    remedy = "name a file; standard output is -o - --format csv"
    if kind == "a folder":
        remedy = f"name a file in it, or {path}/ to keep one report a day"
    return OutputError(f"{path} is {kind}, not a file: {remedy}")
