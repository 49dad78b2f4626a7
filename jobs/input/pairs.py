"""Reads the pairs of a CSV file into a frame, and counts each of its lines.

For every input this holds: ``lines`` = pairs + ``duplicates`` + ``invalid``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pandas as pd

from jobs.arrow_memory import release_arrow_memory
from jobs.errors import InputError
from jobs.input.blocks import read_table
from jobs.input.header import USUAL_LENGTH, USUAL_OPENID, Columns, find_header
from jobs.input.keys import FULL_WIDTH_DIGITS, all_plain, damage_in
from jobs.input.line_stats import InvalidLine, LineStats, Reason
from jobs.input.options import OPENID_COLUMN, ORGANIZATION_COLUMN, InputOptions
from jobs.input.source import find_encoding, read_stored, shown
from jobs.partitions.partitioned import FrameInMemory, PartitionedFrame, whole
from jobs.plurals import counted
from jobs.schema import PAIRS, conform

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Input", "InvalidLine", "Reason", "parse_pairs", "read_pairs"]


@dataclass(frozen=True, slots=True)
class Damage:
    """Keys of one column that look damaged.

    Attributes:
        column: ``openid`` or ``organization_id``.
        kinds: The kinds of damage, of :data:`jobs.input.keys.DAMAGE`.
        pairs: How many pairs have such a key.
        line: The first line with such a key.
    """

    column: str
    kinds: tuple[str, ...]
    pairs: int
    line: int


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
    stored = read_stored(options.source, stdin, max_size=options.max_size)
    parsed = parse_pairs(
        stored.content,
        name=stored.name,
        openid_column=options.openid_column,
        organization_column=options.organization_column,
        encoding=options.encoding,
    )
    return replace(parsed, sha256=stored.sha256)


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
        block_size: Bytes that are parsed at once where nothing in them is odd; 0: line by line;
            None: what suits the number of columns. The result is the same.

    Raises:
        InputError: The text is not CSV with the two key columns, or holds no valid pair.
    """
    used = find_encoding(content, name, encoding)
    try:
        header = find_header(content, used, Columns(openid_column, organization_column), name)
        stats = LineStats()
        table = read_table(content, used, header, stats, name, block_size=block_size)
    except UnicodeError:  # a codec whose result is not valid text
        raise InputError(
            f"{shown(name)}: is not text in {used}; name its encoding with --encoding"
        ) from None
    if not len(table):
        raise _no_pair(stats, name)
    records = len(table)
    pairs = _number_pairs(table)
    del table
    release_arrow_memory()
    return Input(
        name=name,
        sha256=hashlib.sha256(content).hexdigest(),
        encoding=used,
        delimiter=header.delimiter,
        partitions=FrameInMemory(pairs),
        lines=records + stats.invalid,
        duplicates=records - len(pairs),
        invalid=stats.invalid,
        invalid_lines=tuple(stats.listed),
        invalid_by_reason={reason.value: count for reason, count in stats.by_reason.items()},
        continuation_lines=stats.continuation,
        unusual_openids=_unusual(pairs["openid"]),
        decorated=stats.decorated,
        first_decorated=stats.first_decorated,
        damaged=tuple(_damage(pairs)),
    )


def _number_pairs(table: pa.Table) -> pd.DataFrame:
    """Return one row per pair: its first record, and the number of further records."""
    records = table.to_pandas(split_blocks=True)
    openids = pd.factorize(records["openid"])[0]
    organizations = records["organization_id"].cat
    keys = openids * len(organizations.categories) + organizations.codes
    numbers = pd.factorize(keys)[0]  # counts up from 0 in the order of first appearance
    first = np.diff(np.maximum.accumulate(numbers), prepend=-1) > 0
    pairs = records if first.all() else records[first].reset_index(drop=True)
    pairs["input_duplicates"] = np.bincount(numbers) - 1
    return conform(pairs, PAIRS)


def _unusual(openids: pd.Series) -> int:
    """Return how many openids do not look as ``USUAL_OPENID`` says."""
    if not all_plain(openids):
        return int((~openids.str.match(USUAL_OPENID)).sum())
    usual = (openids.str.len() == USUAL_LENGTH) & openids.str.startswith("o")
    return int((~usual).sum())


def _damage(pairs: pd.DataFrame) -> Iterator[Damage]:
    """Yield the possible damage of each key column; full-width digits are reported separately."""
    organizations = pairs["organization_id"].cat
    for column in ("openid", "organization_id"):
        if column == "openid":
            damaged = damage_in(pairs["openid"])
        else:  # each name is examined once, however many pairs have it
            names = damage_in(pd.Series(organizations.categories, dtype="str"))
            damaged = {
                kind: pd.Series(shown.to_numpy()[organizations.codes], pairs.index)
                for kind, shown in names.items()
            }
        wide = {kind: shown for kind, shown in damaged.items() if kind == FULL_WIDTH_DIGITS}
        for shows in ({k: v for k, v in damaged.items() if k not in wide}, wide):
            if shows:
                hit = np.logical_or.reduce([shown.to_numpy() for shown in shows.values()])
                line = int(pairs["input_line"].to_numpy()[hit].min())
                yield Damage(column, tuple(shows), int(hit.sum()), line)


def _no_pair(stats: LineStats, name: str) -> InputError:
    if not stats.invalid:
        return InputError(f"{shown(name)}: no line below the header; it needs pairs there")
    reason, count = stats.by_reason.most_common(1)[0]
    return InputError(
        f"{shown(name)}: no valid pair: {counted(stats.invalid, 'invalid line')}, {count:,} of "
        f"them for this reason: {reason} (first on line {stats.first_of[reason]}); mend the file"
    )
