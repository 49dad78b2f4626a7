"""The formats besides the Parquet file: one that fails is reported, and the others are written."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, TypeAlias

from jobs.compare.verdict import STDOUT, FormatFailed
from jobs.errors import OutputError
from jobs.render import WHOLE
from jobs.render.language import RenderOptions
from jobs.store.files.filesystem import Misplaced, place, reason_of, write_new
from jobs.store.locations import make_folder, mode_of
from palm.commands.runner import location_of

__all__ = ["Formats", "Write", "misplaced_text", "unchanged_text", "write_new_for"]

Write: TypeAlias = Callable[[str, BinaryIO], object]
"""Writes the report to a file, in the format of that name (its suffix)."""


class Formats:
    """The formats besides the Parquet file: one that fails is reported, and the others are written.

    Args:
        write: Writes a format.
        render: How formats are rendered, for the command that writes one again.

    Attributes:
        placed: The outputs that hold the new report.
        failed: The outputs that could not be written, or only with an error.
    """

    def __init__(self, write: Write, render: RenderOptions) -> None:
        self._write, self._render, self._stdout = write, render, ""
        self._new_files: dict[Path, Path] = {}
        self.placed: list[str] = []
        self.failed: list[FormatFailed] = []

    def write(self, path: Path, new_file: Path) -> None:
        """Write the format of ``path`` to a new file in the same folder."""
        with self._collected_errors(str(path), unchanged_text(path)):
            write_new_for(path, new_file, self._write)
            self._new_files[path] = new_file

    def place(self) -> None:
        """Move each new file to the path that it was written for."""
        for path, new_file in self._new_files.items():
            unchanged = unchanged_text(path)
            self.add(path, place(new_file, path), unchanged)
        self._new_files.clear()

    def add(self, path: Path, misplaced: Misplaced | None, unchanged: str) -> None:
        """Record whether the new file is at ``path``, and the error if there was one."""
        if misplaced is None or misplaced.stands:
            self.placed.append(str(path))
        if misplaced is not None:
            why = misplaced.why + misplaced_text(misplaced, "" if misplaced.stands else unchanged)
            self.failed.append(FormatFailed(str(path), why, stands=bool(misplaced.stands)))

    def render(self, name: str | None) -> bytes | None:
        """Return the report in the format ``name`` for standard output, or None if that failed.

        None is also returned where ``name`` is None: nothing is written to standard output.
        """
        text = BytesIO()
        if name is not None:
            self._stdout = name
            with self._collected_errors(STDOUT):
                self._write(name, text)
                return text.getvalue()
        return None

    def print(self, text: bytes | None, stdout: BinaryIO | None) -> None:
        """Write what :meth:`render` returned to standard output."""
        if text is not None and stdout is not None:
            with self._collected_errors(STDOUT):
                stdout.write(text)
                stdout.flush()
                self.placed.append(STDOUT)

    def result(self, primary: Path | None) -> tuple[FormatFailed, ...]:
        """Return the formats that failed, each with what to do about it.

        Args:
            primary: The Parquet file, which was written; None if none is among the outputs.

        Raises:
            OutputError: No output was written.
        """
        if self.failed and not self.placed:
            sentences = "; ".join(each.sentence() for each in self.failed)
            raise OutputError(sentences)
        return tuple(
            each if each.stands else replace(each, why=each.why + self._remedy(each, primary))
            for each in self.failed
        )

    def _remedy(self, failed: FormatFailed, primary: Path | None) -> str:
        if primary is None:
            return ". The answers are kept: run the same command again"
        to = ["-", "--format", self._stdout] if failed.path == STDOUT else [failed.path]
        options = [] if to[-1].rpartition(".")[2] in WHOLE else self._render.words()
        words = ["palm-report", str(primary), "-o", *to, *options]
        return f". The new report stands at {primary}. Run: {shlex.join(words)}"

    @contextmanager
    def _collected_errors(self, name: str, rest: str = "") -> Iterator[None]:
        """Add an error in the block to ``failed`` instead of raising it."""
        try:
            yield
        except OSError as error:
            self.failed.append(FormatFailed(name, reason_of(error) + rest))
        except Exception as error:  # noqa: BLE001 - a defect in one writer costs no other format
            why = f"internal error (please report it): {location_of(error)}"
            self.failed.append(FormatFailed(name, why + rest))


def write_new_for(path: Path, new_file: Path, write: Write) -> None:
    """Write a new file that will replace the one at ``path``, with the mode of that one.

    Raises:
        OSError: It cannot be written.
    """
    make_folder(path.parent)
    write_new(new_file, mode_of(path), partial(write, path.suffix.removeprefix(".")))


def misplaced_text(misplaced: Misplaced, unchanged: str) -> str:
    """Return ``unchanged``, or that it is not known which of the two files is there."""
    if misplaced.stands is None:
        return "; it is not known whether the new one stands there"
    return unchanged


def unchanged_text(path: Path) -> str:
    """Return the end of a message: that the earlier file at ``path`` is unchanged.

    It is empty if there is no earlier file.
    """
    try:
        exists, what = path.exists(), "report in " if path.is_dir() else ""
    except OSError:
        exists, what = True, ""
    return f"; the earlier {what}{path.name} is unchanged" if exists else ""
