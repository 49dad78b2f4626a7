"""Writes a report as Parquet, row group by row group, whatever pieces its rows are in.

Each row group is cut anew from the pieces, and its dictionaries hold what occurs in it, so that the
file does not depend on them. The checksums and what pandas reads are only known at the end. They
are then added to the footer, with the schema that Arrow reads, which holds them, too.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.report.chunks import ROWS_PER_CHUNK, RowChunks, regrouped
from jobs.report.info import Metadata
from jobs.report.metadata import (
    CHECKSUMS,
    PART,
    PartMark,
    checksums,
    with_unknown_members,
)
from jobs.report.model import KEY, Report
from jobs.report.parquet.checksums import ColumnDigests
from jobs.schema import ARROW_TYPES, ROWS

__all__ = ["write_parquet", "write_part"]

_ROWS_PER_GROUP: Final = ROWS_PER_CHUNK


def write_parquet(report: Report, file: BinaryIO | Path) -> None:
    """Write the report into one file.

    Args:
        report: One that is not in parts.
        file: The file to write to.

    Raises:
        OSError: The file cannot be written.
        ReportError: The rows are in files, and one has changed.
        ValueError: The report is in parts.
    """
    if report.metadata.parts is not None:
        raise ValueError("a report in parts is not one file")
    _write(report.row_chunks, file, _about(report), None, _short(report.metadata))


def write_part(report: Report, number: int, file: BinaryIO | Path) -> None:
    """Write a part of a report that is in parts into a file of its own.

    Part 0 has the metadata of the whole report. Each says to which report it belongs.

    Args:
        report: Its rows are ``RowParts``.
        number: Of the part, from 0.
        file: The file to write to.

    Raises:
        OSError: The file cannot be written.
        ReportError: The rows are in files, and one has changed.
    """
    part = report.part(number)
    mark = PartMark.of(report.metadata, number, len(part))
    if number == 0:
        _write(part, file, _about(report), mark, _short(report.metadata))
    else:
        _write(part, file, None, mark, mark.to_json())


def _write(
    chunks: RowChunks,
    file: BinaryIO | Path,
    about: str | None,
    mark: PartMark | None,
    attrs: Mapping[str, object],
) -> None:
    """Write rows and the texts of the footer.

    Args:
        chunks: The rows.
        file: The file to write to.
        about: The metadata of the report, or None.
        mark: What a part says of itself, or None.
        attrs: What pandas reads into ``DataFrame.attrs``.
    """
    columns = [(name, ARROW_TYPES.get(name, pa.string())) for name in chunks.columns]
    schema = pa.schema(columns)
    digests = ColumnDigests(len(chunks))
    categories = _OpenSets()
    with pq.ParquetWriter(
        file,
        schema,
        compression="zstd",
        use_dictionary=_repeated(schema),
        write_page_checksum=True,
        store_schema=False,
    ) as writer:
        for rows in regrouped(chunks, _ROWS_PER_GROUP):
            group = categories.used(rows)
            digests.update(group)
            table = pa.Table.from_pandas(group, schema=schema, preserve_index=False, safe=True)
            writer.write_table(table.replace_schema_metadata(None).combine_chunks())
        texts = {
            **_texts(about, mark, digests.hexdigests()),
            # pandas reads this key back into DataFrame.attrs
            "PANDAS_ATTRS": json.dumps({KEY: attrs}, ensure_ascii=False),
        }
        empty = categories.of_all(group.iloc[:0])
        pandas = pa.Table.from_pandas(empty, schema=schema, preserve_index=False).schema.metadata
        schema = schema.with_metadata({**pandas, **texts})
        arrow = base64.b64encode(schema.serialize())
        writer.add_key_value_metadata({**schema.metadata, "ARROW:schema": arrow})


def _texts(about: str | None, mark: PartMark | None, columns: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata, what a part says of itself, and the checksums, by their keys."""
    part = None if mark is None else json.dumps(mark.to_json())
    texts = {KEY: about, PART: part, CHECKSUMS: checksums(f"{about or ''}{part or ''}", columns)}
    return {key: text for key, text in texts.items() if text is not None}


class _OpenSets:
    """Collects the values of the columns of categories that come from the input or the gateway."""

    def __init__(self) -> None:
        self._words: dict[str, set[str]] = {}

    def used(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return rows whose categories are the values that occur in them, sorted."""
        columns = {}
        for name, dtype in rows.dtypes.items():
            if isinstance(dtype, pd.CategoricalDtype) and not _is_closed(str(name)):
                own = rows[name].cat
                words = sorted(dtype.categories[np.unique(own.codes[own.codes >= 0])])
                self._words.setdefault(str(name), set()).update(words)
                columns[str(name)] = own.set_categories(words)
        return rows.assign(**columns)

    def of_all(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return rows whose categories are the values that have occurred so far, sorted."""
        words = {name: sorted(own) for name, own in self._words.items()}
        return rows.assign(**{name: rows[name].cat.set_categories(w) for name, w in words.items()})


def _is_closed(name: str) -> bool:
    return isinstance(ROWS.get(name), pd.CategoricalDtype)


def _repeated(schema: pa.Schema) -> list[str]:
    """Return the columns whose values repeat, and the carried ones, whose values may.

    The values of the others differ from row to row. A dictionary of these takes more time and more
    bytes than the values alone.
    """
    return [
        field.name
        for field in schema
        if pa.types.is_dictionary(field.type) or field.name not in ARROW_TYPES
    ]


def _about(report: Report) -> str:
    about = replace(report.metadata, by=None).to_json()
    if report.metadata.is_whole and report.metadata.only is None:
        about = with_unknown_members(about, report.unknown)
    return json.dumps(about, ensure_ascii=False)


def _short(metadata: Metadata) -> dict[str, object]:
    """Return the metadata's run and summary, without the parts that grow with the input."""
    summary = replace(metadata.summary, by_organization={}).to_json()
    del summary["by_organization"]
    run = {"run": metadata.run.to_json()} if metadata.run else {}
    only = {} if metadata.only is None else {"only": metadata.only}
    return {"schema": metadata.schema, **run, "summary": summary, **only}
