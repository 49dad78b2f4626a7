"""What the line of a run says that ended before its verdict."""

from __future__ import annotations

import pytest

from jobs.errors import OutputError
from jobs.run.resumption.kept_answers import _kept
from jobs.sweep.stats import RequestStats


class FullJournal:
    """A journal whose disk became full after the last answer was handed over."""

    closed = False

    def close(self):
        self.closed = True

    def check(self):
        assert self.closed, "what is still queued shows only then whether it can be written"
        raise OutputError("Disk full at the journal: answers so far are kept. Free space")


@pytest.fixture
def stats():
    stats = RequestStats()
    stats.pairs, stats.answered = 1200, 7
    return stats


def test_answers_that_the_journal_could_not_take_are_not_called_kept(stats):
    assert _kept(stats, FullJournal()).startswith("Disk full at the journal")


def test_answers_without_a_journal_are_lost(stats):
    said = "the answers about 7 of 1,200 pairs are lost, for no file is written"
    assert _kept(stats, None) == said
