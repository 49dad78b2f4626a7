"""The report as Parquet: the format that counts, and the next night's baseline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.frames import ROWS, carried_columns
from jobs.memory import give_back
from jobs.render.language import Language
from jobs.report import KEY, Report, ReportError, read_about, with_rows

__all__ = ["read_parquet", "write_parquet"]

_ROWS_PER_GROUP: Final = 128 * 1024
_DICTIONARY: Final = pa.dictionary(pa.int32(), pa.string())
_TIME: Final = pa.timestamp("ms", "UTC")

_TYPES: Final = {
    "organization_id": _DICTIONARY,
    "openid": pa.string(),
    "state": _DICTIONARY,
    "known_state": _DICTIONARY,
    "previous_state": _DICTIONARY,
    "change": _DICTIONARY,
    "authorize_time": _TIME,
    "previous_authorize_time": _TIME,
    "answered_at": _TIME,
    "known_at": _TIME,
    "first_seen_at": _TIME,
    "last_changed_at": _TIME,
    "last_in_input": pa.timestamp("ms"),
    "unknown_reason": _DICTIONARY,
    "unknown_runs": pa.int16(),
    "error_code": _DICTIONARY,
    "http_status": pa.int16(),
    "attempts": pa.int16(),
    "request_id": pa.string(),
    "input_line": pa.int64(),
    "input_duplicates": pa.int32(),
}


def write_parquet(report: Report, file: BinaryIO | Path, language: Language = Language.EN) -> None:
    """Write the report; ``language`` changes nothing here.

    Raises:
        OSError: The file cannot be written.
    """
    del language
    rows = report.rows
    schema = _schema(rows, report.about)
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for start in range(0, max(len(rows), 1), _ROWS_PER_GROUP):
            part = rows.iloc[start : start + _ROWS_PER_GROUP]
            writer.write_table(
                pa.Table.from_pandas(part, schema=schema, preserve_index=False, safe=True)
            )


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> Report:
    """Read a report.

    Args:
        path: Its file.
        columns: Only these; the others come out empty. ``()``: nothing but what is said about it.

    Raises:
        ReportError: The file cannot be read, is no report, or is of a version not known here.
    """
    try:
        # Read ahead, the whole file would be held beside its rows.
        with pq.ParquetFile(path, pre_buffer=False) as file:
            about = read_about(file.schema_arrow.metadata, str(path))
            table = file.read(columns=None if columns is None else list(columns))
            rows = table.to_pandas(split_blocks=True, self_destruct=True)
            del table  # what is self-destructed must not be looked at again
            return with_rows(rows, about)
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror or 'damaged'}") from None
    except pa.ArrowException:
        raise ReportError(f"{path} is no Parquet file, or a damaged one") from None
    finally:
        give_back()  # the pages unpacked are more than the rows


def _schema(rows: pd.DataFrame, about: dict[str, Any]) -> pa.Schema:
    carried = dict.fromkeys(carried_columns(rows.columns, ROWS), pa.string())
    types = _TYPES | carried
    schema = pa.schema([(name, types[name]) for name in rows.columns])
    pandas = pa.Table.from_pandas(rows.iloc[:0], schema=schema, preserve_index=False).schema
    return schema.with_metadata(
        {
            **pandas.metadata,
            KEY: json.dumps(about, ensure_ascii=False),
            # pandas reads this key back into DataFrame.attrs
            "PANDAS_ATTRS": json.dumps({KEY: _short(about)}, ensure_ascii=False),
        }
    )


def _short(about: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata's run and summary, without the lists that grow with the input."""
    summary = {k: v for k, v in about["summary"].items() if k != "by_organization"}
    only = {"only": about["only"]} if "only" in about else {}
    return {"schema": about["schema"], "run": about["run"], "summary": summary, **only}
