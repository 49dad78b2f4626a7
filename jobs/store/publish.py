"""Publishes a report: writes all outputs, and replaces the earlier report only by a checked one.

The Parquet file, or the folder of a report of many, is the report; the other formats can be made
from it again. An error in one of these is therefore reported, while the others and the Parquet file
are published.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

from jobs.compare.controls.check import Control
from jobs.compare.verdict import FormatFailed
from jobs.errors import OutputError, UnbalancedError
from jobs.partitions.checked_files import DamagedFileError
from jobs.render import WHOLE, write_report
from jobs.render.language import Language, RenderOptions
from jobs.report.model import Report, ReportError, recheck
from jobs.report.parquet import UnreadableError
from jobs.store.files.filesystem import DISK_FULL, keep_aside, place, reason_of, remove
from jobs.store.formats import Formats, Write, misplaced_text, unchanged_text
from jobs.store.locations import previous_of, temporary, temporary_link
from jobs.store.outputs import Outputs
from jobs.store.staging.primary import Primary, primary_of

__all__ = ["publish", "write_all"]


def publish(
    report: Report,
    outputs: Outputs,
    *,
    baseline: Report | None,
    replaced: Report | None,
    render: RenderOptions = RenderOptions(),  # noqa: B008 - a value
    in_order: Report | None = None,
    shown: Callable[[], Report] | None = None,
    stdout: BinaryIO | None = None,
    before_placing: Callable[[], object] = lambda: None,
) -> tuple[FormatFailed, ...]:
    """Write the report to all outputs, and keep the one that it replaces beside it.

    1. The Parquet file, or each file of a report of many, is written aside and flushed. It is read
       back, and the controls are computed anew from it.
    2. The replaced report gets a second name, unless it is of the same date or in a folder of days.
    3. Every other format is written under a temporary name and flushed. One that fails is left out.
    4. The new files are moved to their paths, each in one step, the Parquet file last. A folder of
       a day is replaced whole if the new or the earlier report in it has many files.

    Args:
        report: The report to be published.
        outputs: Where it is written.
        baseline: The report that it was compared with, or None.
        replaced: The report that stands at ``outputs.primary``, or None.
        render: How the formats that people read are rendered.
        in_order: The report with its rows in the input's order, for other formats; None: the same.
        shown: Returns the report as these formats have it; None: it is the same.
        stdout: Where ``outputs.stdout`` is written, after all files.
        before_placing: Called when all files are written and none is moved to its path yet.

    Returns:
        The formats that failed; the report itself is published.

    Raises:
        OutputError: The Parquet file or, where there is none, every format cannot be written. The
            message names the files that are written all the same.
        UnbalancedError: A control does not hold.
    """
    write = partial(_write_format, in_order or report, shown, render)
    primary = primary_of(report, outputs, partial(write, "parquet"))
    formats = Formats(write, render)
    new_files = {path: temporary(path, report.run_id) for path in outputs.others}
    second_name = _second_name(report, outputs, replaced)
    try:
        _write_primary(report, primary)
        _check(report, baseline, primary)
        _keep_replaced(primary, second_name)
        text = formats.render(outputs.stdout)
        for path, new_file in new_files.items():
            formats.write(path, new_file)
        before_placing()
        formats.place()
        if primary is not None:
            _place_primary(primary, second_name, formats)
    finally:
        _clean_up(outputs, primary, [*new_files.values(), *([second_name] if second_name else [])])
    formats.print(text, stdout)
    return formats.result(outputs.primary)


def write_all(
    write: Write, run_id: str, outputs: Outputs, language: Language, stdout: BinaryIO | None
) -> tuple[FormatFailed, ...]:
    """Write a published report in other formats, each completely or not at all.

    ``run_id`` names the temporary files. Returns the formats that failed; the others are written.
    """
    formats = Formats(write, RenderOptions(language=language))
    for path in outputs.files:
        new_file = temporary(path, f"{run_id}-{os.getpid()}")
        try:
            formats.write(path, new_file)
            formats.place()
        finally:
            remove(new_file)
    formats.print(formats.render(outputs.stdout), stdout)
    return tuple(formats.failed)


def _write_format(
    report: Report,
    shown: Callable[[], Report] | None,
    render: RenderOptions,
    name: str,
    file: BinaryIO,
) -> None:
    """Write a format: of the whole report, or of what people see of it.

    The latter is made only when it is needed, so that an error in it affects no other format.
    """
    source = report if shown is None or name in WHOLE else shown()
    write_report(source, render.language, name, file)


def _write_primary(report: Report, primary: Primary | None) -> None:
    _check_balance(report.controls)
    if primary is not None:
        with _required(primary.path, primary):
            primary.write()


def _keep_replaced(primary: Primary | None, second_name: Path | None) -> None:
    """Link or copy the report that is replaced to its second name, if it gets one."""
    if primary is not None and second_name is not None:
        with _required(previous_of(primary.path), primary):
            keep_aside(primary.path, second_name)


def _second_name(report: Report, outputs: Outputs, replaced: Report | None) -> Path | None:
    """Return the temporary second name of the report that is replaced; None if it needs none."""
    if outputs.primary is None or outputs.folder is not None:
        return None
    if replaced is None or replaced.run_date == report.run_date:
        return None
    return temporary_link(outputs.primary, report.run_id)


def _place_primary(primary: Primary, second_name: Path | None, formats: Formats) -> None:
    """Put the Parquet report in its place, after the report that it replaces.

    Raises:
        OutputError: The earlier report is still there. The message names the outputs that are new.
    """
    unchanged = _unchanged_text(primary)
    also = f"; of this run already: {', '.join(formats.placed)}" if formats.placed else ""
    also += "".join(f"; {each.sentence()}" for each in formats.failed)
    if second_name is not None:
        previous = previous_of(primary.path)
        misplaced = place(second_name, previous)
        if misplaced is not None and not misplaced.stands:
            line = f"{previous} cannot be written: {misplaced.why}{unchanged}{also}"
            raise OutputError(line)
    misplaced = primary.place()
    if misplaced is not None and not misplaced.stands:
        ending = misplaced_text(misplaced, unchanged)
        raise OutputError(f"{primary.path} cannot be written: {misplaced.why}{ending}{also}")
    formats.add(primary.path, misplaced, unchanged)


def _clean_up(outputs: Outputs, primary: Primary | None, temporary_files: list[Path]) -> None:
    """Remove the temporary files, and the folder of a day if nothing was written to it."""
    if primary is not None:
        primary.clean_up()
    for path in temporary_files:
        remove(path)
    if outputs.day is not None:
        with suppress(OSError):  # the folder of a day that holds a report is not empty
            outputs.day.rmdir()


@contextmanager
def _required(path: Path, primary: Primary) -> Iterator[None]:
    """Raise an OSError from writing ``path`` as an OutputError, which ends the run."""
    try:
        yield
    except OSError as error:
        line = f"{path} cannot be written: {reason_of(error)}{_unchanged_text(primary)}"
        full, damaged = error.errno in DISK_FULL, isinstance(error, DamagedFileError)
        if full or damaged:
            line += "; answers so far are kept"
        if full:
            line += ". Free space"
        raise OutputError(line, again=full or damaged) from None


def _unchanged_text(primary: Primary) -> str:
    earlier = primary.earlier
    return "" if earlier is None else unchanged_text(earlier)


def _check(report: Report, baseline: Report | None, primary: Primary | None) -> None:
    """Check the controls of the report, as it is read back if it is written as Parquet.

    Raises:
        OutputError: The file cannot be read back.
        UnbalancedError: A control does not hold, or the file holds other counts.
    """
    try:
        written, recounted = primary.read_back() if primary else (report, None)
        compared = written.metadata.baseline
        if (compared and compared.run_date) != (baseline and baseline.run_date):
            recounted = None  # it is of rows that were compared with another report
        controls = recheck(written, baseline, recounted)
    except ReportError as error:
        kind = OutputError if isinstance(error, UnreadableError) else UnbalancedError
        raise kind(
            f"The written report could not be read back: {error}; the earlier report is unchanged"
        ) from None
    _check_balance(controls)
    if controls != report.controls:
        raise UnbalancedError("the report that was read back has other counts than the run's")


def _check_balance(controls: tuple[Control, ...]) -> None:
    wrong = [control for control in controls if not control.holds]
    if wrong:
        details = "; ".join(f"{control.name}: {control.detail}" for control in wrong)
        raise UnbalancedError(f"the controls do not balance, nothing is published: {details}")
