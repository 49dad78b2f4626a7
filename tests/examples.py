"""How many examples of a property are tried: some in each run, many in the slow one, all by hand.

The slow run is ``-m "slow or hypothesis" --hypothesis-profile=many``, as ``.ci/run`` has it; each
run tries others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

__all__ = ["examples_of", "some_or_all", "try_examples", "use_profiles"]

_ALL, _MANY, _SOME = 100, 14, 8
"""Examples of a property: hypothesis' own number, and those tried in a slow and in each run."""


def use_profiles() -> None:
    """Let hypothesis try some examples, without a stopwatch; another profile may be asked for."""
    settings.register_profile("all", deadline=None, max_examples=_ALL)
    settings.register_profile("many", deadline=None, max_examples=_MANY)
    settings.register_profile("some", deadline=None, max_examples=_SOME)
    settings.load_profile("some")


def examples_of(every: int) -> int:
    """Return how many examples are tried of a property of which ``every`` are tried in all."""
    return max(3, every * settings.default.max_examples // _ALL)


def some_or_all(some: int, every: int) -> pytest.MarkDecorator:
    """Run a test with so many ``examples``: many of them are marked slow, all of them manual."""
    many = max(some, every * _MANY // _ALL)
    return pytest.mark.parametrize(
        "examples",
        [
            pytest.param(some, id="some"),
            pytest.param(many, id="many", marks=pytest.mark.slow),
            pytest.param(every, id="all", marks=pytest.mark.manual),
        ],
    )


def try_examples(
    examples: int, holds: Callable[..., None], *strategies: Any, **options: Any
) -> None:
    """Call ``holds`` with so many examples of the strategies."""
    settings(max_examples=examples, deadline=None, **options)(given(*strategies)(holds))()
