"""Where the report goes: files, a folder that keeps one report a day, standard output."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from jobs.exits import Exit, Stop
from jobs.locations import Sidecars, dated_report
from jobs.render import FORMATS

__all__ = ["Outputs", "parse_outputs"]

_SLASHES: Final = ("/", os.sep)


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where the report goes.

    Attributes:
        files: All files to be written, by their path; the format is the suffix.
        counts: The Parquet file that is the next run's baseline; None: there is none.
        folder: The folder that keeps one report a day, of which ``counts`` is in one; else None.
        stdout: The format written to standard output; None: nothing is.
    """

    files: tuple[Path, ...]
    counts: Path | None
    folder: Path | None = None
    stdout: str | None = None

    @classmethod
    def to(cls, path: Path) -> Outputs:
        """Return the outputs that are one Parquet file."""
        return cls((path,), path)

    @property
    def first(self) -> Path | None:
        """The file that stands for the report in messages."""
        return self.counts or (self.files[0] if self.files else None)

    @property
    def sidecars(self) -> Sidecars | None:
        """The hidden files beside the report: its journal, its lock. None: there is no file."""
        if self.folder is not None:
            return Sidecars(self.folder, "report")
        return Sidecars(self.first.parent, self.first.stem) if self.first else None

    def of(self, run_date: date) -> Outputs:
        """Return the outputs of another date: the same but in a folder that keeps one a day."""
        if self.folder is None or self.counts is None:
            return self
        counts = dated_report(self.folder, run_date)
        files = tuple(counts if path == self.counts else path for path in self.files)
        return replace(self, files=files, counts=counts)


def parse_outputs(given: tuple[str, ...], stdout_format: str | None, run_date: date) -> Outputs:
    """Return where the ``-o`` options send the report.

    Args:
        given: Each a path whose suffix is the format, a folder (ends in a slash), or ``-``.
        stdout_format: ``--format``, which goes with ``-``.
        run_date: Names the folder's report.

    Raises:
        Stop: A format is unknown, or the options do not go together (2).
    """
    if ("-" in given) != (stdout_format is not None):
        raise Stop(Exit.USAGE, "--format goes with -o - (standard output), and -o - with --format")
    files = [text for text in given if text != "-"]
    folders = [Path(text) for text in files if text.endswith(_SLASHES)]
    if len(folders) > 1:
        raise Stop(Exit.USAGE, "only one of the outputs can be a folder")
    try:
        paths = tuple(_path_of(text, run_date) for text in files)
        targets = [path.resolve() for path in paths]
    except OSError as error:  # too long, or in a folder that cannot be searched
        raise Stop(Exit.OUTPUT, f"--output: the path cannot be used: {error.strerror}") from None
    if twice := [path for path in targets if targets.count(path) > 1]:
        raise Stop(Exit.USAGE, f"{paths[targets.index(twice[0])]} is named twice")
    parquet = [path for path in paths if path.suffix == ".parquet"]
    counts = parquet[0] if parquet else None
    if folders and counts is not None and folders[0] not in counts.parents:
        raise Stop(Exit.USAGE, f"name the folder {folders[0]}/ first: its report is what counts")
    return Outputs(paths, counts, folders[0] if folders else None, stdout_format)


def _path_of(text: str, run_date: date) -> Path:
    if text.endswith(_SLASHES):
        return dated_report(Path(text), run_date)
    path = Path(text)
    if path.is_symlink():
        path = path.resolve()  # what it points to is replaced, not the link
    if path.is_dir():
        raise Stop(
            Exit.OUTPUT,
            f"{path} is a folder: name a file in it, or {path}/ to keep one report a day",
        )
    if path.suffix.removeprefix(".") not in FORMATS:
        known = " ".join(f".{name}" for name in FORMATS)
        raise Stop(Exit.USAGE, f"{path}: the format is known by the suffix, one of {known}")
    return path
