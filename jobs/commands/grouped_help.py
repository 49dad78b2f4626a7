"""``--help`` that shows options in groups, the most needed ones first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import click

__all__ = ["GroupedCommand", "OptionGroup"]

_WIDTH: Final = 30
"""Width of the first column; click begins a new line after a wider text."""


class OptionGroup(NamedTuple):
    """Options that are shown under one heading."""

    heading: str
    options: Sequence[click.Option]


class GroupedCommand(click.Command):
    """A command whose options are shown in groups; those of click itself are in the last one.

    Args:
        name: The name of the command.
        groups: The groups, in the order in which they are shown.
        params: Further options and arguments.
        more: The other arguments of ``click.Command``.
    """

    def __init__(
        self,
        name: str | None,
        *,
        groups: Sequence[OptionGroup],
        params: Sequence[click.Parameter] = (),
        **more: Any,  # noqa: ANN401 - as click has it
    ) -> None:
        self._groups = groups
        self._grouped = [option for group in groups for option in group.options]
        super().__init__(name, params=[*params, *self._grouped], **more)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one list of options for each group, all with columns of the same width."""
        options = (each for each in self.get_params(ctx) if isinstance(each, click.Option))
        others = [each for each in options if each not in self._grouped]
        *groups, last = self._groups
        for heading, shown in [*groups, last._replace(options=[*last.options, *others])]:
            records = [record for each in shown if (record := each.get_help_record(ctx))]
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(_WIDTH), text) for name, text in records])
