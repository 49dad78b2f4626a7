"""The command that was typed, as it may be shown in a message."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from palm.text.printable import printable, without_long_words

__all__ = ["TypedOption", "shown_command", "typed_option"]

_NAME: Final = "palm-reconcile"
_SECRET: Final = ("--ping-url", "--proxy")
"""Options whose value is, or may contain, a secret."""
_ADDRESS: Final = "--base-url"
"""An option whose value is shown only if it is a host, without user, path or query."""
_WITH_USER: Final = re.compile(r"://[^/]*@")


@dataclass(frozen=True, slots=True)
class TypedOption:
    """An option or an argument of the command line.

    Attributes:
        name: The option's name as typed, e.g. ``--rate``; None for an argument.
        value: The option's value, or the argument; None for a flag.
        words: The words of the command line that it consists of.
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


def typed_option(name: str, value: str | None = None) -> TypedOption:
    """Return an option as if it had been typed; without a value it is a flag."""
    return TypedOption(name, value, (name,) if value is None else (name, value))


def shown_command(typed: Sequence[TypedOption], *, without: Sequence[str] = ()) -> str:
    """Return the command to paste; options that may hold a secret are left out and named after it.

    Args:
        typed: The options and arguments after the command's name.
        without: Names of options to leave out.
    """
    left_out: dict[str, None] = {}
    kept = [_NAME]
    for option in typed:
        if option.name in without:
            continue
        if option.may_be_secret:
            left_out[option.name or "INPUT"] = None
        else:
            kept += option.words
    command = printable(shlex.join(kept))
    return f"{command} (and {' '.join(left_out)}, not shown here)" if left_out else command


def _is_plain(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    rest = (parts.path.strip("/"), parts.query, parts.fragment)
    return "@" not in parts.netloc and not any(rest) and without_long_words(url) == url
