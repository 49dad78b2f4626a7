"""Report to files: everything or nothing, and never over what cannot be had again."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from jobs.baseline import previous_of
from jobs.exits import Exit, Stop
from jobs.render.parquet import read_parquet, write_parquet
from jobs.report import Report, ReportError, recheck

__all__ = ["WRITERS", "check_output", "publish"]

WRITERS: Final[Mapping[str, Callable[[Report, Path], None]]] = {".parquet": write_parquet}
_MODE: Final = 0o640


def check_output(path: Path) -> None:
    """Find out before the first request what would keep the report from being written.

    Raises:
        Stop: Its format is unknown (2); its folder is missing or cannot be written to (73).
    """
    if path.is_dir():
        raise Stop(Exit.OUTPUT, f"{path} is a folder; name a file in it")
    if path.suffix not in WRITERS:
        known = " ".join(WRITERS)
        raise Stop(Exit.USAGE, f"{path}: the format is known by the suffix, one of {known}")
    if not path.parent.is_dir():
        raise Stop(Exit.OUTPUT, f"the folder {path.parent} does not exist; make it first")
    probe = _beside(path, f"probe-{os.getpid()}")
    try:
        probe.touch(mode=0o600, exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise Stop(Exit.OUTPUT, f"{path.parent} cannot be written to: {error.strerror}") from None


def publish(
    report: Report, path: Path, *, baseline: Report | None, replaced: Report | None
) -> None:
    """Write the report and put it in its place; the one before stays beside it.

    1. It is written beside its target, flushed, and read back.
    2. The controls are computed anew from what was read.
    3. The report that is replaced is linked aside, unless it is of the same run date.
    4. The new one takes its place in one step.

    Raises:
        Stop: It cannot be written (73), or a control does not hold (5). Nothing has changed then.
    """
    fresh = _beside(path, report.run_id)
    aside = _beside(path, f"{report.run_id}-previous")
    try:
        _write(report, fresh, _mode_for(path))
        _check(fresh, report, baseline)
        if replaced is not None and replaced.run_date != report.run_date:
            os.link(path, aside)
            aside.replace(previous_of(path))
        fresh.replace(path)
        _sync(path.parent)
    except OSError as error:
        said = error.strerror or error  # pyarrow's have no strerror
        raise Stop(Exit.OUTPUT, f"{path} cannot be written: {said}") from None
    finally:
        for left in (fresh, aside):
            with suppress(OSError):
                left.unlink()


def _write(report: Report, path: Path, mode: int) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    WRITERS[path.suffix](report, path)
    path.chmod(mode)
    _sync(path)


def _check(fresh: Path, report: Report, baseline: Report | None) -> None:
    try:
        controls = recheck(read_parquet(fresh), baseline)
    except ReportError as error:
        raise Stop(Exit.UNBALANCED, f"the report does not read back: {error}") from None
    wrong = [control for control in controls if not control.holds]
    if wrong:
        said = "; ".join(f"{control.name}: {control.detail}" for control in wrong)
        raise Stop(Exit.UNBALANCED, f"the controls do not balance, nothing is published: {said}")
    if controls != report.controls:
        raise Stop(Exit.UNBALANCED, "the report reads back with other counts than it was made of")


def _beside(path: Path, mark: str) -> Path:
    """Return a hidden name in the same folder, so that readers of whole folders do not see it."""
    return path.with_name(f".{path.stem}.{mark}{path.suffix}")


def _mode_for(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return _MODE


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
