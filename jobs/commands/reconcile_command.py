"""Parses the command line of ``palm-reconcile``; reports usage errors to the notifiers."""

from __future__ import annotations

from typing import Any, Final

import click

from jobs.commands.exit_codes import exit_code_of
from jobs.commands.grouped_help import GroupedCommand
from jobs.errors import RunError

__all__ = ["ReconcileCommand"]

_REQUIRED: Final = ("source", "output")
"""The arguments and options that every run needs, but not a test message."""


class ReconcileCommand(GroupedCommand):
    """Also reports usage errors, which end the command before it begins, to the notifiers."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **more: Any,  # noqa: ANN401 - as click has it
    ) -> click.Context:
        """Parse the arguments."""
        from palm.errors import SettingsError  # noqa: PLC0415 - not needed for --help

        typed = list(args)
        try:
            context = super().make_context(info_name, args, parent, **more)
            _check_required(context)
        except (click.UsageError, RunError, SettingsError) as error:
            from jobs.observe.usage_errors import report_usage_error  # noqa: PLC0415

            report_usage_error(typed, exit_code_of(error), _line_of(error))
            raise
        return context


def _check_required(context: click.Context) -> None:
    """Check that the command line has an input and an output.

    Raises:
        click.MissingParameter: One of them is missing.
    """
    if context.resilient_parsing or context.params["notify_test"]:
        return
    for parameter in context.command.params:
        if parameter.name in _REQUIRED and context.params[parameter.name] in {None, ()}:
            raise click.MissingParameter(ctx=context, param=parameter)


def _line_of(error: Exception) -> str:
    """Return the message of an error, as the command prints it."""
    from palm.commands.runner import usage_line  # noqa: PLC0415 - not needed for --help

    return usage_line(error) if isinstance(error, click.ClickException) else str(error)
