"""How many records a damaged journal has lost, as far as its bytes show. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jobs.journal.format.frames import ANSWERS, CRC, HEAD, HEADER, KINDS, MARK, end_of_frame
from jobs.journal.format.header import JournalRun, header_frame
from jobs.journal.format.scan import Scan

__all__ = ["Lost", "count_lost"]


@dataclass(frozen=True, slots=True)
class Lost:
    """The records that a damaged journal has lost.

    Attributes:
        records: How many at least.
        is_exact: True if there cannot have been more.
    """

    records: int
    is_exact: bool


def count_lost(content: bytes, scanned: Scan) -> Lost:
    """Return how many records of a journal are damaged.

    A record whose head is undamaged shows where the next one begins. Where a head is damaged as
    well, the part between two others is one record if it is shorter than two. How many records any
    longer part held, such as an end that was never written, cannot be known.

    Args:
        content: The journal's bytes.
        scanned: What is valid in them.
    """
    if scanned.run is None:
        return Lost(0, is_exact=False)
    valid = list(_valid_frames(content, scanned.run))
    answers = [end - start for start, end, kind in valid if kind in ANSWERS]
    lost, is_exact = len(answers) - scanned.records, True  # valid frames of implausible values
    behind = 0
    for start, end, _ in [*valid, (len(content), len(content), HEADER)]:
        if behind < start:
            records, known = _count_in(content, behind, start, min(answers, default=0))
            lost, is_exact = lost + records, is_exact and known
        behind = end
    return Lost(lost, is_exact)


def _valid_frames(content: bytes, run: JournalRun) -> Iterator[tuple[int, int, int]]:
    """Yield where each valid frame begins and ends, and its type."""
    at, own = 0, header_frame(run)
    while 0 <= at < len(content):
        end = end_of_frame(content, at, run.seed)
        if end is None and content.startswith(own, at):
            end = at + len(own)
        if end is None:
            at = content.find(MARK, at + 1)
        else:
            yield at, end, content[at + 2]
            at = end


def _count_in(content: bytes, start: int, stop: int, shortest: int) -> tuple[int, bool]:
    """Return how many records a damaged part held at least, and whether it held no more.

    Args:
        content: The journal's bytes.
        start: Where the part begins.
        stop: Where it ends.
        shortest: Length of the shortest valid record.
    """
    lost, headers, is_exact, at = 0, 0, True, start
    while at < stop:
        end, is_answer = _end_by_head(content, at)
        if end is not None and end <= stop:
            lost, headers, at = lost + is_answer, headers + (not is_answer), end
            continue
        following = content.find(MARK, at + 1, stop)
        following = stop if following < 0 else following
        is_one = shortest <= following - at < 2 * shortest
        lost, is_exact, at = lost + is_one, is_exact and is_one, following
    return (lost, is_exact) if headers else (max(lost, 1), is_exact)


def _end_by_head(content: bytes, at: int) -> tuple[int | None, bool]:
    """Return where the frame at ``at`` ends according to its head, and whether it is a record."""
    if not content.startswith(MARK, at) or at + HEAD.size > len(content):
        return None, False
    _, kind, length = HEAD.unpack_from(content, at)
    if kind not in KINDS:
        return None, False
    return at + HEAD.size + length + CRC.size, kind in ANSWERS
