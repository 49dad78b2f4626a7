"""A person and an organization, and what ``get_many`` is given about many of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from palm.errors import ArgumentError
from palm.errors.values import is_whole_number, shown_kind

__all__ = ["Pair", "check_concurrency", "checked_pair"]


class Pair(NamedTuple):
    """A person and an organization, in the order of the arguments of ``get``."""

    openid: str
    organization_id: str


def checked_pair(value: object) -> Pair:
    """Return a pair; whether its two members are valid ids is checked when it is asked about.

    Raises:
        TypeError: It is not a sequence of two. A text is not, even one of two characters.
    """
    if isinstance(value, Pair):
        return value
    if isinstance(value, Sequence) and not isinstance(value, str | bytes) and len(value) == 2:  # noqa: PLR2004
        return Pair(*value)
    raise TypeError(
        f"a pair must be (openid, organization_id), not {shown_kind(value)}: pass Pair(…), or a "
        "tuple of two"
    )


def check_concurrency(concurrency: object) -> None:
    """Raise an error unless ``concurrency`` is a whole number above 0.

    Raises:
        ArgumentError: It is not.
    """
    if not is_whole_number(concurrency):
        raise ArgumentError(f"concurrency must be at least 1, not {shown_kind(concurrency)}")
