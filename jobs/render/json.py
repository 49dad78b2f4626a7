"""The report's metadata as JSON, for scripts; ``jobs/report/schema.json`` describes it."""

from __future__ import annotations

from typing import BinaryIO

from jobs.report.model import Report
from palm.text.printable import json_text

__all__ = ["write_json"]


def write_json(report: Report, file: BinaryIO) -> None:
    """Write the metadata of the report.

    Raises:
        OSError: The file cannot be written.
    """
    text = json_text(report.about, indent=2)
    file.write(f"{text}\n".encode())
