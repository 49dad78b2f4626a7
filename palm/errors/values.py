"""Checks of values that programs pass: which kind of value is wanted, and which one came."""

from __future__ import annotations

import math
from inspect import iscoroutinefunction
from numbers import Integral, Real

from palm.errors.usage import SettingsError

__all__ = [
    "check_number",
    "check_rules",
    "check_text",
    "check_value",
    "is_number",
    "is_part",
    "is_whole_number",
    "shown_kind",
    "wrong_value",
]


def is_number(value: object) -> bool:
    """Return True if a value is a finite number above 0; True and False are not numbers."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    return math.isfinite(number := float(value)) and number > 0


def is_whole_number(value: object) -> bool:
    """Return True if a value is a whole number above 0; True and False are not numbers."""
    return isinstance(value, Integral) and is_number(value)


def is_part(value: object) -> bool:
    """Return True if a value is a number above 0 and at most 1."""
    return is_number(value) and float(value) <= 1  # type: ignore[arg-type] # it is a number


def check_value(name: str, value: object, wanted: str, *, is_right: bool) -> None:
    """Raise an error unless ``is_right``.

    The error has the value's type, and the value only if it is a number or None: a text may be a
    misplaced secret.

    Args:
        name: Name of the option or attribute.
        value: Its value.
        wanted: Which values are right.
        is_right: Whether the value is.

    Raises:
        SettingsError: It is not.
    """
    if not is_right:
        raise wrong_value(name, value, wanted)


def wrong_value(name: str, value: object, wanted: str) -> SettingsError:
    """Return the error of :func:`check_value`."""
    return SettingsError(f"{name} must be {wanted}, not {shown_kind(value)}")


def check_number(name: str, value: object, unit: str = "seconds") -> None:
    """Raise an error unless a value is a finite number above 0.

    Raises:
        SettingsError: It is not.
    """
    check_value(name, value, f"a number of {unit} above 0", is_right=is_number(value))


def check_rules(
    rules: object,
    *,
    whole: tuple[str, ...] = (),
    seconds: tuple[str, ...] = (),
    parts: tuple[str, ...] = (),
) -> None:
    """Raise an error unless the attributes of some rules have values that can be worked with.

    Args:
        rules: The rules.
        whole: Names of those that are whole numbers above 0.
        seconds: Names of those that are seconds, 0 or more; infinity is allowed.
        parts: Names of those that are a part of something: above 0, at most 1.

    Raises:
        SettingsError: One of them is not.
    """
    for name in whole:
        value = getattr(rules, name)
        check_value(name, value, "a whole number above 0", is_right=is_whole_number(value))
    for name in seconds:
        value = getattr(rules, name)
        is_right = is_number(value) or (not isinstance(value, bool) and value in {0, math.inf})
        check_value(name, value, "a number of seconds, 0 or more", is_right=is_right)
    for name in parts:
        value = getattr(rules, name)
        check_value(name, value, "a number above 0 and at most 1", is_right=is_part(value))


def check_text(name: str, value: object) -> None:
    """Raise an error unless a value is text.

    Raises:
        SettingsError: It is not.
    """
    check_value(name, value, "text", is_right=isinstance(value, str))


def shown_kind(value: object) -> str:
    """Return a value's type, and the value itself only if it is a number or None."""
    kind = type(value).__name__
    if iscoroutinefunction(value):
        return "an async function"
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, int | float):
        return f"{value!r} ({kind})"
    if isinstance(value, str | bytes | list | tuple | dict) and not value:
        return f"an empty {kind}"
    return kind
