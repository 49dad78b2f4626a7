"""Where messages go, when one is sent, and what is in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from jobs.render.language import Language

__all__ = ["NotifyOn", "NotifyOptions"]


class NotifyOn(StrEnum):
    """When a message is sent."""

    PROBLEM = "problem"
    CHANGE = "change"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyOptions:
    """The options of messages.

    Attributes:
        target: A file in Apprise's format, or Apprise URLs, as ``PALM_NOTIFY`` has it; None if no
            messages are sent. It may hold secrets.
        on: When a message is sent.
        attach: Whether the redacted HTML report is attached.
        language: The language of the message.
    """

    target: str | None = field(default=None, repr=False)
    on: NotifyOn = NotifyOn.PROBLEM
    attach: bool = False
    language: Language = Language.EN
