"""Report to files: everything or nothing, and never over what cannot be had again.

The Parquet file is the report; the other formats can be made from it again. So one of these that
fails is contained: it is told of, and the others and the Parquet file are published.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, TypeAlias

from jobs.compare.verdict import STDOUT, FormatFailed
from jobs.errors import OutputError, UnbalancedError
from jobs.render import writer_of
from jobs.render.language import Language
from jobs.report.model import Report, ReportError, recheck
from jobs.report.parquet import UnreadableError, read_parquet
from jobs.store.filesystem import (
    DISK_FULL,
    Misplaced,
    keep_aside,
    place,
    reason_of,
    remove,
    remove_left,
    write_new,
)
from jobs.store.locations import make_folder, mode_of, previous_of, temporary, temporary_link
from jobs.store.outputs import Outputs
from jobs.store.preflight import check_output, check_outputs
from palm.commands.runner import location_of

__all__ = ["check_output", "check_outputs", "publish", "write_all", "write_report"]

Write: TypeAlias = Callable[[str, BinaryIO], object]
"""Writes a format, whose name is its suffix, to a file."""


def publish(
    report: Report,
    outputs: Outputs,
    *,
    baseline: Report | None,
    replaced: Report | None,
    language: Language = Language.EN,
    stdout: BinaryIO | None = None,
    before_placing: Callable[[], object] = lambda: None,
) -> tuple[FormatFailed, ...]:
    """Write the report and put it in its place; the one before stays beside it.

    1. The Parquet file that counts is written beside its target and flushed. It is read back, and
       the controls are computed anew from it.
    2. The report that is replaced gets a second name, unless it is of the same run date, or a
       folder keeps one report a day anyway.
    3. Every other format is written beside its target and flushed. One that fails is left out.
    4. The new ones take their places, each in one step, the one that counts last.

    Args:
        report: To be published.
        outputs: Where.
        baseline: What it was compared with.
        replaced: What stands at ``outputs.primary``.
        language: Of labels, in the formats that have some.
        stdout: Where ``outputs.stdout`` is written, once all else is in place.
        before_placing: Called when all is written and nothing is in its place yet.

    Returns:
        The formats that failed, while the report stands.

    Raises:
        OutputError: The Parquet file or, where there is none, every format cannot be written. The
            line says what stands.
        UnbalancedError: A control does not hold.
    """
    counts = outputs.primary
    write = partial(write_report, report, language)
    formats = _Formats(write, language)
    fresh = {path: temporary(path, report.run_id) for path in outputs.files}
    aside = None
    try:
        if counts is not None:
            with _needed(counts, counts):
                remove_left(counts)  # there is a lock: nobody else is on the way to it
                _write(write, fresh[counts], counts)
            _check(report, baseline, fresh[counts])
            keep = replaced is not None and replaced.run_date != report.run_date
            if keep and outputs.folder is None:
                aside = temporary_link(counts, report.run_id)
                with _needed(previous_of(counts), counts):
                    keep_aside(counts, aside)
        else:
            _check(report, baseline, None)
        text = formats.render(outputs.stdout)
        for path in outputs.files:
            if path != counts:
                formats.write(path, fresh[path])
        before_placing()
        formats.place()
        if counts is not None:
            _place_counts(counts, fresh[counts], aside, formats)
    finally:
        for left in (*fresh.values(), *([aside] if aside else [])):
            remove(left)
        if counts and outputs.folder is not None:
            with suppress(OSError):  # a day's folder that a report was put into is not empty
                counts.parent.rmdir()
    formats.say(text, stdout)
    return formats.ended(counts)


def write_report(report: Report, language: Language, name: str, file: BinaryIO) -> None:
    """Write a report in the format of that name."""
    writer_of(name)(report, file, language)


def write_all(
    write: Write, run_id: str, outputs: Outputs, language: Language, stdout: BinaryIO | None
) -> tuple[FormatFailed, ...]:
    """Write what was published before in other formats: each whole or not at all.

    ``run_id`` names the temporary files. Returns the formats that failed; the others are written.
    """
    formats = _Formats(write, language)
    for path in outputs.files:
        fresh = temporary(path, f"{run_id}-{os.getpid()}")
        try:
            formats.write(path, fresh)
            formats.place()
        finally:
            remove(fresh)
    formats.say(formats.render(outputs.stdout), stdout)
    return tuple(formats.failed)


class _Formats:
    """The formats besides the Parquet file: one that fails is told of, and stops no other.

    Args:
        write: Writes a format.
        language: Of labels.
    """

    def __init__(self, write: Write, language: Language) -> None:
        self._write, self._language, self._stdout = write, language, ""
        self._written: dict[Path, Path] = {}
        self.placed: list[str] = []
        self.failed: list[FormatFailed] = []

    def write(self, path: Path, fresh: Path) -> None:
        """Write one beside its target."""
        with self._contained(str(path), _unchanged(path)):
            _write(self._write, fresh, path)
            self._written[path] = fresh

    def place(self) -> None:
        """Let all that are written take their places."""
        for path, fresh in self._written.items():
            unchanged = _unchanged(path)
            self.add(path, place(fresh, path), unchanged)
        self._written.clear()

    def add(self, path: Path, misplaced: Misplaced | None, unchanged: str) -> None:
        """Keep in mind which file stands at a path, and what went wrong."""
        if misplaced is None or misplaced.stands:
            self.placed.append(str(path))
        if misplaced is not None:
            why = misplaced.why + _standing(misplaced, "" if misplaced.stands else unchanged)
            self.failed.append(FormatFailed(str(path), why, stands=bool(misplaced.stands)))

    def render(self, name: str | None) -> bytes | None:
        """Return what standard output will be given; None: nothing, or it failed."""
        text = BytesIO()
        if name is not None:
            self._stdout = name
            with self._contained(STDOUT):
                self._write(name, text)
                return text.getvalue()
        return None

    def say(self, text: bytes | None, stdout: BinaryIO | None) -> None:
        """Give it to standard output."""
        if text is not None and stdout is not None:
            with self._contained(STDOUT):
                stdout.write(text)
                stdout.flush()
                self.placed.append(STDOUT)

    def ended(self, counts: Path | None) -> tuple[FormatFailed, ...]:
        """Return the formats that failed, each with what to do, where the report stands.

        Raises:
            OutputError: Nothing of it does.
        """
        if self.failed and not self.placed:
            sentences = "; ".join(each.sentence() for each in self.failed)
            raise OutputError(sentences)
        return tuple(
            each if each.stands else replace(each, why=each.why + self._remedy(each, counts))
            for each in self.failed
        )

    def _remedy(self, failed: FormatFailed, counts: Path | None) -> str:
        if counts is None:
            return ". The answers are kept: run the same command again"
        to = ["-", "--format", self._stdout] if failed.path == STDOUT else [failed.path]
        words = ["palm-report", str(counts), "-o", *to]
        if self._language is not Language.EN:
            words += ["--lang", self._language.value]
        return f". The new report stands at {counts}. Run: {shlex.join(words)}"

    @contextmanager
    def _contained(self, name: str, rest: str = "") -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.failed.append(FormatFailed(name, reason_of(error) + rest))
        except Exception as error:  # noqa: BLE001 - a defect in one writer costs no other format
            why = f"internal error (please report it): {location_of(error)}"
            self.failed.append(FormatFailed(name, why + rest))


def _place_counts(counts: Path, fresh: Path, aside: Path | None, formats: _Formats) -> None:
    """Let the Parquet file take its place, and the one before its own.

    Raises:
        OutputError: The earlier report is still there; the line says what is new beside it.
    """
    unchanged = _unchanged(counts)
    also = f"; of this run already: {', '.join(formats.placed)}" if formats.placed else ""
    also += "".join(f"; {each.sentence()}" for each in formats.failed)
    if aside is not None:
        previous = previous_of(counts)
        misplaced = place(aside, previous)
        if misplaced is not None and not misplaced.stands:
            line = f"{previous} cannot be written: {misplaced.why}{unchanged}{also}"
            raise OutputError(line)
    misplaced = place(fresh, counts)
    if misplaced is not None and not misplaced.stands:
        standing = _standing(misplaced, unchanged)
        raise OutputError(f"{counts} cannot be written: {misplaced.why}{standing}{also}")
    formats.add(counts, misplaced, unchanged)


def _standing(misplaced: Misplaced, unchanged: str) -> str:
    """Return what is said of a target in which the new file does not stand, or may not."""
    return (
        "; whether the new one stands there is not known" if misplaced.stands is None else unchanged
    )


def _unchanged(path: Path) -> str:
    """Return what is said of a target that a failure leaves as it is."""
    try:
        there = path.exists()
    except OSError:
        there = True
    return f"; the earlier {path.name} is unchanged" if there else ""


@contextmanager
def _needed(path: Path, counts: Path) -> Iterator[None]:
    """End the run where a file cannot be written without which there is no report."""
    try:
        yield
    except OSError as error:
        line = f"{path} cannot be written: {reason_of(error)}{_unchanged(counts)}"
        full = error.errno in DISK_FULL
        if full:
            line += "; answers so far are kept. Free space"
        raise OutputError(line, again=full) from None


def _write(write: Write, fresh: Path, path: Path) -> None:
    """Write beside a target what will stand there, with the mode of what does."""
    make_folder(path.parent)
    write_new(fresh, mode_of(path), partial(write, path.suffix.removeprefix(".")))


def _check(report: Report, baseline: Report | None, fresh: Path | None) -> None:
    """Check what will be published: as it reads back where it can be read."""
    try:
        controls = recheck(read_parquet(fresh) if fresh else report, baseline)
    except ReportError as error:
        kind = OutputError if isinstance(error, UnreadableError) else UnbalancedError
        raise kind(
            f"The written report could not be read back: {error}; the earlier report is unchanged"
        ) from None
    wrong = [control for control in controls if not control.holds]
    if wrong:
        said = "; ".join(f"{control.name}: {control.detail}" for control in wrong)
        raise UnbalancedError(f"the controls do not balance, nothing is published: {said}")
    if controls != report.controls:
        raise UnbalancedError("the report reads back with other counts than it was made of")
