"""The languages of labels. Apart from the labels, which a command line does not need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

__all__ = ["Language", "RenderOptions", "Translate"]


class Language(StrEnum):
    """A language of labels; its value is that of ``--lang``."""

    EN = "en"
    ZH = "zh"


Translate: TypeAlias = Callable[[str], str]
"""Returns an English label in a language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderOptions:
    """How the formats for people are rendered.

    Attributes:
        language: The language of labels in HTML and Excel.
    """

    language: Language = Language.EN
