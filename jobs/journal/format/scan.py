"""What is valid in a journal's bytes. Pure.

The first two frames are the same header; a run that resumes the journal writes it once more. Valid
frames are read wherever they stand: after a damaged part, reading goes on at the next mark of a
valid frame. The later of two answers about one pair counts. The file may end with the beginning of
a frame, for the process was killed or the disk was full. Anything else that is not a valid frame is
damage.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from jobs.journal.format.frames import ANSWERS, HEAD, KEY, MARK, end_of_frame, is_incomplete
from jobs.journal.format.header import JournalRun, find_header, header_frame
from jobs.journal.format.record import is_plausible, parse_record

__all__ = ["Scan", "scan"]


@dataclass(slots=True)
class Scan:
    """What is valid in a journal's bytes.

    Attributes:
        run: The run whose answers they are, or None if there is no valid header; then no record is
            used.
        answers: For the hash of each pair, where the body of its last valid record begins.
        keys: Where the body of each valid key begins.
        records: Valid records, earlier ones about the same pair included.
        damaged: Parts of the file that hold no valid frame, without an incomplete last one.
        valid_end: Where the last valid frame ends.
        is_incomplete: True if the beginning of one more frame follows the last valid one.
        last_ms: When the last record was written, Unix milliseconds; 0 if there is none.
    """

    run: JournalRun | None
    answers: dict[bytes, int] = field(default_factory=dict)
    keys: list[int] = field(default_factory=list)
    records: int = 0
    damaged: int = 0
    valid_end: int = 0
    is_incomplete: bool = False
    last_ms: int = 0


def scan(content: bytes) -> Scan:
    """Return what is valid in a journal's bytes."""
    result = Scan(find_header(content))
    if result.run is None:
        result.damaged = content.count(MARK)
        return result
    at, seed = 0, result.run.seed
    own_header = header_frame(result.run)
    while at < len(content):
        end = end_of_frame(content, at, seed)
        if end is None:
            if content.startswith(own_header, at):
                end = at + len(own_header)
            else:
                at = content.find(MARK, at + 1)
                at = len(content) if at < 0 else at
                continue
        elif content[at + 2] == KEY:
            result.keys.append(at + HEAD.size)
        elif content[at + 2] in ANSWERS:
            body = at + HEAD.size
            if is_plausible(content, body):
                record = parse_record(content, body)
                result.answers[record.pair] = body
                result.records += 1
                result.last_ms = max(result.last_ms, record.noted_ms)
            else:
                result.damaged += 1
        result.damaged += result.valid_end < at
        at = result.valid_end = end
    result.is_incomplete = is_incomplete(content, result.valid_end)
    result.damaged += result.valid_end < len(content) and not result.is_incomplete
    return result
