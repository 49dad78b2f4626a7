"""Which of the platform's keys whoever checks trusts, and from where they have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from jobs.errors import UsageError
from jobs.evidence.keys import fingerprint_of
from palm import SettingsError
from palm.crypto.pem import load_certificate, load_public_key, rsa_key_of, validity_of
from palm.files.regular import open_regular, path_fault

__all__ = ["Trust", "Validity", "read_trust"]

_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")
Validity: TypeAlias = tuple[int, int] | None
"""The first and the last second in which a key is valid, Unix seconds; None: it always is."""


@dataclass(frozen=True, slots=True)
class Trust:
    """The keys that are trusted.

    Attributes:
        keys: When each is valid, by its fingerprint; empty: nobody named a key.
    """

    keys: Mapping[str, Validity] = field(default_factory=dict)

    @property
    def is_own(self) -> bool:
        """Whether who checks named a key, rather than believing those in the evidence."""
        return bool(self.keys)


def read_trust(
    keys: Iterable[Path], certificates: Iterable[Path], fingerprints: Iterable[str]
) -> Trust:
    """Return the keys that the options name.

    Args:
        keys: Files with WeChat Pay's public key in PEM.
        certificates: Files with a platform certificate in PEM; its key is trusted for answers that
            were signed while it was valid.
        fingerprints: sha256 of keys, hexadecimal digits; ``sha256:`` before them and colons between
            them are ignored.

    Raises:
        UsageError: A file cannot be read, or is not what it should be; or a fingerprint is not one.
    """
    trusted: dict[str, Validity] = {}
    for path in keys:
        try:
            trusted[fingerprint_of(load_public_key(_content(path, "--key"), ""))] = None
        except SettingsError as error:
            raise UsageError(f"--key {path}: {error}") from None
    for path in certificates:
        try:
            certificate = load_certificate(_content(path, "--certificate"), str(path))
        except SettingsError as error:
            raise UsageError(f"--certificate: {error}") from None
        key = rsa_key_of(certificate)
        if key is None:
            raise UsageError(f"--certificate {path} holds no RSA key")
        trusted[fingerprint_of(key)] = validity_of(certificate)
    for text in fingerprints:
        plain = text.lower().removeprefix("sha256:").replace(":", "")
        if not _FINGERPRINT.fullmatch(plain):
            raise UsageError("--fingerprint must be a sha256: 64 hexadecimal digits")
        trusted[plain] = None
    return Trust(trusted)


def _content(path: Path, option: str) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read()
    except (OSError, ValueError) as error:
        raise UsageError(f"{option} {path} cannot be read: {path_fault(error)}") from None
