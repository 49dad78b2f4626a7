"""The languages of labels. Apart from the labels, which a command line does not need."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias

__all__ = ["Language", "Translate"]


class Language(StrEnum):
    """A language of labels; its value is that of ``--lang``."""

    EN = "en"
    ZH = "zh"


Translate: TypeAlias = Callable[[str], str]
"""Returns an English label in a language."""
