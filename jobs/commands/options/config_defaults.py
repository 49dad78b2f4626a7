"""The options that palm.toml holds: its table [reconcile]."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from jobs.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["config_path", "read_defaults"]

_PATH: Final = "jobs.config_path"
"""Key of the context's ``meta``."""


def config_path(context: click.Context) -> Path:
    """Return where palm.toml is, whether it exists or not."""
    path: Path = context.meta[_PATH]
    return path


def read_defaults(context: click.Context, path: Path | None) -> dict[str, object]:
    """Read palm.toml; its table [reconcile] becomes the options' defaults."""
    from pathlib import Path  # noqa: PLC0415 - not needed for --help

    from palm.settings import CONFIG_NAME, read_config  # noqa: PLC0415
    from palm.text.printable import printable, shown_value  # noqa: PLC0415 - not needed for --help
    from palm.text.suggestion import suggestion  # noqa: PLC0415

    context.meta[_PATH] = Path(CONFIG_NAME) if path is None else path
    if context.resilient_parsing:
        return {}
    config = read_config(path)
    table = config.pop("reconcile", None)
    options = table if isinstance(table, dict) else {}
    defaults = {name.replace("-", "_"): value for name, value in options.items()}
    known = {parameter.name: parameter for parameter in context.command.params}
    shown = printable(str(config_path(context)))
    if unknown := sorted(defaults.keys() - known.keys()):
        hint = suggestion(unknown[0], filter(None, known))
        named = shown_value(unknown[0])
        raise UsageError(f"{shown}: [reconcile]: unknown option {named}; {hint}")
    for name, value in defaults.items():
        multiple = getattr(known[name], "multiple", False)
        if isinstance(value, dict) or (isinstance(value, list) and not multiple):
            raise UsageError(f"{shown}: [reconcile]: {name} takes one value")
        if multiple and not isinstance(value, list):
            defaults[name] = [value]
    context.default_map = defaults
    return config
