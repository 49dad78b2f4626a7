"""Keyed hashes that replace openids in logs, and in reports that are passed on."""

from __future__ import annotations

import hashlib
import os
import secrets

__all__ = ["Person"]


class Person:
    """Replaces openids by keyed hashes.

    One person can be followed through a log, and found again in a redacted report.

    Args:
        key: A text with which the hashes are the same in every run; None: a random key of this
            process.
    """

    def __init__(self, key: str | None = None) -> None:
        secret = key.encode() if key else secrets.token_bytes(32)
        self._key = hashlib.blake2b(secret, digest_size=32).digest()

    @classmethod
    def from_env(cls) -> Person:
        """Return the hashes whose key is the environment variable ``PALM_LOG_KEY``."""
        return cls(os.environ.get("PALM_LOG_KEY"))

    def of(self, openid: str) -> str:
        """Return the 16 hexadecimal digits that replace an openid."""
        return hashlib.blake2b(openid.encode(), key=self._key, digest_size=8).hexdigest()
