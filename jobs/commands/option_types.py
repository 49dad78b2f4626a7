"""What the options' values may be, as click converts them."""

from __future__ import annotations

import math
from typing import Any, Final

import click

from palm.text.printable import printable

__all__ = ["Name", "Number"]

_LONGEST_NAME: Final = 64


class Number(click.FloatRange):
    """A float in a range; ``nan`` and ``inf`` are none."""

    def convert(self, *given: Any) -> float:  # noqa: ANN401 - click's (value, param, ctx)
        """Return the number."""
        number = float(super().convert(*given))
        if not math.isfinite(number):
            self.fail(f"{number} is not a number", *given[1:])
        return number


class Name(click.ParamType):  # type: ignore[type-arg]
    """What a job is called where others tell its numbers apart: short, and of one line."""

    name = "name"

    def convert(self, value: Any, *given: Any) -> str:  # noqa: ANN401 - click's
        """Return the name."""
        text = str(value)
        if not text.strip() or text != text.strip():
            self.fail("a name must not be empty, nor begin or end with a blank", *given)
        if len(text) > _LONGEST_NAME:
            said = f"a name has at most {_LONGEST_NAME} characters, this one has {len(text):,}"
            self.fail(said, *given)
        if printable(text) != text:
            self.fail("a name must consist of printable characters", *given)
        return text
