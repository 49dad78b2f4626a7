"""The files of settings and keys, which no file that a run writes may replace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click

from jobs.commands.options.config_defaults import config_path
from jobs.parsed_options import ParsedOptions
from palm.errors import SettingsError
from palm.settings import load_settings

__all__ = ["settings_files"]


def settings_files(context: click.Context, params: ParsedOptions) -> Iterator[Path]:
    """Yield ``palm.toml`` and the files that it, the environment and the options name.

    Settings that cannot be read name no file; the run itself ends with that error.

    Args:
        context: The command's, which knows where its ``palm.toml`` is.
        params: The parsed options.
    """
    yield config_path(context)
    with suppress(SettingsError):
        settings = load_settings(params["config"], ca_file=params["ca_file"])
        for _, value in settings:
            several = value if isinstance(value, tuple) else (value,)
            yield from (each for each in several if isinstance(each, Path))
