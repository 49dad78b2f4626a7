"""The frame of a key that signed answers in a journal. Pure."""

from __future__ import annotations

import json

from jobs.evidence.keys import EvidenceKey
from jobs.journal.format.frames import KEY, body_length, frame

__all__ = ["key_frame", "parse_key"]


def key_frame(seed: int, key_id: str, key: EvidenceKey) -> bytes:
    """Return the frame of a key.

    Args:
        seed: ``seed`` of the journal's run.
        key_id: Its id, which the answers that it signed name.
        key: The key.
    """
    return frame(KEY, json.dumps({"id": key_id, **key.to_json()}).encode(), seed)


def parse_key(content: bytes, body: int) -> tuple[str, EvidenceKey] | None:
    """Return the id and the key whose frame's body begins at ``body``; None: not as written."""
    try:
        members = json.loads(content[body : body + body_length(content, body)])
        return str(members["id"]), EvidenceKey.from_json(members)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
