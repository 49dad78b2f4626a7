"""English and Chinese labels for the formats that people read.

Column names, states, changes and reasons are the same in every language: people filter by them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

__all__ = ["Language", "Translate", "translator"]


class Language(StrEnum):
    """A language of labels."""

    EN = "en"
    ZH = "zh"


Translate = Callable[[str], str]

CHINESE: Final[Mapping[str, str]] = {
    "Summary": "摘要",
    "Transitions": "状态迁移",
    "Organizations": "机构",
    "Changes": "变更",
    "Unknown": "未知",
    "About": "关于",
}
"""English label to Chinese one. A label that is not here is a defect; a test looks for it."""


def translator(language: Language) -> Translate:
    """Return the function that puts an English label into ``language``.

    Raises:
        KeyError: (on use) A label has no translation.
    """
    return (lambda text: text) if language is Language.EN else CHINESE.__getitem__
