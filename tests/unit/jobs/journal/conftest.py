"""Journals as a run opens them, and what they give back."""

from __future__ import annotations

from functools import partial

from jobs.journal.journal import Journal
from jobs.journal.kept import KeptAnswers
from jobs.journal.paths import existing_journals
from jobs.journal.recovery import read_for_run
from jobs.partitions.partitioned import FrameInMemory
from palm import Pair


class Taken:
    """Stands in for what takes over the outcomes of an earlier run, and shows them."""

    def __init__(self):
        self.rows = []

    def __len__(self):
        return len(self.rows)

    def add(self, _number, _pairs, rows):
        self.rows += rows

    def clear(self):
        self.rows = []


def open_journal(files, day, gateway, pairs, **given):
    """Return the journal of a run of pairs in memory, and the rows that it resumes."""
    taken = Taken()
    opened = Journal.open(files, day, gateway, FrameInMemory(pairs), taken, **given)
    return opened, taken.rows


def put(journal, row):
    """Store the outcome of the pair at a position of the tests' frames."""
    journal.put(0, Pair(f"o{row.pair_index}", "A"), row)


def kept_rows(files, day, gateway, pairs):
    """Return what the journals of a date hold for pairs in memory, read as a plan reads it."""
    read = partial(read_for_run, run_date=day, gateway=gateway, unusable=[])
    kept = KeptAnswers(existing_journals(files, day), read)
    rows = [row for _, _, rows in kept.by_partition(FrameInMemory(pairs)) for row in rows]
    return rows if kept.is_of_this_input else []
