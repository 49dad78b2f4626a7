"""Finds single options in a command line that cannot be parsed as a whole."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from jobs.observe.notify.options import NotifyOptions
from jobs.observe.report_name import report_name
from jobs.render.language import Language
from palm.errors import SettingsError

__all__ = ["report_usage_error", "unparsed_option"]

_QUIET: Final = {"--plan", "--notify-test"}
"""Options with which nothing is reported to anybody."""


def unparsed_option(arguments: Sequence[str], option: str) -> str | None:
    """Return an option's value from the arguments, else the environment, else palm.toml, or None.

    Args:
        arguments: The arguments of the command, as typed.
        option: The name of the option, such as ``--ping-url``.
    """
    value = next(reversed(_all_typed(arguments, option)), None)
    name = option.removeprefix("--").replace("-", "_")
    if value is None:
        value = os.environ.get(f"PALM_{name.upper()}")
    return value or _configured(arguments, name)


def report_usage_error(arguments: Sequence[str], exit_code: int, line: str) -> None:
    """Ping the dead man's switch and send a message, if arguments or settings name them.

    Args:
        arguments: The arguments of the command, as typed.
        exit_code: The exit code of the command.
        line: What is wrong.
    """
    url = unparsed_option(arguments, "--ping-url")
    target = unparsed_option(arguments, "--notify")
    if target in _all_typed(arguments, "--notify") and "://" in target:
        target = None  # that is the usage error
    if not (url or target) or not _QUIET.isdisjoint(arguments):
        return
    from jobs.observe.notify.message import Ending, first_line  # noqa: PLC0415 - not for --help
    from jobs.observe.notify.messenger import Messenger  # noqa: PLC0415
    from jobs.observe.ping import Ping, checked_ping_url, ping_body  # noqa: PLC0415

    options = NotifyOptions(target=target, language=_language(arguments))
    outputs = [*_all_typed(arguments, "-o"), *_all_typed(arguments, "--output")]
    name = unparsed_option(arguments, "--name")
    name = report_name(name, outputs) if name or outputs else None
    run_date = unparsed_option(arguments, "--run-date")
    ending = Ending(name=name or "", run_date=run_date or "", exit_code=exit_code, error=line)
    messenger = Messenger(options)
    messenger.check()
    delivery = messenger.send(ending)
    if url:
        body = ping_body(name, run_date, exit_code, first_line(ending, options.language))
        with suppress(SettingsError):
            Ping(checked_ping_url(url)).end(exit_code, body)
    messenger.report_faults(delivery)


def _language(arguments: Sequence[str]) -> Language:
    wanted = unparsed_option(arguments, "--lang")
    return Language(wanted) if wanted in set(Language) else Language.EN


def _all_typed(arguments: Sequence[str], option: str) -> list[str]:
    values = []
    for word, following in zip(arguments, [*arguments[1:], None], strict=False):
        if word == option and following is not None:
            values.append(following)
        elif word.startswith(f"{option}="):
            values.append(word.partition("=")[2])
    return values


def _configured(arguments: Sequence[str], name: str) -> str | None:
    from palm.settings import read_config  # noqa: PLC0415 - not needed for --help

    config = next(reversed(_all_typed(arguments, "--config")), None)
    with suppress(SettingsError):
        table = read_config(Path(config) if config else None).get("reconcile", {})
        if isinstance(table, dict):
            value = table.get(name, table.get(name.replace("_", "-")))
            return value if isinstance(value, str) else None
    return None
