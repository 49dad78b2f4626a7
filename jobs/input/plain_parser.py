"""Parses blocks of an input in which nothing is odd, with Arrow's CSV reader.

Quotes are not odd if each pair of them encloses one whole field on one line, in which there is no
further quote. Then a field is the text between its quotes, by Python's CSV rules and by Arrow's.
"""

from __future__ import annotations

import codecs
import csv
import re
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from jobs.input.content.encoding import errors_in
from jobs.input.header import Header
from jobs.input.keys import all_plain, is_plain
from jobs.input.valid_records import LONGEST_OPENID, LONGEST_ORGANIZATION

__all__ = ["LONGEST", "PlainParser", "can_be_plain", "encloses_fields"]

_DELIMITERS: Final = frozenset(",\t;|")
_UTF_8: Final = frozenset({"utf-8", "utf-8-sig", "ascii"})
_ENCODINGS: Final = _UTF_8 | {"gb18030", "gbk", "gb2312", "big5", "iso8859-1", "cp1252"}
"""Those in which a line feed, a carriage return and a quote are one byte, as in ASCII, and
never part of another character, and in which a line can be decoded without those before it."""
_LINE: Final = re.compile(rb"[^\r\n]*")
LONGEST: Final = 1 << 26
"""Bytes. A block is longer only if a line of it is: it is cut at the first line end it may be."""


def can_be_plain(header: Header, encoding: str) -> bool:
    """Return True if blocks below such a header can be plain at all."""
    return encoding in _ENCODINGS and header.delimiter in _DELIMITERS and not header.keys.backtick


class PlainParser:
    """Parses the plain blocks of an input.

    Args:
        header: The input's, for which ``can_be_plain`` holds.
        encoding: The input's.
        schema: What ``table_schema`` makes of the header.
    """

    def __init__(self, header: Header, encoding: str, schema: pa.Schema) -> None:
        self._keys = header.keys
        self._encoding = encoding
        self._names = schema.names[: len(header.names)]
        self._delimiter = header.delimiter
        self._convert = arrow_csv.ConvertOptions(check_utf8=False, column_types=schema)

    def parse(self, block: bytes) -> list[pa.Array] | None:
        """Return the columns of a block, one row per line, or None if it is not plain.

        Args:
            block: Whole lines, of text in the encoding.
        """
        if len(block) > LONGEST:
            return None
        has_quotes = b'"' in block
        text = block
        if self._encoding not in _UTF_8 and not block.isascii():
            text = block.decode(self._encoding, errors_in(self._encoding)).encode()
        if text.startswith(codecs.BOM_UTF8) or not self._begins_plain(text):
            return None  # Arrow would pass over the mark
        if has_quotes and not encloses_fields(text, self._delimiter):
            return None
        reading = arrow_csv.ReadOptions(
            use_threads=False, column_names=self._names, block_size=len(text) + 1
        )
        parsing = arrow_csv.ParseOptions(
            delimiter=self._delimiter,
            quote_char='"' if has_quotes else False,
            double_quote=False,
            ignore_empty_lines=False,
        )
        try:
            table = arrow_csv.read_csv(pa.py_buffer(text), reading, parsing, self._convert)
        except (pa.ArrowInvalid, pa.ArrowCancelled):
            # A line has more fields or fewer; or a signal came, and its handler let us go on.
            return None
        columns = [column.combine_chunks() for column in table.columns]
        return columns if self._is_plain(columns, has_guards=b"'" in block) else None

    def _begins_plain(self, text: bytes) -> bool:
        """Return False if the first line is odd: where all lines are, Arrow parses none in vain."""
        line = _LINE.match(text)[0].decode()  # type: ignore[index] # it matches nothing, too
        fields = next(csv.reader([line], delimiter=self._delimiter), [])
        keys = self._keys.openid, self._keys.organization
        return len(fields) == len(self._names) and all(is_plain(fields[at]) for at in keys)

    def _is_plain(self, columns: list[pa.Array], *, has_guards: bool) -> bool:
        keys = self._keys
        openids = columns[keys.openid]
        organizations = columns[keys.organization].dictionary.to_pylist()
        carried = [
            column
            for at, column in enumerate(columns)
            if at not in (keys.openid, keys.organization)
        ]
        lengths = pc.min_max(pc.binary_length(openids)).as_py()
        return (
            1 <= lengths["min"] <= lengths["max"] <= LONGEST_OPENID
            and all_plain(openids)
            and all(is_plain(name) and len(name) <= LONGEST_ORGANIZATION for name in organizations)
            and not any(name.casefold() in keys.names for name in organizations)
            and not (has_guards and any(pc.any(pc.starts_with(x, "'")).as_py() for x in carried))
            and not self._may_repeat_header(openids, carried)
        )

    def _may_repeat_header(self, openids: pa.Array, carried: list[pa.Array]) -> bool:
        """Return True if a record may hold both names of the key columns; its organization none.

        So at least one of the names stands in a carried field.
        """
        texts = [_characters(column).decode().casefold() for column in carried]
        in_carried = [any(name in text for text in texts) for name in self._keys.names]
        if not any(in_carried):
            return False
        folded = _characters(openids).decode().casefold()
        return all(
            carries or name in folded
            for carries, name in zip(in_carried, self._keys.names, strict=True)
        )


def encloses_fields(text: bytes, delimiter: str) -> bool:
    """Return True if each pair of quotes encloses one whole field on one line.

    Args:
        text: Whole lines, in UTF-8.
        delimiter: Between two fields.
    """
    characters = np.frombuffer(text, np.uint8)
    quotes = np.flatnonzero(characters == ord('"'))
    opening, closing = quotes[::2], quotes[1::2]
    is_break = (characters == ord("\n")) | (characters == ord("\r"))
    is_edge = is_break | (characters == ord(delimiter))
    before, behind = opening[opening > 0] - 1, closing[closing < len(text) - 1] + 1
    if not (is_edge[before].all() and is_edge[behind].all()):
        return False
    breaks = np.flatnonzero(is_break)
    # They are not equal either if the last quote closes nothing.
    return np.array_equal(np.searchsorted(breaks, opening), np.searchsorted(breaks, closing))


def _characters(column: pa.Array) -> bytes:
    """Return the texts of a column, one after the other, in UTF-8."""
    characters: bytes = column.buffers()[2].to_pybytes()
    return characters
