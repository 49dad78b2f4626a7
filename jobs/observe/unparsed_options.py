"""What a command line says of single options where the whole of it cannot be parsed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from jobs.observe.report_name import report_name
from palm.errors import SettingsError

__all__ = ["tell_of_usage_error", "unparsed_option"]


def unparsed_option(arguments: Sequence[str], option: str) -> str | None:
    """Return an option's value from the arguments, else the environment, else palm.toml, or None.

    Args:
        arguments: Of the command, as typed.
        option: ``--ping-url``.
    """
    found = next(reversed(_all_typed(arguments, option)), None)
    name = option.removeprefix("--").replace("-", "_")
    if found is None:
        found = os.environ.get(f"PALM_{name.upper()}")
    return found or _configured(arguments, name)


def tell_of_usage_error(arguments: Sequence[str], exit_code: int) -> None:
    """Ping the dead man's switch, if arguments, environment or palm.toml name one.

    Args:
        arguments: Of the command, as typed.
        exit_code: What it ends with.
    """
    from jobs.observe.ping import Ping, checked_ping_url, ping_body  # noqa: PLC0415 - not for --help

    url = unparsed_option(arguments, "--ping-url")
    if url and "--plan" not in arguments:
        outputs = [*_all_typed(arguments, "-o"), *_all_typed(arguments, "--output")]
        name = unparsed_option(arguments, "--name")
        body = ping_body(
            report_name(name, outputs) if name or outputs else None,
            unparsed_option(arguments, "--run-date"),
            exit_code,
        )
        with suppress(SettingsError):
            Ping(checked_ping_url(url)).end(exit_code, body)


def _all_typed(arguments: Sequence[str], option: str) -> list[str]:
    found = []
    for word, following in zip(arguments, [*arguments[1:], None], strict=False):
        if word == option and following is not None:
            found.append(following)
        elif word.startswith(f"{option}="):
            found.append(word.partition("=")[2])
    return found


def _configured(arguments: Sequence[str], name: str) -> str | None:
    from palm.settings import read_config  # noqa: PLC0415 - not needed for --help

    config = next(reversed(_all_typed(arguments, "--config")), None)
    with suppress(SettingsError):
        table = read_config(Path(config) if config else None).get("reconcile", {})
        value = table.get(name, table.get(name.replace("_", "-")))
        return value if isinstance(value, str) else None
    return None
