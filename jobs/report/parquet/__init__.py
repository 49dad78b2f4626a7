"""The report as Parquet: the format with all data, and the baseline of the next run.

One file or, in parts, a folder of files; rows are written and read in pieces.

In: a report, or a path. Out: a file, or a verified report. May import what :mod:`jobs.report` may.
"""

from __future__ import annotations

from jobs.report.parquet.errors import DeniedError, UnreadableError
from jobs.report.parquet.parts import stored_files
from jobs.report.parquet.read import read_counted, read_parquet, read_report, with_unknown
from jobs.report.parquet.write import write_parquet, write_part

__all__ = [
    "DeniedError",
    "UnreadableError",
    "read_counted",
    "read_parquet",
    "read_report",
    "stored_files",
    "with_unknown",
    "write_parquet",
    "write_part",
]
