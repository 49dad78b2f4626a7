"""Unfinished runs: which journals are there, whose, and what they hold for an input."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from pathlib import Path
from typing import Final

import pandas as pd

from jobs.errors import UsageError
from jobs.journal.file import unwritable
from jobs.journal.format import JournalRun, Scan, pair_hash, parse_answer, scan
from jobs.report.model import GatewayId
from jobs.store.locations import Sidecars, sqlite_files
from jobs.sweep.answers import Row
from palm.files.regular import check_regular

__all__ = [
    "Kept",
    "Unfinished",
    "Useless",
    "check_whose",
    "kept_answers",
    "read_journal",
    "remove_old_journals",
    "unfinished",
    "unfinished_of",
]

_OTHER_DATE_S: Final = 3 * 3600.0
"""A run of another date is gone on with by itself only if its last answer is younger."""
_FORGET_AFTER_S: Final = 7 * 86_400.0
_SQLITE: Final = b"SQLite format 3\0"
_PART: Final = 65_536


class Useless(Enum):
    """Why nothing of what is at a journal's place can be believed."""

    DAMAGED = auto()
    EARLIER_VERSION = auto()


@dataclass(frozen=True, slots=True)
class Kept:
    """What an unfinished run has left for the pairs of an input.

    Attributes:
        rows: One per pair that it has an outcome for.
        others: Outcomes of pairs that are not in the input.
    """

    rows: list[Row]
    others: int

    @property
    def is_of_this_input(self) -> bool:
        """Return True if at least half of the outcomes are about pairs of the input."""
        return len(self.rows) >= self.others


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A journal on disk that proves itself.

    Attributes:
        path: Its file.
        run: Whose answers it holds.
        scan: What was found in it.
        content: Its bytes.
    """

    path: Path
    run: JournalRun
    scan: Scan
    content: bytes

    @property
    def run_date(self) -> date:
        """Of the run that left it."""
        return date.fromisoformat(self.run.run_date)

    @property
    def gateway(self) -> GatewayId:
        """Who answered, and for whom."""
        return GatewayId(self.run.gateway, self.run.mchid)

    def kept(self, pairs: pd.DataFrame) -> Kept:
        """Return its outcomes for the pairs of an input, under their places in it."""
        if not self.scan.answers:
            return Kept([], 0)
        found, salt = self.scan.answers, self.run.salt
        rows = []
        for place, (organization, openid) in enumerate(_keys(pairs)):
            if (body := found.get(pair_hash(salt, organization, openid))) is not None:
                rows.append(parse_answer(self.content, body, place))
        return Kept(rows, len(found) - len(rows))


def unfinished(
    files: Sidecars, run_date: date, gateway: GatewayId, pairs: pd.DataFrame, *, now: float
) -> Unfinished | None:
    """Return the journal that a run without a given date goes on with; None: it begins anew.

    That of ``run_date`` is always gone on with; the newest of another date only if its last answer
    is under three hours old, and at least half of its answers are about pairs of the input.

    Args:
        files: Names the files beside the report.
        run_date: Today.
        gateway: Who answers, and for whom.
        pairs: Columns ``PAIRS``.
        now: Unix seconds.
    """
    for day in [run_date, *(day for day in files.journals() if day < run_date)]:
        found = _own(files.journal(day), day, gateway)
        if found is None or not found.scan.answers:
            continue
        # A clock that was wrong may have written of a time to come: that is not young either.
        young = abs(now - found.scan.last_ms / 1000) < _OTHER_DATE_S
        if day == run_date or (young and found.kept(pairs).is_of_this_input):
            return found
    return None


def unfinished_of(
    files: Sidecars, days: Iterable[date], gateway: GatewayId, pairs: pd.DataFrame
) -> tuple[date, int] | None:
    """Return the first of ``days`` whose journal has answers for an input, and how many."""
    for day in days:
        if found := kept_answers(files, day, gateway, pairs):
            return day, len(found)
    return None


def kept_answers(
    files: Sidecars, run_date: date, gateway: GatewayId, pairs: pd.DataFrame
) -> list[Row]:
    """Return what the journal of a run date has for the pairs of an input; changes nothing.

    Raises:
        UsageError: A run would not even begin: another merchant's or gateway's is there.
        OutputError: Nor would it here: something is there that is no journal and cannot be one.
    """
    path = files.journal(run_date)
    try:
        found = read_journal(path)
    except OSError as error:
        raise unwritable(path, error) from None
    if not isinstance(found, Unfinished):
        return []
    check_whose(found, run_date, gateway)
    kept = found.kept(pairs)
    return kept.rows if kept.is_of_this_input else []


def remove_old_journals(
    files: Sidecars, published: date, gateway: GatewayId, *, now: float
) -> Iterator[Path]:
    """Remove the journals that a published report makes useless; yield those of other dates.

    What a damaged journal of that date was renamed to goes, too. A journal of another date, and one
    that was set aside, stay until seven days after their last answer; those of another merchant or
    gateway always stay. Where nothing says when or whose it is, the time of its file counts.
    """
    _remove_of_date(files, published)
    for day, path in files.journals().items():
        last_s = _last_answer_s(path, day, gateway) if day != published else None
        if last_s is not None and now - last_s > _FORGET_AFTER_S:
            _remove_of_date(files, day)
            yield path
    for day, path in files.journals_set_aside():
        if files.journal(day).exists():  # what was damaged goes with its night
            continue
        last_s = _last_answer_s(path, day, gateway)
        if last_s is not None and now - last_s > _FORGET_AFTER_S:
            for file in sqlite_files(path):
                file.unlink(missing_ok=True)
            yield path


def _remove_of_date(files: Sidecars, day: date) -> None:
    for path in (files.journal(day), files.damaged_journal(day), files.recovered_journal(day)):
        path.unlink(missing_ok=True)


def _last_answer_s(path: Path, day: date, gateway: GatewayId) -> float | None:
    """Return when the last answer of a journal came, Unix seconds.

    None: it is of another merchant or gateway, or cannot be opened. One that is empty, damaged at
    its beginning, or of an earlier version does not say whose it is, and nobody can use it: the
    time of its file counts.
    """
    try:
        found, modified_s = read_journal(path), path.stat().st_mtime
    except OSError:
        return None
    if not isinstance(found, Unfinished) or not found.scan.answers:
        return modified_s if _may_be_of(found, day, gateway) else None
    own = _own(path, day, gateway)
    return own.scan.last_ms / 1000 if own else None


def _may_be_of(found: Unfinished | Useless | None, day: date, gateway: GatewayId) -> bool:
    """Return False for a journal that says that it is another merchant's or gateway's."""
    return not isinstance(found, Unfinished) or (found.gateway, found.run_date) == (gateway, day)


def read_journal(path: Path) -> Unfinished | Useless | None:
    """Return the journal at ``path``; None: there is none; else why it is of no use.

    Raises:
        OSError: It is no regular file, or cannot be read.
    """
    try:
        check_regular(path.lstat().st_mode)  # opening a socket or a device does harm
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        check_regular(os.fstat(descriptor).st_mode)  # something else may have taken its place
        content = file.read()
    if not content:  # killed before it wrote anything
        return None
    found = scan(content)
    if found.run is not None:
        return Unfinished(path, found.run, found, content)
    if content.startswith(_SQLITE):
        return Useless.EARLIER_VERSION
    return Useless.DAMAGED


def check_whose(found: Unfinished, run_date: date, gateway: GatewayId) -> None:
    """Refuse the journal of another gateway or merchant, or of another date.

    Raises:
        UsageError: It is one.
    """
    if found.gateway != gateway:
        raise UsageError(
            f"the journal {found.path} is of an unfinished run of {found.gateway}, this run is of "
            f"{gateway}: write to another file, or move it away",
        )
    if found.run_date != run_date:
        raise UsageError(
            f"the journal {found.path} is of a run of {found.run_date}, not of {run_date}: give it "
            "its own name back, or move it away",
        )


def _own(path: Path, day: date, gateway: GatewayId) -> Unfinished | None:
    """Return a journal of this date, gateway and merchant; None: none that can be read is there."""
    try:
        found = read_journal(path)
    except OSError:
        return None
    if not isinstance(found, Unfinished):
        return None
    return found if (found.gateway, found.run_date) == (gateway, day) else None


def _keys(pairs: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Yield organization and openid of each pair, in order."""
    for start in range(0, len(pairs), _PART):
        part = pairs.iloc[start : start + _PART]
        yield from zip(part["organization_id"].tolist(), part["openid"].tolist(), strict=True)
