"""The report as Parquet: the format with all data, and the baseline of the next run.

A file is refused if it does not have the content that was written: the checksums of the pages are
verified as they are read, then those of the metadata and of each column
(:mod:`jobs.report.metadata`), because those of the pages do not cover the footer and the headers of
pages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.arrow_memory import release_arrow_memory
from jobs.plurals import counted
from jobs.report.checksums import column_digests
from jobs.report.info import Metadata
from jobs.report.metadata import (
    CHECKSUMS,
    checksums,
    read_checksums,
    read_metadata,
    unknown_members,
    with_unknown_members,
)
from jobs.report.model import KEY, Report, ReportError, recheck_alone, with_rows
from jobs.schema import ARROW_TYPES, REQUIRED
from palm.files.regular import open_regular, path_fault

__all__ = [
    "DeniedError",
    "UnreadableError",
    "read_checked",
    "read_parquet",
    "with_unknown",
    "write_parquet",
]

_ROWS_PER_GROUP: Final = 128 * 1024
_DAMAGED: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    pa.ArrowException,
)
"""Errors that libraries raise for a damaged file."""


class UnreadableError(ReportError):
    """The file system refuses to read the file; its content is unknown."""


class DeniedError(UnreadableError):
    """This user may not read the file. It must not be moved away, or nothing would be compared."""


def write_parquet(report: Report, file: BinaryIO | Path) -> None:
    """Write the report.

    Raises:
        OSError: The file cannot be written.
    """
    rows = report.rows
    schema = _schema(report)
    with pq.ParquetWriter(
        file,
        schema,
        compression="zstd",
        use_dictionary=_repeated(schema),
        write_page_checksum=True,
    ) as writer:
        for start in range(0, max(len(rows), 1), _ROWS_PER_GROUP):
            part = rows.iloc[start : start + _ROWS_PER_GROUP]
            writer.write_table(
                pa.Table.from_pandas(part, schema=schema, preserve_index=False, safe=True)
            )


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


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> Report:
    """Read a report, and verify its checksums.

    Args:
        path: The report's file.
        columns: Read only these, the others come out empty; ``()`` reads only the metadata.

    Raises:
        ReportError: The file cannot be read, is damaged, is not a report, or has an unknown
            version.
    """
    with _translated(path):
        # Opened here because errors of the file system then have a number; pyarrow's have none.
        # With pre_buffer, the whole file would be in memory beside its rows.
        with (
            open_regular(path) as opened,  # Arrow would wait for a FIFO, and take names for UTF-8
            pq.ParquetFile(opened, pre_buffer=False, page_checksum_verification=True) as file,
        ):
            metadata = read_metadata(file.metadata.metadata, str(path))
            stored = read_checksums(file.metadata.metadata, str(path))
            _check_shape(file, metadata, path)
            table = file.read(columns=None if columns is None else list(columns))
            table.validate(full=True)
            names = table.column_names
            rows = table.to_pandas(
                ignore_metadata=True, split_blocks=True, self_destruct=True,
                types_mapper={pa.int64(): pd.Int64Dtype()}.get,
            )  # fmt: skip
            del table  # a self-destructed table must not be used again
        report = with_rows(rows, metadata)
        del rows
        if stored is not None:
            expected = (
                stored.columns if columns is None else {n: stored.columns.get(n) for n in names}
            )
            _check_columns(report.rows[names], expected, path)
        if columns is None and report.rows[list(REQUIRED)].isna().to_numpy().any():
            raise ReportError(f"{path} is damaged: a row lacks its pair or its change")
        return report


def read_checked(path: Path) -> Report:
    """Read a report whole, verify its checksums, and check its own controls.

    The controls of a report with only some of the rows are not checked.

    Raises:
        ReportError: As :func:`read_parquet`; or a control does not hold.
    """
    report = read_parquet(path)
    if report.metadata.rows_chosen is not None:
        return report
    with _translated(path):
        wrong = [control for control in recheck_alone(report) if not control.holds]
    if wrong:
        raise ReportError(
            f"{path} is damaged: the control {wrong[0].name} does not hold: {wrong[0].detail}"
        )
    return report


def with_unknown(report: Report, path: Path) -> Report:
    """Return a report with the members of its file's metadata that only a later version knows.

    Args:
        report: As :func:`read_checked` returned it.
        path: The report's file.

    Raises:
        ReportError: The file can no longer be read.
    """
    with _translated(path), open_regular(path) as opened:
        text = (pq.read_metadata(opened).metadata or {})[KEY.encode()]
        return replace(report, unknown=unknown_members(json.loads(text), report.about))


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Raise the libraries' errors about a file that cannot be read as a :class:`ReportError`."""
    kind = ReportError
    try:
        yield
    except OSError as error:
        fault = f"cannot be read: {error.strerror or 'it is damaged'}"
        kind = UnreadableError if error.errno else ReportError
        kind = DeniedError if isinstance(error, PermissionError) else kind
    except UnicodeEncodeError as error:
        fault = f"cannot be read: {path_fault(error)}"
    except pa.ArrowException:
        fault = "is not a Parquet file, or a damaged one"
    except _DAMAGED:
        fault = "is damaged"
    else:
        return
    finally:
        release_arrow_memory()  # uncompressed pages take more memory than the rows
    # Raised outside the except block so that the original is not chained: it may quote the file.
    raise kind(f"{path} {fault}")


def _check_shape(file: pq.ParquetFile, metadata: Metadata, path: Path) -> None:
    """Refuse a file that contradicts its metadata, before its rows are read."""
    schema, rows = file.schema_arrow, file.metadata.num_rows
    if (schema.metadata or {}).items() - file.metadata.metadata.items():
        raise ReportError(f"{path} is damaged: its two copies of the metadata differ")
    if len(set(schema.names)) != len(schema.names):
        raise ReportError(f"{path} is damaged: two columns have the same name")
    if wrong := [field.name for field in schema if not _is_convertible(field)]:
        raise ReportError(f"{path} is damaged: column {wrong[0]!r} has the wrong type")
    claimed = sum(metadata.summary.changes.values())
    if rows > claimed or (rows < claimed and metadata.rows_chosen is None):
        raise ReportError(
            f"{path} is damaged: it has {counted(rows, 'row')} and claims {claimed:,}"
        )


def _is_convertible(field: pa.Field) -> bool:
    """Return True if a column can be converted to its type, whichever tool wrote it."""
    wanted, kind = ARROW_TYPES.get(field.name, pa.string()), field.type
    if pa.types.is_timestamp(wanted):
        return bool(pa.types.is_timestamp(kind))
    if pa.types.is_integer(wanted):
        return bool(pa.types.is_integer(kind))
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _check_columns(rows: pd.DataFrame, expected: Mapping[str, str | None], path: Path) -> None:
    found = column_digests(rows)
    if wrong := [name for name in {**expected, **found} if found.get(name) != expected.get(name)]:
        raise ReportError(f"{path} is damaged: column {wrong[0]!r} does not match its checksum")


def _schema(report: Report) -> pa.Schema:
    rows = report.rows
    schema = pa.schema([(name, ARROW_TYPES.get(name, pa.string())) for name in rows.columns])
    pandas = pa.Table.from_pandas(rows.iloc[:0], schema=schema, preserve_index=False).schema
    about = replace(report.metadata, by=None).to_json()
    if report.metadata.is_whole and report.metadata.only is None:
        about = with_unknown_members(about, report.unknown)
    text = json.dumps(about, ensure_ascii=False)
    return schema.with_metadata(
        {
            **pandas.metadata,
            KEY: text,
            CHECKSUMS: checksums(text, column_digests(rows)),
            # pandas reads this key back into DataFrame.attrs
            "PANDAS_ATTRS": json.dumps({KEY: _short(report.metadata)}, ensure_ascii=False),
        }
    )


def _short(metadata: Metadata) -> dict[str, object]:
    """Return the metadata's run and summary, without the parts that grow with the input."""
    summary = replace(metadata.summary, by_organization={}).to_json()
    del summary["by_organization"]
    run = {"run": metadata.run.to_json()} if metadata.run else {}
    only = {} if metadata.only is None else {"only": metadata.only}
    return {"schema": metadata.schema, **run, "summary": summary, **only}
