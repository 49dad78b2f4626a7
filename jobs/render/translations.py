"""English and Chinese labels for the formats that people read.

Column names are the same in every language: people filter by them. States, changes and reasons have
a Chinese name each; the codes of Parquet and CSV stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from jobs.render.chinese_labels import LABELS, VALUES
from jobs.render.chinese_sentences import SENTENCES
from jobs.render.chinese_terminal import TERMINAL_LABELS
from jobs.render.excel.chinese import EXCEL_LABELS
from jobs.render.html.chinese import PAGE_LABELS
from jobs.render.language import Language, Translate
from jobs.schema import COLUMNS, Change, State, UnknownReason

__all__ = ["CHINESE", "translator"]

CHINESE: Final[Mapping[str, str]] = {
    **TERMINAL_LABELS,
    **VALUES,
    **LABELS,
    **PAGE_LABELS,
    **EXCEL_LABELS,
    **SENTENCES,
    **{each.meaning.en: each.meaning.zh for each in (*COLUMNS, *State, *Change, *UnknownReason)},
}
"""English label to Chinese one. A label that is not here is a defect, which a test would show."""


def translator(language: Language) -> Translate:
    """Return the function that puts an English label into ``language``.

    Raises:
        KeyError: (on use) A label has no translation.
    """
    return (lambda text: text) if language is Language.EN else CHINESE.__getitem__
