"""The platform's keys that signed a run's answers, as an evidence file carries them. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from palm import SettingsError
from palm.crypto.keys import PUBLIC_KEY_ID_PREFIX
from palm.crypto.pem import load_public_key

__all__ = ["EvidenceKey", "fingerprint_of", "keys_used"]

_Kind: TypeAlias = Literal["public_key", "certificate"]
_KINDS: Final[tuple[_Kind, ...]] = ("public_key", "certificate")


def fingerprint_of(key: RSAPublicKey) -> str:
    """Return the sha256 of a key's SubjectPublicKeyInfo, as hexadecimal digits."""
    form = PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(key.public_bytes(Encoding.DER, form)).hexdigest()


@dataclass(frozen=True, slots=True)
class EvidenceKey:
    """One key.

    Attributes:
        kind: The kind of key that its id names.
        pem: The public key in PEM; of a certificate its public key, too.
        fingerprint: See :func:`fingerprint_of`.
    """

    kind: _Kind
    pem: str
    fingerprint: str

    @classmethod
    def of(cls, key_id: str, key: RSAPublicKey) -> EvidenceKey:
        """Return a key with its id."""
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        kind: _Kind = "public_key" if key_id.startswith(PUBLIC_KEY_ID_PREFIX) else "certificate"
        return cls(kind, pem, fingerprint_of(key))

    def load(self) -> RSAPublicKey:
        """Return the key.

        Raises:
            ValueError: The PEM text is damaged, or is not that of the fingerprint.
        """
        try:
            key = load_public_key(self.pem, "")
        except SettingsError as error:
            raise ValueError(str(error)) from None
        if fingerprint_of(key) != self.fingerprint:
            raise ValueError("a key does not have its fingerprint")
        return key

    def to_json(self) -> dict[str, str]:
        """Return the key as the footer of an evidence file holds it."""
        return {"kind": self.kind, "pem": self.pem, "sha256": self.fingerprint}

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> EvidenceKey:
        """Return what ``to_json`` returned.

        Raises:
            ValueError: It is something else.
        """
        kind, pem, fingerprint = value.get("kind"), value.get("pem"), value.get("sha256")
        for each in _KINDS:
            if kind == each and isinstance(pem, str) and isinstance(fingerprint, str):
                return cls(each, pem, fingerprint)
        raise ValueError("a key is not as this version writes it")


def keys_used(key_ids: Iterable[str], keys: Mapping[str, RSAPublicKey]) -> dict[str, EvidenceKey]:
    """Return those of the platform's keys that are named; one that is not held is left out."""
    return {each: EvidenceKey.of(each, keys[each]) for each in sorted(key_ids) if each in keys}
