"""Reads the pairs of a CSV file into a frame, and counts each of its lines.

For every input this holds: ``lines`` = pairs + ``duplicates`` + ``invalid``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt
import pandas as pd

from jobs.errors import InputError
from jobs.freed_memory import release_arrow_memory
from jobs.input.blocks import read_table
from jobs.input.content.content import ContentInMemory
from jobs.input.content.scan import InputScan, scan_input, scan_stored
from jobs.input.content.source import Stored, shown, unchanged
from jobs.input.header import Columns, Header, find_header
from jobs.input.keys import Damage, KeyFacts
from jobs.input.line_stats import InvalidLine, LineStats, Reason
from jobs.input.options import OPENID_COLUMN, ORGANIZATION_COLUMN, InputOptions
from jobs.partitions.hashing import pair_hashes
from jobs.partitions.partitioned import FrameInMemory, PartitionedFrame, whole
from jobs.plurals import counted
from jobs.schema import PAIRS, concatenated, conform

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Input",
    "InvalidLine",
    "Reason",
    "input_of",
    "merge_pairs",
    "no_pair",
    "number_pairs",
    "pairs_in_memory",
    "parse_pairs",
    "read_pairs",
    "reading",
]


@dataclass(frozen=True, slots=True)
class Input:
    """The content of an input.

    Attributes:
        name: The file as it was named, or "standard input".
        sha256: Checksum of the bytes of the file as it is stored, packed or not.
        encoding: The encoding with which the file was read.
        delimiter: The character between two fields.
        partitions: Columns ``PAIRS`` and the carried ones; the index is the pair's number in its
            partition.
        lines: Lines after the header, without blank ones at the end and without
            ``continuation_lines``.
        duplicates: Lines that repeat a pair.
        invalid: Lines that hold no pair.
        invalid_lines: The first 1,000 invalid lines.
        invalid_by_reason: How many lines are invalid for each reason.
        continuation_lines: Lines on which a valid record continues, because a carried field holds
            line breaks.
        unusual_openids: Pairs whose openid is not ``o`` and 27 more of ``A-Za-z0-9_-``.
        decorated: Lines of which a key had decoration round it, which was taken off.
        first_decorated: The first of them; 0 where there is none.
        damaged: Keys that may be damaged; they are asked about as they stand.
    """

    name: str
    sha256: str
    encoding: str
    delimiter: str
    partitions: PartitionedFrame
    lines: int
    duplicates: int
    invalid: int
    invalid_lines: tuple[InvalidLine, ...]
    invalid_by_reason: dict[str, int]
    continuation_lines: int
    unusual_openids: int
    decorated: int
    first_decorated: int
    damaged: tuple[Damage, ...]

    @property
    def pairs(self) -> pd.DataFrame:
        """All pairs in one frame; where they are on disk, it takes the memory of all of them."""
        return whole(self.partitions)

    @property
    def pair_count(self) -> int:
        """How many pairs there are."""
        return len(self.partitions)


def read_pairs(options: InputOptions, *, stdin: BinaryIO | None = None) -> Input:
    """Read the pairs of a CSV file, which may be packed (.gz, .zst), or of standard input (``-``).

    Raises:
        InputError: The file cannot be read, or holds no valid pair.
    """
    with scan_input(options, stdin=stdin) as scan:
        return pairs_in_memory(scan, Columns.of(options))


def parse_pairs(
    content: bytes,
    *,
    name: str,
    openid_column: str = OPENID_COLUMN,
    organization_column: str = ORGANIZATION_COLUMN,
    encoding: str | None = None,
    block_size: int | None = None,
) -> Input:
    """Return the pairs of a CSV text, and the counts of its lines.

    Args:
        content: The text's bytes.
        name: The file's name, for the messages.
        openid_column: The header's name of the openid.
        organization_column: The header's name of the organization.
        encoding: The text's; None: a byte order mark decides, else UTF-8, else GB18030.
        block_size: As for :func:`pairs_in_memory`.

    Raises:
        InputError: The text is not CSV with the two key columns, or holds no valid pair.
    """
    stored = Stored(name, ContentInMemory(content), hashlib.sha256(content).hexdigest())
    columns = Columns(openid_column, organization_column)
    return pairs_in_memory(scan_stored(stored, encoding), columns, block_size=block_size)


def pairs_in_memory(
    scan: InputScan,
    columns: Columns = Columns(),  # noqa: B008 - a value
    *,
    block_size: int | None = None,
) -> Input:
    """Return the pairs of an input, all in one frame.

    Args:
        scan: The input.
        columns: The names of the key columns.
        block_size: Bytes that are parsed at once where nothing in them is odd; 0: line by line;
            None: what suits the number of columns. The result is the same.

    Raises:
        InputError: The text is not CSV with the two key columns, holds no valid pair, or changed
            since it was scanned.
    """
    with reading(scan, columns) as (header, stats):
        table = read_table(
            scan.content, scan.encoding, header, stats, scan.name, block_size=block_size
        )
    if not len(table):
        raise no_pair(stats, scan.name)
    records = len(table)
    pairs = number_pairs(table)
    del table
    release_arrow_memory()
    facts = KeyFacts()
    facts.add(pairs)
    return input_of(scan, header, stats, facts, FrameInMemory(pairs), records)


@contextmanager
def reading(scan: InputScan, columns: Columns) -> Iterator[tuple[Header, LineStats]]:
    """Yield the header of an input and the account of its lines, while its records are read.

    Raises:
        InputError: The text is not CSV with the two key columns, or changed since it was scanned.
    """
    with unchanged(scan.content, scan.name):
        try:
            yield find_header(scan.content, scan.encoding, columns, scan.name), LineStats()
        except UnicodeError:  # a codec whose result is not valid text
            raise InputError(
                f"{shown(scan.name)}: is not text in {scan.encoding}; "
                "name its encoding with --encoding"
            ) from None


def input_of(  # noqa: PLR0917 - what reading makes, one of each
    scan: InputScan,
    header: Header,
    stats: LineStats,
    facts: KeyFacts,
    partitions: PartitionedFrame,
    records: int,
) -> Input:
    """Return an input of which the records have been read.

    Args:
        scan: The input.
        header: Its header.
        stats: The account of its lines.
        facts: What its keys look like.
        partitions: Its pairs.
        records: How many records name a pair, those that repeat one too.
    """
    return Input(
        name=scan.name,
        sha256=scan.sha256,
        encoding=scan.encoding,
        delimiter=header.delimiter,
        partitions=partitions,
        lines=records + stats.invalid,
        duplicates=records - len(partitions),
        invalid=stats.invalid,
        invalid_lines=tuple(stats.listed),
        invalid_by_reason={reason.value: count for reason, count in stats.by_reason.items()},
        continuation_lines=stats.continuation,
        unusual_openids=facts.unusual,
        decorated=stats.decorated,
        first_decorated=stats.first_decorated,
        damaged=facts.damaged(),
    )


def number_pairs(table: pa.Table) -> pd.DataFrame:
    """Return one row per pair: its first record, and the number of further records.

    Args:
        table: Records as :func:`jobs.input.blocks.read_table` returns them.
    """
    records = table.to_pandas(split_blocks=True)
    is_first = np.ones(len(records), dtype=bool)
    further = np.zeros(len(records), dtype=np.int64)
    hashes = pair_hashes(records["organization_id"], records["openid"])
    # Nearly all hashes are different, and so are their pairs; only the others are compared.
    alike = np.flatnonzero(pd.Series(hashes).duplicated(keep=False))
    if len(alike):
        numbers = _pair_numbers(records.iloc[alike])
        first = np.diff(np.maximum.accumulate(numbers), prepend=-1) > 0
        is_first[alike] = first
        further[alike[first]] = np.bincount(numbers) - 1
    pairs = records if is_first.all() else records[is_first].reset_index(drop=True)
    pairs["input_duplicates"] = further[is_first]
    return conform(pairs, PAIRS)


def merge_pairs(pieces: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return one row per pair of several frames: its first one, and the number of all others.

    Args:
        pieces: At least one; columns ``PAIRS`` and the same carried ones, in the input's order.
    """
    if len(pieces) == 1:
        return pieces[0]
    rows = concatenated(list(pieces))
    numbers = _pair_numbers(rows)
    first = np.diff(np.maximum.accumulate(numbers), prepend=-1) > 0
    records = np.bincount(numbers, weights=rows["input_duplicates"] + 1)
    pairs = rows[first].reset_index(drop=True)
    return conform(pairs.assign(input_duplicates=records.astype(np.int64) - 1), PAIRS)


def _pair_numbers(records: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the number of each record's pair, from 0 in the order of first appearance."""
    openids = pd.factorize(records["openid"])[0]
    organizations = records["organization_id"].cat
    keys = openids * len(organizations.categories) + organizations.codes
    return pd.factorize(keys)[0]


def no_pair(stats: LineStats, name: str) -> InputError:
    """Return the error of an input without a valid pair."""
    if not stats.invalid:
        return InputError(f"{shown(name)}: no line below the header; it needs pairs there")
    reason, count = stats.by_reason.most_common(1)[0]
    return InputError(
        f"{shown(name)}: no valid pair: {counted(stats.invalid, 'invalid line')}, {count:,} of "
        f"them for this reason: {reason} (first on line {stats.first_of[reason]}); mend the file"
    )
