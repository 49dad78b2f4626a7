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
        by: Columns carried over from the input, by whose values the pairs are counted, too.
        show: Carried columns that are shown beside the openid.
        redact: Whether hashes replace the openids.
    """

    language: Language = Language.EN
    by: tuple[str, ...] = ()
    show: tuple[str, ...] = ()
    redact: bool = False

    def words(self) -> list[str]:
        """Return the options as they are typed; an option that is not set has no words."""
        words = [] if self.language is Language.EN else ["--lang", self.language.value]
        for option, columns in (("--by", self.by), ("--show", self.show)):
            words += [word for column in columns for word in (option, column)]
        return [*words, "--redact"] if self.redact else words
