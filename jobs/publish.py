"""Report to files: everything or nothing, and never over what cannot be had again."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from jobs.exits import Exit, Stop
from jobs.locations import (
    PRIVATE_MODE,
    REPORT_MODE,
    previous_of,
    probe,
    temporary,
    temporary_link,
    temporary_pattern,
)
from jobs.outputs import Outputs
from jobs.render import FORMATS, writer_of
from jobs.render.language import Language
from jobs.render.parquet import read_parquet
from jobs.report import Report, ReportError, recheck

__all__ = ["check_output", "check_outputs", "publish", "write_all"]


def check_outputs(outputs: Outputs) -> None:
    """Find out before the first request what would keep the report from being written.

    The folder that keeps one report a day is made where only itself is missing.

    Raises:
        Stop: A format is unknown (2); a folder is missing or cannot be written to (73).
    """
    for path in outputs.files:
        if outputs.folder is None or path != outputs.counts:
            check_output(path)
            continue
        try:
            outputs.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise Stop(
                Exit.OUTPUT, f"the folder {outputs.folder} cannot be made: {error.strerror}"
            ) from None
        check_output(outputs.folder / path.name)


def check_output(path: Path) -> None:
    """Find out before the first request what would keep the report from being written.

    Raises:
        Stop: Its format is unknown (2); its folder is missing or cannot be written to (73).
    """
    if path.is_dir():
        raise Stop(Exit.OUTPUT, f"{path} is a folder; name a file in it")
    if path.suffix.removeprefix(".") not in FORMATS:
        known = " ".join(f".{name}" for name in FORMATS)
        raise Stop(Exit.USAGE, f"{path}: the format is known by the suffix, one of {known}")
    if not path.parent.is_dir():
        raise Stop(Exit.OUTPUT, f"the folder {path.parent} does not exist; make it first")
    made = probe(path)
    try:
        made.touch(mode=PRIVATE_MODE, exist_ok=False)
        made.unlink()
    except OSError as error:
        raise Stop(Exit.OUTPUT, f"{path.parent} cannot be written to: {error.strerror}") from None


def publish(
    report: Report,
    outputs: Outputs,
    *,
    baseline: Report | None,
    replaced: Report | None,
    language: Language = Language.EN,
    stdout: BinaryIO | None = None,
) -> None:
    """Write the report and put it in its place; the one before stays beside it.

    1. Every format is written beside its target and flushed.
    2. The Parquet file that counts is read back, and the controls are computed anew from it.
    3. The report that is replaced is linked aside, unless it is of the same run date, or a folder
       keeps one report a day anyway.
    4. The new ones take their places, each in one step, the one that counts last.

    Args:
        report: To be published.
        outputs: Where.
        baseline: What it was compared with.
        replaced: What stands at ``outputs.counts``.
        language: Of labels, in the formats that have some.
        stdout: Where ``outputs.stdout`` is written, once all else is in place.

    Raises:
        Stop: Something cannot be written (73), or a control does not hold (5). No target has
            changed then.
    """
    text = BytesIO()
    if outputs.stdout is not None:
        writer_of(outputs.stdout)(report, text, language)
    counts = outputs.counts
    fresh = {path: temporary(path, report.run_id) for path in outputs.files}
    aside = temporary_link(counts, report.run_id) if counts else None
    path = counts
    try:
        for path in outputs.files:
            path.parent.mkdir(exist_ok=True)
            if path == counts:  # for which there is a lock: nobody else is on the way to it
                _remove_left(path)
            _write(report, fresh[path], _mode_for(path), language)
        _check(report, fresh[counts] if counts else None, baseline)
        keep = replaced is not None and replaced.run_date != report.run_date
        if counts and aside and keep and outputs.folder is None:
            os.link(counts, aside)
            aside.replace(previous_of(counts))
        for path in sorted(outputs.files, key=lambda path: path == counts):
            fresh[path].replace(path)
            _sync(path.parent)
    except OSError as error:
        said = error.strerror or error  # pyarrow's have no strerror
        raise Stop(Exit.OUTPUT, f"{path} cannot be written: {said}") from None
    finally:
        for left in (*fresh.values(), *([aside] if aside else [])):
            with suppress(OSError):
                left.unlink()
        if counts and outputs.folder is not None:
            with suppress(OSError):  # a day's folder that a report was put into is not empty
                counts.parent.rmdir()
    if stdout is not None:
        _say(text.getvalue(), stdout)


def write_all(
    report: Report, outputs: Outputs, language: Language, stdout: BinaryIO | None
) -> None:
    """Write a report that was published before in other formats: each whole or not at all.

    Raises:
        Stop: Something cannot be written (73).
    """
    for path in outputs.files:
        fresh = temporary(path, f"{report.run_id}-{os.getpid()}")
        try:
            _write(report, fresh, _mode_for(path), language)
            fresh.replace(path)
        except OSError as error:
            said = error.strerror or error
            raise Stop(Exit.OUTPUT, f"{path} cannot be written: {said}") from None
        finally:
            with suppress(OSError):
                fresh.unlink()
    if outputs.stdout is not None and stdout is not None:
        text = BytesIO()
        writer_of(outputs.stdout)(report, text, language)
        _say(text.getvalue(), stdout)


def _say(content: bytes, stdout: BinaryIO) -> None:
    try:
        stdout.write(content)
        stdout.flush()
    except OSError as error:
        raise Stop(Exit.OUTPUT, f"standard output cannot be written: {error.strerror}") from None


def _write(report: Report, path: Path, mode: int, language: Language) -> None:
    with open(path, "xb", opener=_for_us_alone) as file:
        writer_of(path.suffix.removeprefix("."))(report, file, language)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(mode)


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE_MODE)


def _check(report: Report, fresh: Path | None, baseline: Report | None) -> None:
    """Check what will be published: as it reads back where it can be read."""
    try:
        controls = recheck(read_parquet(fresh) if fresh else report, baseline)
    except ReportError as error:
        raise Stop(
            Exit.UNBALANCED,
            f"The written report could not be read back: {error}; the earlier report is unchanged",
        ) from None
    wrong = [control for control in controls if not control.holds]
    if wrong:
        said = "; ".join(f"{control.name}: {control.detail}" for control in wrong)
        raise Stop(Exit.UNBALANCED, f"the controls do not balance, nothing is published: {said}")
    if controls != report.controls:
        raise Stop(Exit.UNBALANCED, "the report reads back with other counts than it was made of")


def _remove_left(path: Path) -> None:
    """Remove what a run that was killed while it published has left beside ``path``."""
    left = temporary_pattern(path)
    for beside in path.parent.iterdir():
        if left.fullmatch(beside.name):
            beside.unlink(missing_ok=True)


def _mode_for(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return REPORT_MODE


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
