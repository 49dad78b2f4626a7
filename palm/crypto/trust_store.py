"""Trusted root certificates, and which platform certificates a chain connects with them.

WeChat Pay's root and intermediates come as ``CertTrustChain.p7b``:
https://github.com/wechatpay-apiv3/CertificateDownloader. What a chain must look like:
https://www.rfc-editor.org/rfc/rfc5280#section-6
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from palm.crypto.pem import load_certificates
from palm.errors import SettingsError

__all__ = ["TrustStore"]


class TrustStore:
    """Roots, and the intermediates between them and platform certificates.

    Args:
        roots: Self-issued certificates.
        intermediates: Certificates between platform certificates and roots; not trusted alone.

    Raises:
        SettingsError: There is no root.
    """

    __slots__ = ("_intermediates", "_store")

    def __init__(
        self, roots: list[x509.Certificate], intermediates: list[x509.Certificate] | None = None
    ) -> None:
        if not roots:
            raise SettingsError("no root certificate: none that was issued by itself")
        self._store = Store(roots)
        self._intermediates = intermediates or []

    @classmethod
    def from_pem(cls, pem: bytes | str, name: str = "the root certificate") -> TrustStore:
        """Return the certificates of a PEM text; those issued by themselves are the roots.

        Args:
            pem: Certificates, one after the other.
            name: The name of the text in errors, e.g. its path.

        Raises:
            SettingsError: There is no certificate, or no root among them.
        """
        certificates = load_certificates(pem, name)
        roots = [each for each in certificates if each.issuer == each.subject]
        if not roots:
            raise SettingsError(f"{name} holds no root: no certificate that was issued by itself")
        return cls(roots, [each for each in certificates if each not in roots])

    def believes(self, certificate: x509.Certificate, now: datetime) -> bool:
        """Return True if a chain of valid signatures leads from a root to a certificate.

        Each certificate of the chain must be valid at ``now``, and each but the last one must be an
        authority's: its basicConstraints say so, its keyUsage, where there is one, allows it to
        sign certificates, and no path is longer than it may be. Revocation is not checked.

        Args:
            certificate: A platform certificate.
            now: Aware.
        """
        verifier = (
            PolicyBuilder()
            .store(self._store)
            .time(now)
            .extension_policies(ca_policy=_AUTHORITY, ee_policy=ExtensionPolicy.permit_all())
            .build_client_verifier()
        )
        try:
            verifier.verify(certificate, self._intermediates)
        except VerificationError:
            return False
        return True


def _must_be_authority(_: Policy, __: x509.Certificate, found: x509.BasicConstraints) -> None:
    if not found.ca:
        raise ValueError("not an authority's certificate")


def _may_sign_certificates(_: Policy, __: x509.Certificate, found: x509.KeyUsage | None) -> None:
    if found is not None and not found.key_cert_sign:
        raise ValueError("not a key that signs certificates")


# The names and purposes that the library's own policies want are those of TLS, not of WeChat Pay.
_AUTHORITY: Final = (
    ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _must_be_authority)
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _may_sign_certificates)
)
