"""Splits a command line into its options."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jobs.commands.options.groups import GROUPS
from jobs.run.resumption.typed_command import TypedOption

__all__ = ["typed_options"]


def typed_options(words: Sequence[str]) -> Iterator[TypedOption]:
    """Yield each option that was typed, with its value."""
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
    options = (option for group in GROUPS for option in group.options)
    return {name for option in options if not option.is_flag for name in option.opts}
