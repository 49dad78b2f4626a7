"""The command that was typed, as it may be shown: for the line that says how to go on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from palm.text.printable import printable, without_long_words

__all__ = ["TypedOption", "shown_command"]

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


def shown_command(typed: Sequence[TypedOption], *, without: Sequence[str] = ()) -> str:
    """Return the command with which a run goes on, fit to be pasted.

    Options that hold a secret are left out, and named behind it.

    Args:
        typed: What stood behind the command's name.
        without: Options to be left out.
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
