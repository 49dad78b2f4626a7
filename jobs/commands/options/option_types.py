"""Types of option values, as click converts them."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

import click

from palm.text.printable import printable

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Name", "Number", "Partitions", "default_of", "file_path"]

_MAX_NAME_LENGTH: Final = 64
_MOST_PARTITIONS: Final = 4096
_AUTO: Final = "auto"


def default_of(options: type[Any], name: str) -> Any:  # noqa: ANN401 - of the field's type
    """Return the default value of an option of a stage."""
    return {each.name: each.default for each in fields(options)}[name]


class Number(click.FloatRange):
    """A float in a range; ``nan`` and ``inf`` are refused."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number."""
        number = float(super().convert(value, param, ctx))  # type: ignore[arg-type] # a text
        if not math.isfinite(number):
            self.fail(f"{number} is not a number", param, ctx)
        return number


def file_path(text: str) -> Path:
    """Return the path of a file, whether it exists or not."""
    from pathlib import Path  # noqa: PLC0415 - slow, and not needed for --help

    return Path(text)


class Name(click.ParamType):  # type: ignore[type-arg]
    """The name of a job in metrics and messages: short, one line."""

    name = "name"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return the name."""
        text = str(value)
        if not text.strip() or text != text.strip():
            self.fail("a name must not be empty, nor begin or end with a blank", param, ctx)
        if len(text) > _MAX_NAME_LENGTH:
            fault = f"a name has at most {_MAX_NAME_LENGTH} characters, this one has {len(text):,}"
            self.fail(fault, param, ctx)
        if printable(text) != text:
            self.fail("a name must consist of printable characters", param, ctx)
        return text


class Partitions(click.ParamType):  # type: ignore[type-arg]
    """A number of parts, a power of two up to 4,096; ``auto`` is None."""

    name = "partitions"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        """Return the number, or None for ``auto``."""
        text = str(value).strip()
        if text == _AUTO:
            return None
        number = int(text) if text.isascii() and text.isdigit() else 0
        if not 1 <= number <= _MOST_PARTITIONS or number & (number - 1):
            self.fail(
                f"{printable(text[:_MAX_NAME_LENGTH])} is neither auto nor a power of two such as "
                f"16, at most {_MOST_PARTITIONS}",
                param,
                ctx,
            )
        return number
