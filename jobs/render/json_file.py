"""The report's metadata as JSON, for scripts; ``schema.json`` beside this file describes it."""

from __future__ import annotations

from typing import BinaryIO

from jobs.render.language import Language
from jobs.report import Report
from palm.printable import json_text

__all__ = ["write_json"]


def write_json(report: Report, file: BinaryIO, language: Language = Language.EN) -> None:  # noqa: ARG001
    """Write what is said about the rows; the language changes nothing.

    Raises:
        OSError: The file cannot be written.
    """
    text = json_text(report.about, indent=2)
    file.write(f"{text}\n".encode())
