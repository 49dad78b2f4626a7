"""The command that was typed, as it may be shown: for the line that says how to go on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import click

from jobs.arguments import with_arguments
from palm.printable import printable, without_long_words

__all__ = ["TypedOption", "shown_command", "typed_options"]

_NAME: Final = "palm-reconcile"
_SECRET: Final = ("--ping-url", "--proxy")
"""Options whose value is, or may hold, a secret."""
_ADDRESS: Final = "--base-url"
"""Shown only where it is a host, with nothing before and behind it."""
_WITH_USER: Final = re.compile(r"://[^/]*@")


@dataclass(frozen=True, slots=True)
class TypedOption:
    """An option or an argument, as it was typed.

    Attributes:
        name: As typed, ``--rate``; None for an argument.
        value: None for a flag.
        words: Both, as they stood there.
    """

    name: str | None
    value: str | None
    words: tuple[str, ...]

    @property
    def may_be_secret(self) -> bool:
        """Whether the value must not be shown."""
        if self.name in _SECRET:
            return True
        if self.value is None:
            return False
        plain = self.name != _ADDRESS or _is_plain(self.value)
        return not plain or bool(_WITH_USER.search(self.value))


def shown_command(words: Sequence[str], *, without: Sequence[str] = ()) -> str:
    """Return the command with which a run goes on, fit to be pasted.

    Options that hold a secret are left out, and named behind it.

    Args:
        words: What stood behind the command's name.
        without: Options to be left out.
    """
    left_out: dict[str, None] = {}
    kept = [_NAME]
    for option in typed_options(words):
        if option.name in without:
            continue
        if option.may_be_secret:
            left_out[option.name or "INPUT"] = None
        else:
            kept += option.words
    command = printable(shlex.join(kept))
    return f"{command} (and {' '.join(left_out)}, not shown here)" if left_out else command


def typed_options(words: Sequence[str]) -> Iterator[TypedOption]:
    """Yield what was typed, option by option, each with its value."""
    takes_value = _names_with_value()
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if word == "-" or not word.startswith("-"):
            yield TypedOption(None, word, (word,))
        elif word.startswith("--") and equals:
            yield TypedOption(name, value, (word,))
        elif word in takes_value:
            following = next(rest, None)
            yield TypedOption(word, following, (word,) if following is None else (word, following))
        else:
            yield TypedOption(word, None, (word,))


def _names_with_value() -> set[str]:
    command = click.command()(with_arguments(lambda **_: None))
    return {
        name
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.is_flag
        for name in parameter.opts
    }


def _is_plain(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    rest = (parts.path.strip("/"), parts.query, parts.fragment)
    return "@" not in parts.netloc and not any(rest) and without_long_words(url) == url
