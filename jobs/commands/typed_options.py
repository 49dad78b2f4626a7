"""The words of a command line, option by option."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from jobs.commands.options import with_arguments
from jobs.run.typed_command import TypedOption

__all__ = ["typed_options"]


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
