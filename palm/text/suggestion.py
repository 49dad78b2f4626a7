"""A hint about a name that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["suggestion"]


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return a hint about an unknown name: a similar known one, or else all."""
    known = list(known)
    alike = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {alike[0]!r}?" if alike else f"known are {', '.join(known)}"
