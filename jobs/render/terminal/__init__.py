"""A report on a terminal, in a pipe or in a log: its summary, and its rows as a table."""

from __future__ import annotations

from jobs.render.terminal.console import SummaryConsole
from jobs.render.terminal.rows import print_rows
from jobs.render.terminal.summary import print_summary, summary_lines

__all__ = ["SummaryConsole", "print_rows", "print_summary", "summary_lines"]
