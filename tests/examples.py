"""How many examples of a costly property are tried: some in each run, all with ``-m slow``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

__all__ = ["some_or_all", "try_examples"]


def some_or_all(some: int, every: int) -> pytest.MarkDecorator:
    """Run a test twice, with so many ``examples`` each; the second time is marked slow."""
    return pytest.mark.parametrize(
        "examples",
        [pytest.param(some, id="some"), pytest.param(every, id="all", marks=pytest.mark.slow)],
    )


def try_examples(
    examples: int, holds: Callable[..., None], *strategies: Any, **options: Any
) -> None:
    """Call ``holds`` with so many examples of the strategies."""
    settings(max_examples=examples, deadline=None, **options)(given(*strategies)(holds))()
