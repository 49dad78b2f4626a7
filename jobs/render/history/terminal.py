"""A history for a terminal or a pipe: a line a night, then what became of the pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from jobs.history.model import Gap, History, Night
from jobs.render.history.words import (
    arrived_sentence,
    duration_sentence,
    gap_note,
    gap_text,
    headline,
    lost_sentence,
    night_note,
    turns_sentence,
    warnings,
)
from jobs.render.language import Translate
from jobs.render.numbers import share
from palm.text.printable import printable

__all__ = ["print_history"]

_HEADINGS: Final = (
    "night", "pairs", "ON", "share", "gained", "lost", "hidden", "unknown", "exit",
)  # fmt: skip
_BETWEEN: Final = "  "


def print_history(history: History, console: Console, translate: Translate) -> None:
    """Print warnings, the headline, a line a night, and the sentences about the pairs.

    No line is cut: a number that is cut is a wrong one.
    """
    for warning in warnings(history, translate):
        _print(console, f"! {printable(warning)}", "bold yellow")
    _print(console, headline(history, translate), "bold")
    for number, text in enumerate(_table(history, translate)):
        _print(console, text, "" if number else "dim")
    for sentence in (lost_sentence, turns_sentence, duration_sentence, arrived_sentence):
        _print(console, sentence(history, translate))


def _print(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style=style), soft_wrap=True)


def _table(history: History, translate: Translate) -> Iterator[str]:
    """Yield the headings and a line for each night or gap, numbers at the right."""
    rows: list[tuple[Sequence[str], str]] = [
        ([translate(heading) for heading in _HEADINGS], translate("note"))
    ]
    gaps: dict[int, str] = {}
    for line in history.lines():
        if isinstance(line, Gap):
            gaps[len(rows)] = f"{gap_text(line)}{_BETWEEN}{gap_note(line, translate)}"
            rows.append(((), ""))
        else:
            rows.append((_cells(line), night_note(line, translate)))
    if not any(note for _, note in rows[1:]):
        rows[0] = (rows[0][0], "")
    widths = [
        max(cell_len(cells[at]) for cells, _ in rows if cells) for at in range(len(_HEADINGS))
    ]
    for number, (cells, note) in enumerate(rows):
        if number in gaps:
            yield gaps[number]
            continue
        first, *others = zip(cells, widths, strict=True)
        padded = [_left(*first), *(_right(*each) for each in others)]
        yield _BETWEEN.join([*padded, note]).rstrip()


def _cells(night: Night) -> list[str]:
    counts = (night.gained, night.lost, night.hidden, night.unknown)
    return [
        f"{night.run_date}",
        f"{night.pairs:,}",
        f"{night.on:,}",
        share(night.on, night.pairs),
        *(f"{count:,}" for count in counts),
        f"{night.exit_code}",
    ]


def _left(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _right(text: str, width: int) -> str:
    return " " * (width - cell_len(text)) + text
