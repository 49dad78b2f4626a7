"""The platform's keys that signed a run's answers, as an evidence file carries them. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from palm import PlatformKeys, SettingsError
from palm.crypto.keys import PUBLIC_KEY_ID_PREFIX
from palm.crypto.pem import load_certificate, load_public_key, rsa_key_of

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
        certificate: The certificate in PEM, which a root may prove; None: it is a public key.
    """

    kind: _Kind
    pem: str
    fingerprint: str
    certificate: str | None = None

    @classmethod
    def of(
        cls, key_id: str, key: RSAPublicKey, certificate: x509.Certificate | None = None
    ) -> EvidenceKey:
        """Return a key with its id, and the certificate that it is of."""
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        kind: _Kind = "public_key" if key_id.startswith(PUBLIC_KEY_ID_PREFIX) else "certificate"
        text = None if certificate is None else certificate.public_bytes(Encoding.PEM).decode()
        return cls(kind, pem, fingerprint_of(key), text)

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

    def load_certificate(self) -> x509.Certificate | None:
        """Return the certificate; None: there is none.

        Raises:
            ValueError: The PEM text is damaged, or the certificate is of another key.
        """
        if self.certificate is None:
            return None
        try:
            certificate = load_certificate(self.certificate, "")
        except SettingsError:
            raise ValueError("a certificate is damaged") from None
        key = rsa_key_of(certificate)
        if key is None or fingerprint_of(key) != self.fingerprint:
            raise ValueError("a certificate is not of its key")
        return certificate

    def to_json(self) -> dict[str, str]:
        """Return the key as the footer of an evidence file holds it."""
        members = {"kind": self.kind, "pem": self.pem, "sha256": self.fingerprint}
        return members if self.certificate is None else members | {"certificate": self.certificate}

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> EvidenceKey:
        """Return what ``to_json`` returned.

        Raises:
            ValueError: It is something else.
        """
        kind, pem, fingerprint = value.get("kind"), value.get("pem"), value.get("sha256")
        certificate = value.get("certificate")
        for each in _KINDS:
            if (
                kind == each
                and isinstance(pem, str)
                and isinstance(fingerprint, str)
                and isinstance(certificate, str | None)
            ):
                return cls(each, pem, fingerprint, certificate)
        raise ValueError("a key is not as this version writes it")


def keys_used(key_ids: Iterable[str], keys: PlatformKeys | None) -> dict[str, EvidenceKey]:
    """Return those of the platform's keys that are named; one that is not held is left out."""
    return (
        {}
        if keys is None
        else {
            each: EvidenceKey.of(each, keys[each], keys.certificates.get(each))
            for each in sorted(key_ids)
            if each in keys
        }
    )
