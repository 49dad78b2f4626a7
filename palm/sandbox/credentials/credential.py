"""Keys with certificates, as WeChat Pay's own authority issues them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

from palm.crypto.keys import certificate_serial

__all__ = ["Authority", "Credential", "new_key", "public_pem"]

_HASH: Final = SHA256()
_VALID_FOR: Final = timedelta(days=5 * 365)


@dataclass(frozen=True, slots=True)
class Credential:
    """A private key and its certificate.

    Attributes:
        key: The private key.
        certificate: The certificate of that key.
        serial_no: The certificate's serial number, 40 upper-case hex digits.
    """

    key: rsa.RSAPrivateKey = field(repr=False)
    certificate: x509.Certificate = field(repr=False)
    serial_no: str

    @property
    def key_pem(self) -> str:
        """The key as ``apiclient_key.pem`` holds it."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @property
    def certificate_pem(self) -> str:
        """The certificate as ``apiclient_cert.pem`` holds it."""
        return self.certificate.public_bytes(Encoding.PEM).decode()


@dataclass(frozen=True, slots=True)
class Authority:
    """The root authority that issues the certificates of one sandbox."""

    key: rsa.RSAPrivateKey = field(repr=False)

    @classmethod
    def new(cls) -> Self:
        """Return an authority with a new key."""
        return cls(new_key())

    def issue(self, common_name: str, *, now: datetime) -> Credential:
        """Return a new key with a certificate.

        Args:
            common_name: The name of the holder.
            now: An aware time; the certificate is valid from the day before, for five years.
        """
        key = new_key()
        # 20 bytes written as 40 digits: the first is not 0, and the number positive, so below 8.
        serial = (1 + secrets.randbelow(7)) << 156 | secrets.randbits(156)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(common_name))
            .issuer_name(_name("Palm Sandbox Root CA"))
            .public_key(key.public_key())
            .serial_number(serial)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + _VALID_FOR)
            .sign(self.key, _HASH)
        )
        return Credential(key, certificate, certificate_serial(certificate))


def new_key() -> rsa.RSAPrivateKey:
    """Return a new key of 2048 bits."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_pem(key: rsa.RSAPublicKey) -> str:
    """Return a public key as ``pub_key.pem`` holds it."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _name(common_name: str) -> x509.Name:
    parts = {
        NameOID.COMMON_NAME: common_name,
        NameOID.ORGANIZATION_NAME: "Palm Sandbox, not Tenpay.com",
        NameOID.COUNTRY_NAME: "CN",
    }
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts.items()])
