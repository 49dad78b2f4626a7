"""The body of a request: JSON, or bytes of another type."""

from __future__ import annotations

import json as _json

from palm.errors import ArgumentError

__all__ = ["body_bytes"]


def body_bytes(json: object, content: object, content_type: object) -> bytes:
    """Return the bytes that are signed and sent.

    Args:
        json: Written as JSON; None: there is none.
        content: Bytes, which are sent as they are; None: there are none.
        content_type: The media type of ``content``.

    Raises:
        ArgumentError: There are both; ``content`` is not bytes, or has no type; or ``json`` cannot
            be written.
    """
    if json is not None and content is not None:
        raise ArgumentError("json and content contradict each other: pass one of them")
    if (content is None) != (content_type is None):
        raise ArgumentError("content and content_type belong together: pass both, or json")
    if content is not None:
        if not isinstance(content, bytes):
            raise ArgumentError(f"content must be bytes, not {type(content).__name__}")
        return content
    return b"" if json is None else _json_bytes(json)


def _json_bytes(body: object) -> bytes:
    try:
        return _json.dumps(
            body, ensure_ascii=False, separators=(",", ":"), allow_nan=False
        ).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentError(f"json cannot be written as JSON: {type(error).__name__}") from None
