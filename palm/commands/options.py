"""The options of ``palm``: their types, and those that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypedDict, TypeVar

import click

from palm.http.url import proxy_option
from palm.settings import Settings, load_settings, read_config

__all__ = [
    "CheckOptions",
    "GetOptions",
    "SandboxOptions",
    "SettingsOptions",
    "ca_setting",
    "settings_of",
    "settings_options",
]

_Function = TypeVar("_Function", bound=Callable[..., object])


class SettingsOptions(TypedDict):
    """The options that :func:`settings_options` adds."""

    config: Path | None
    base_url: tuple[str, ...]
    ca_file: Path | None
    proxy: str | None


class GetOptions(SettingsOptions):
    """The options of ``palm get``."""

    openid: str
    organization_id: str
    accept_unnamed: bool | None
    require_echo: bool | None


class CheckOptions(SettingsOptions):
    """The options of ``palm check``."""

    openid: str | None
    organization_id: str | None
    cluster: str | None
    cluster_plain: bool
    work: Path | None


class SandboxOptions(TypedDict):
    """The options of ``palm sandbox``."""

    port: int
    folder: Path | None
    mode: str
    faults: str
    limit: int | None
    latency_s: float
    day: datetime | None
    seed: int


def settings_options(function: _Function) -> _Function:
    """Add the options for keys and gateway to a command."""
    for option in (
        click.option(
            "--config",
            metavar="FILE",
            type=Path,
            help="Settings file.  [default: palm.toml in the current folder, if there is one]",
        ),
        click.option(
            "--base-url",
            metavar="URL",
            multiple=True,
            help="URL of the gateway; repeat for a backup.  [default: WeChat Pay's]",
        ),
        click.option(
            "--ca-file",
            metavar="FILE",
            type=click.Path(path_type=Path),
            help="Also trust these certificate authorities.  [default: PALM_CA_FILE]",
        ),
        click.option(
            "--proxy",
            metavar="URL",
            help="URL of an HTTP proxy.  [default: PALM_PROXY, HTTPS_PROXY]",
        ),
    ):
        function = option(function)
    return function


def settings_of(
    options: SettingsOptions,
    *,
    accept_unnamed: bool | None = None,
    require_echo: bool | None = None,
) -> Settings:
    """Return the settings of the options, the environment and the settings file."""
    return load_settings(
        read_config(options["config"]),
        base_url=options["base_url"] or None,
        proxy=proxy_option(options["proxy"]),
        ca_file=options["ca_file"],
        accept_unnamed=accept_unnamed,
        require_echo=require_echo,
    )


def ca_setting(options: SettingsOptions) -> str:
    """Return what names the file of certificate authorities, for errors."""
    return "ca_file" if options["ca_file"] is None else "--ca-file"
