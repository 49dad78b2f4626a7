"""The command that was typed, as it may be shown: for the line that says how to go on."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

from palm.printable import printable, without_long_words

__all__ = ["shown_command"]

_NAME: Final = "palm-reconcile"
_SECRET: Final = ("--ping-url", "--proxy")
"""Options whose value is, or may hold, a secret."""
_ADDRESS: Final = "--base-url"
"""Shown only where it is a host, with nothing before and behind it."""


def shown_command(words: Sequence[str], *, without: Sequence[str] = ()) -> str:
    """Return the command with which a run goes on, fit to be pasted.

    Options that hold a secret are left out, and named behind it.

    Args:
        words: What stood behind the command's name.
        without: Flags to be left out.
    """
    left_out: dict[str, None] = {}
    kept = [_NAME, *_kept([word for word in words if word not in without], left_out)]
    command = printable(shlex.join(kept))
    return f"{command} (and {' '.join(left_out)}, not shown here)" if left_out else command


def _kept(words: Sequence[str], left_out: dict[str, None]) -> Iterator[str]:
    """Yield the words that may be shown; note the options that may not."""
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        if option not in (*_SECRET, _ADDRESS):
            yield word
            continue
        if not equals:
            value = next(rest, "")
        if option == _ADDRESS and _is_plain(value):
            yield from (word,) if equals else (word, value)
        else:
            left_out[option] = None


def _is_plain(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    rest = (parts.path.strip("/"), parts.query, parts.fragment)
    return "@" not in parts.netloc and not any(rest) and without_long_words(url) == url
