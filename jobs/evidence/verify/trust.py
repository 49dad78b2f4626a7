"""Which of the platform's keys whoever checks trusts, and from where they have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.x509.oid import NameOID

from jobs.errors import UsageError
from jobs.evidence.keys import EvidenceKey, fingerprint_of
from palm import SettingsError
from palm.crypto.pem import load_certificate, load_public_key, rsa_key_of, validity_of
from palm.crypto.trust_store import TrustStore
from palm.files.regular import open_regular, path_fault

__all__ = ["Trust", "Validity", "read_trust"]

_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")
_PLATFORMS: Final = {"Tenpay.com sign", "Palm Sandbox sign"}
"""Whom platform certificates name: as in the published answer of
https://pay.weixin.qq.com/doc/v3/merchant/4012551764, and those of the sandbox."""
Validity: TypeAlias = tuple[int, int] | None
"""The first and the last second in which a key is valid, Unix seconds; None: it always is."""


@dataclass(frozen=True, slots=True)
class Trust:
    """The keys that are trusted.

    Attributes:
        keys: When each is valid, by its fingerprint.
        roots: Certificates in PEM that platform certificates are trusted under, one root among
            them; None: none.
    """

    keys: Mapping[str, Validity] = field(default_factory=dict)
    roots: bytes | None = None

    @property
    def is_own(self) -> bool:
        """Whether who checks named a key or a root, rather than believing the evidence's keys."""
        return bool(self.keys) or self.roots is not None

    def issued(
        self, keys: Iterable[EvidenceKey], signed_until: datetime
    ) -> dict[str, tuple[int, int]]:
        """Return those of some keys whose certificates lead to a root, and when each is valid.

        WeChat Pay's root issues the merchants' certificates, too: with his own a merchant could
        sign answers of his own. So only a certificate in the platform's name counts. A chain must
        be valid at ``signed_until``, or when the certificate expired if that was before; each
        answer must have been signed while the certificate was valid.

        Args:
            keys: Of the evidence.
            signed_until: When the last answer can have been signed, aware.

        Raises:
            ValueError: A certificate of the evidence is damaged, or not of its key.
        """
        issued: dict[str, tuple[int, int]] = {}
        if self.roots is None:
            return issued
        roots = TrustStore.from_pem(self.roots)
        for key in keys:
            certificate = key.load_certificate()
            if (
                certificate is not None
                and _is_platforms(certificate)
                and roots.believes(certificate, min(signed_until, certificate.not_valid_after_utc))
            ):
                issued[key.fingerprint] = validity_of(certificate)
        return issued

    def adding(self, issued: Mapping[str, Validity]) -> Trust:
        """Return the same with further keys; what was named before stays."""
        return replace(self, keys={**issued, **self.keys})


def read_trust(
    keys: Iterable[Path],
    certificates: Iterable[Path],
    fingerprints: Iterable[str],
    root: Path | None = None,
) -> Trust:
    """Return the keys that the options name.

    Args:
        keys: Files with WeChat Pay's public key in PEM.
        certificates: Files with a platform certificate in PEM; its key is trusted for answers that
            were signed while it was valid.
        fingerprints: sha256 of keys, hexadecimal digits; ``sha256:`` before them and colons between
            them are ignored.
        root: A file with WeChat Pay's root and intermediate certificates in PEM; platform
            certificates in the evidence are trusted that lead to it. WeChat Pay publishes them as
            ``CertTrustChain.p7b``: https://github.com/wechatpay-apiv3/CertificateDownloader

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
    return Trust(trusted, None if root is None else _roots(root))


def _is_platforms(certificate: x509.Certificate) -> bool:
    """Return True if a certificate is in the platform's name; a merchant's is in its number."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return len(names) == 1 and names[0].value in _PLATFORMS


def _roots(path: Path) -> bytes:
    content = _content(path, "--root")
    try:
        TrustStore.from_pem(content, str(path))
    except SettingsError as error:
        raise UsageError(f"--root: {error}") from None
    return content


def _content(path: Path, option: str) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read()
    except (OSError, ValueError) as error:
        raise UsageError(f"{option} {path} cannot be read: {path_fault(error)}") from None
