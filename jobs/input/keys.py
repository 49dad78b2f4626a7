"""The two keys of a record: decoration is removed, signs of damage are counted. Pure.

Decoration is what spreadsheets, exports and editors add around a key by accident: blanks of any
kind, invisible characters, ``="…"`` (Excel's way to keep leading zeros), a pair of quotes. No key
of WeChat Pay begins or ends with any of them: openids and organizations consist of
``A-Za-z0-9_-`` in every example of the documentation.

Damage is what cannot be removed without guessing (``1004.0``, ``1.00E+03``): such a key is asked
about unchanged, and a warning is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

__all__ = [
    "DAMAGE",
    "FULL_WIDTH_DIGITS",
    "USUAL_OPENID",
    "Damage",
    "KeyColumns",
    "KeyFacts",
    "all_plain",
    "clean_key",
    "clean_rows",
    "damage_in",
    "is_plain",
]

is_plain: Final = re.compile(r"[A-Za-z0-9_-]+").fullmatch
"""Matches a key without decoration and damage, which nearly all keys are."""

_BLANKS: Final = (
    " \t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""Unicode's White_Space, without the control characters other than the tab."""
_INVISIBLE: Final = (
    "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufeff"
)
"""Zero-width characters, direction marks, soft hyphen, byte order mark."""
_DECORATION: Final = _BLANKS + _INVISIBLE
_ENCLOSED: Final = re.compile(r'=?"([^"]*)"', re.DOTALL)
_UNUSUAL: Final = r"[^A-Za-z0-9_-]"
_PLAIN: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_BLOCK: Final = 1 << 20
_USUAL_LENGTH: Final = 28
USUAL_OPENID: Final = "^o[A-Za-z0-9_-]{27}$"

FULL_WIDTH_DIGITS: Final = "full-width digits"
DAMAGE: Final = {
    ".0": r"\d\.0+$",
    "E+": r"\d[Ee]\+\d+$",
    "=": "=",
    "quotes inside": '"',
    "blanks inside": f"[{_DECORATION}]",
    FULL_WIDTH_DIGITS: "[\uff10-\uff19]",
}
"""Kinds of damage, and the regular expression (for Python and RE2) that matches each."""


@dataclass(frozen=True, slots=True)
class KeyColumns:
    """Which fields of a record are its two keys, and their names in the header.

    Attributes:
        openid: Position of the openid.
        organization: Position of the organization.
        names: The header's names of the two, in this order, case-folded.
        backtick: True if every field of the header begins with a backtick, as in WeChat Pay's
            bills; then one is removed from every field.
    """

    openid: int
    organization: int
    names: tuple[str, str] = ("openid", "organization_id")
    backtick: bool = False


def clean_key(key: str) -> str:
    """Return a key without decoration around it; cleaning it again changes nothing."""
    while True:
        bare = key.strip(_DECORATION)
        if enclosed := _ENCLOSED.fullmatch(bare):
            bare = enclosed[1]
        if bare == key:
            return key
        key = bare


def all_plain(keys: pd.Series | pa.Array) -> bool:
    """Return True if no key has a character other than those that ``is_plain`` matches.

    The characters of all keys are searched at once, which takes a tenth of the time of a regular
    expression. In a part of a larger column, those of the whole column may be searched.

    Args:
        keys: Texts, none missing.
    """
    cells = pa.array(keys) if isinstance(keys, pd.Series) else keys
    chunks = cells.chunks if isinstance(cells, pa.ChunkedArray) else [cells]
    return not any(
        block.translate(None, _PLAIN)
        for chunk in chunks
        if len(chunk)
        for block in _blocks(chunk.buffers()[-1])
    )


def _blocks(characters: pa.Buffer | None) -> Iterator[bytes]:
    if characters is None:
        return
    size = characters.size
    for at in range(0, size, _BLOCK):
        yield characters.slice(at, min(_BLOCK, size - at)).to_pybytes()


def clean_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a report's rows with clean keys, or the same frame if all are clean already.

    Of two rows that become one pair, the one with the newer ``known_at`` is kept, at the position
    of the first of them.

    Args:
        rows: Columns ``ROWS``.
    """
    organizations = rows["organization_id"].cat
    renamed = {name: clean_key(name) for name in organizations.categories}
    are_clean = all(name == clean for name, clean in renamed.items())
    if are_clean and all_plain(rows["openid"]):
        return rows
    odd = rows["openid"].str.contains(_UNUSUAL)
    openids = rows["openid"].where(~odd, rows["openid"].map(clean_key))
    if are_clean and openids.equals(rows["openid"]):
        return rows
    cleaned = rows.assign(
        organization_id=rows["organization_id"].astype("str").map(renamed).astype("category"),
        openid=openids.astype(rows["openid"].dtype),
    )
    pair = cleaned.groupby(["organization_id", "openid"], observed=True, sort=False).ngroup()
    newest = cleaned.assign(pair=pair).sort_values("known_at", kind="stable", na_position="first")
    kept = newest.drop_duplicates("pair", keep="last").sort_values("pair")
    return kept.drop(columns="pair").reset_index(drop=True)


def damage_in(keys: pd.Series) -> dict[str, pd.Series]:
    """Return which keys show which damage, without the kinds that no key shows.

    Args:
        keys: Texts, with any index.

    Returns:
        For each kind of ``DAMAGE`` a boolean series with the index of ``keys``.
    """
    if all_plain(keys):
        return {}
    odd = keys[keys.str.contains(_UNUSUAL)]
    damage = {}
    for kind, pattern in DAMAGE.items():
        if (shown := odd.str.contains(pattern)).any():
            damage[kind] = shown.reindex(keys.index, fill_value=False)
    return damage


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


@dataclass(slots=True)
class KeyFacts:
    """Counts of keys, added up over the partitions of an input.

    Attributes:
        unusual: Pairs whose openid is not ``o`` and 27 more of ``A-Za-z0-9_-``.
    """

    unusual: int = 0
    _damaged: dict[tuple[str, bool], Damage] = field(default_factory=dict)

    def add(self, pairs: pd.DataFrame) -> None:
        """Count the pairs of a partition, columns ``PAIRS``."""
        self.unusual += _unusual(pairs["openid"])
        for found in _damage(pairs):
            kind = found.column, FULL_WIDTH_DIGITS in found.kinds
            known = self._damaged.get(kind)
            self._damaged[kind] = found if known is None else _both(known, found)

    def damaged(self) -> tuple[Damage, ...]:
        """Return the keys that may be damaged: of openids first, full-width digits last."""
        order = sorted(self._damaged, key=lambda kind: (kind[0] != "openid", kind[1]))
        return tuple(self._damaged[kind] for kind in order)


def _both(one: Damage, other: Damage) -> Damage:
    kinds = tuple(kind for kind in DAMAGE if kind in {*one.kinds, *other.kinds})
    return replace(one, kinds=kinds, pairs=one.pairs + other.pairs, line=min(one.line, other.line))


def _unusual(openids: pd.Series) -> int:
    """Return how many openids do not look as ``USUAL_OPENID`` says."""
    if not all_plain(openids):
        return int((~openids.str.match(USUAL_OPENID)).sum())
    usual = (openids.str.len() == _USUAL_LENGTH) & openids.str.startswith("o")
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
