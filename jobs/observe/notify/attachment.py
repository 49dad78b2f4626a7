"""The page that goes with a message: the HTML report without anything about a single person."""

from __future__ import annotations

import re
from typing import Final

from jobs.extract.redaction import redacted
from jobs.observe.notify.delivery import Attachment
from jobs.person import Person
from jobs.render.html.page import render
from jobs.render.language import Language
from jobs.report.model import Report

__all__ = ["attachment_of", "redacted_page"]

_HIDDEN: Final = "…"
_LIKE_OPENID: Final = re.compile(
    r"(?<![0-9A-Za-z_+/=-])o[0-9A-Za-z_-]{27}(?![0-9A-Za-z_+/=-])", re.IGNORECASE
)
"""An openid, also one that stands in a column where none belongs."""
_NOT_IN_NAMES: Final = re.compile(r"[^\w.-]+")


def attachment_of(report: Report, name: str, language: Language) -> Attachment:
    """Return the page about a report, as it is attached to a message.

    Args:
        report: The published report.
        name: The name of the job.
        language: The language of the page.
    """
    stem = _NOT_IN_NAMES.sub("-", f"{name}-{report.run_date}").strip("-.")
    return Attachment(f"{stem}.html", redacted_page(report, language))


def redacted_page(report: Report, language: Language) -> str:
    """Return the report's HTML page with hashes instead of openids, and no carried column.

    The hashes are those of the log, if ``PALM_LOG_KEY`` is set.
    """
    page = render(redacted(report, Person.from_env()), language)
    return _LIKE_OPENID.sub(_HIDDEN, page)
