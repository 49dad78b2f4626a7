"""The console that summaries and rows are printed to, and the tables on it."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["SummaryConsole", "plain_table"]


class SummaryConsole(Console):
    """A console that raises OSError if its reader is gone, where rich would end the process.

    Texts are printed as they are, never as markup.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - those of rich
        super().__init__(**{"markup": False, "emoji": False} | options)

    def on_broken_pipe(self) -> None:
        """Raise the BrokenPipeError that is being handled."""
        raise  # noqa: PLE0704 - within rich's except clause


def plain_table(title: str, *numbers: str) -> Table:
    """Return a table without lines, whose first heading is its title."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    table.add_column(title, no_wrap=True)
    for name in numbers:
        # A truncated number would be wrong.
        table.add_column(name, justify="right", overflow="fold")
    return table
