"""Errors of libraries and of the file system about a report's file, as a :class:`ReportError`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pyarrow as pa

from jobs.freed_memory import release_arrow_memory
from jobs.report.model import ReportError
from palm.files.regular import path_fault

__all__ = ["DeniedError", "UnreadableError", "translated"]

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


@contextmanager
def translated(path: Path) -> Iterator[None]:
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
