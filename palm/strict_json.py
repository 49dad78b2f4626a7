"""JSON that says one thing: an object with a member twice says two, and is not believed."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from palm.errors import BodyError

__all__ = ["parse_json"]


def parse_json(content: bytes) -> Any:  # noqa: ANN401 - JSON is anything
    """Return the JSON in a body.

    Raises:
        BodyError: There is none; or an object in it has a member twice, of which one reader takes
            the first and another the last: https://www.rfc-editor.org/rfc/rfc8259#section-4
    """
    try:
        return _DECODER.decode(content.decode())
    except _TwiceError:
        said = "the answer has a member twice"
    except (ValueError, RecursionError):
        said = "the answer is not JSON"
    # Out here, because the parser's error holds the whole body and would hang on as the context.
    raise BodyError(said)


class _TwiceError(ValueError):
    """An object has a member twice."""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object's members; their names come with all escapes read."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _TwiceError
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and the infinities are Python's own


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_no_constant)
