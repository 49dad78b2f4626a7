"""Journals that already exist: what of them is resumed, and what becomes of the rest."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

from jobs.evidence.kept import EvidenceCollector
from jobs.journal.file import append, unwritable
from jobs.journal.format.damage import count_lost
from jobs.journal.format.frames import frame_at
from jobs.journal.format.header import JournalRun, header_frame
from jobs.journal.kept import KeptAnswers
from jobs.journal.paths import JournalPath
from jobs.journal.stored import StoredJournal, UnusableJournal, check_owner, read_journal
from jobs.partitions.partitioned import PartitionedFrame
from jobs.plurals import Quantity, counted
from jobs.report.model import GatewayId
from jobs.store.locations import sqlite_files
from jobs.sweep.blocks.restored import Restored

__all__ = ["Resumed", "forget", "read_for_run", "resume", "set_aside", "unwritable_at"]


@dataclass(frozen=True, slots=True)
class Resumed:
    """What a run takes over from journals that already exist.

    Attributes:
        runs: The headers of the journals that hold answers of this run.
        found: How many answers they hold.
        messages: What was done with the journals, one line each.
    """

    runs: dict[JournalPath, JournalRun] = field(default_factory=dict)
    found: int = 0
    messages: list[str] = field(default_factory=list)


@contextmanager
def unwritable_at(path: JournalPath) -> Iterator[None]:
    """Raise the error that the operator reads where a journal cannot be read or written."""
    try:
        yield
    except OSError as error:
        raise unwritable(path.path, error) from None


def read_for_run(
    path: JournalPath,
    run_date: date,
    gateway: GatewayId,
    unusable: list[tuple[JournalPath, UnusableJournal]],
) -> StoredJournal | None:
    """Return a journal that a run of this date resumes, or None if none of it can be used.

    Args:
        path: The journal.
        run_date: Of the run.
        gateway: The gateway that is asked, and the merchant that asks.
        unusable: Takes the journal if nothing in it can be used.

    Raises:
        UsageError: It is of another merchant, gateway or date.
        OutputError: It cannot be read.
    """
    with unwritable_at(path):
        journal = read_journal(path.path)
    if isinstance(journal, UnusableJournal):
        unusable.append((path, journal))
        return None
    if journal is not None:
        check_owner(journal, run_date, gateway)
    return journal


def forget(paths: Sequence[JournalPath], run_date: date, gateway: GatewayId) -> None:
    """Remove the journals of a run date, if all of them are this gateway's and merchant's.

    Raises:
        UsageError: One is of another merchant, gateway or date; nothing is removed.
        OutputError: One cannot be read or removed.
    """
    for path in paths:
        read_for_run(path, run_date, gateway, [])
    for path in paths:
        with unwritable_at(path):
            path.path.unlink(missing_ok=True)


def resume(
    paths: Sequence[JournalPath],
    run_date: date,
    gateway: GatewayId,
    pairs: PartitionedFrame,
    restored: Restored,
    *,
    collector: EvidenceCollector | None = None,
    only_signed: bool = False,
) -> Resumed:
    """Take over what can be resumed; rename journals that cannot be used.

    Args:
        paths: The journals of the run date.
        run_date: Of this run.
        gateway: The gateway that is asked, and the merchant that asks.
        pairs: Columns ``PAIRS``.
        restored: Takes the outcomes.
        collector: Takes what was signed of the answers; None: it is not kept.
        only_signed: Whether good answers of which nothing signed is kept are left out.

    Raises:
        UsageError: A journal is of another merchant, gateway or date.
        OutputError: A journal cannot be read or written.
        OSError: A partition cannot be read, or the outcomes cannot be kept.
    """
    unusable: list[tuple[JournalPath, UnusableJournal]] = []
    read = partial(read_for_run, run_date=run_date, gateway=gateway, unusable=unusable)
    kept = KeptAnswers(paths, read, collector=collector, only_signed=only_signed)
    for number, frame, rows in kept.by_partition(pairs):
        restored.add(number, frame, rows)
    messages = [set_aside(path, why) for path, why in unusable]
    if not kept.is_of_this_input:
        restored.clear()
        return Resumed(messages=[*messages, _set_all_aside(list(kept.runs), kept)])
    messages += [_mend(path) for path in kept.imperfect]
    if kept.unsigned:
        messages.append(
            f"{counted(kept.unsigned, 'answer')} of the unfinished run "
            f"{Quantity(kept.unsigned):was|were} kept without --evidence; asking again"
        )
    return Resumed(kept.runs, kept.found, messages)


def _set_all_aside(paths: Sequence[JournalPath], kept: KeptAnswers) -> str:
    """Rename journals about other pairs, and return the message about them."""
    for path in paths:
        with unwritable_at(path):
            path.path.replace(path.aside)
    whose, first = ("its", "Journal") if len(paths) == 1 else ("their", f"{len(paths):,} journals")
    last = "" if len(paths) == 1 else " and so on"
    return (
        f"{first} renamed to {paths[0].aside.name}{last}: only {kept.found:,} of {whose} "
        f"{counted(kept.stored, 'answer')} "
        f"{Quantity(kept.found):is about a pair|are about pairs} of this input; starting over"
    )


def set_aside(path: JournalPath, why: UnusableJournal) -> str:
    """Rename a journal of which nothing can be used, and return the message about it.

    Raises:
        OutputError: It cannot be renamed.
    """
    with unwritable_at(path):
        if why is UnusableJournal.DAMAGED:
            path.path.replace(path.damaged)
            return (
                f"Journal damaged: renamed to {path.damaged.name}, no answer recovered; "
                "starting over"
            )
        old_and_new = zip(sqlite_files(path.path), sqlite_files(path.aside), strict=True)
        for old, new in old_and_new:
            with suppress(FileNotFoundError):
                old.replace(new)
    return f"Journal of an earlier version: renamed to {path.aside.name}; starting over"


def _mend(path: JournalPath) -> str:
    """Repair a damaged journal, or drop its incomplete last record; return the message about it."""
    with unwritable_at(path):
        journal = read_journal(path.path)
        if not isinstance(journal, StoredJournal):
            raise FileNotFoundError(path.path)  # it was there a moment ago
        scan = journal.scan
        if not scan.damaged:
            os.truncate(path.path, scan.valid_end)
            return f"Journal {path.path.name}: its last record was incomplete; dropped"
        _repair(journal, path.damaged, path.recovered)
    lost = count_lost(journal.content, scan)
    least = "" if lost.is_exact else "at least "
    of_all = f"{scan.records:,} of {least}{counted(scan.records + lost.records, 'answer')}"
    return f"Journal damaged: renamed to {path.damaged.name}, {of_all} recovered"


def _repair(damaged: StoredJournal, aside: Path, fresh: Path) -> None:
    """Replace a damaged journal by one with its valid records, and keep the damaged one.

    Whenever the process is killed, there is a journal with all valid records at the path.
    """
    fresh.unlink(missing_ok=True)
    bodies = (*damaged.scan.keys, *damaged.scan.answers.values())
    valid = (frame_at(damaged.content, body) for body in bodies)
    append(fresh, header_frame(damaged.run) * 2 + b"".join(valid))
    aside.unlink(missing_ok=True)
    try:
        aside.hardlink_to(damaged.path)
    except OSError:  # a file system without links
        append(aside, damaged.content)
    fresh.replace(damaged.path)
