"""JSON with one thing in it made up: by hand, by another program, or to do harm."""

from __future__ import annotations

import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

__all__ = ["made_up"]

_JUNK = [
    None, True, -1, 0, 1.5, 2**70, "", "x", "\ud800", "2026-99-99", [], {}, [[]], {"a": {}}
]  # fmt: skip


def made_up(value: Any, chance: random.Random) -> Any:
    """Return a copy with one member of any object or list replaced, removed or added."""
    value = deepcopy(value)
    container, key = chance.choice(list(_members(value)))
    if chance.random() < 0.2:
        del container[key]
    elif chance.random() < 0.2 and isinstance(container, dict):
        container["\ud800" if chance.random() < 0.5 else "more"] = chance.choice(_JUNK)
    else:
        container[key] = chance.choice(_JUNK)
    return value


def _members(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield value, key
            yield from _members(part)
