"""Errors of ``palm`` as JSON values, so that the command can judge what a worker process saw. Pure.

An error holds no openid, no key and no signature; neither does its JSON value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from palm import errors
from palm.errors import PalmError, SignatureReason

__all__ = ["error_from_json", "error_to_json"]

_KINDS: Final[dict[str, type[PalmError]]] = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, PalmError)
}


def error_to_json(error: PalmError) -> dict[str, object]:
    """Return the class of an error, its text and its attributes that are plain values."""
    attributes = {
        name: value if _is_plain(value) else None
        for name, value in vars(error).items()
        if name not in {"headers", "__notes__"}
    }
    args = [each for each in error.args if _is_plain(each)]
    return {"kind": type(error).__name__, "args": args, "attributes": attributes}


def error_from_json(value: Mapping[str, Any]) -> PalmError:
    """Return the error that :func:`error_to_json` described.

    Raises:
        ValueError: It is not an error that this version knows.
    """
    kind = _KINDS.get(value["kind"])
    if kind is None:
        raise ValueError(f"{value['kind']!r} is not an error of this version")
    error = kind.__new__(kind, *value["args"])
    error.args = tuple(value["args"])
    for name, each in value["attributes"].items():
        setattr(error, name, SignatureReason(each) if name == "reason" else each)
    return error


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)
