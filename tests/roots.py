"""Root certificates of a sandbox's platform certificates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from palm.sandbox import SandboxKeys

__all__ = ["root_named", "root_of"]


def root_of(keys: SandboxKeys, key: rsa.RSAPrivateKey) -> bytes:
    """Return a root in the name that the sandbox's certificates were issued in, in PEM."""
    now, day = datetime.now(UTC), timedelta(days=1)
    return root_named(keys.platform_certificate.issuer, key, now - day, now + day)


def root_named(name: x509.Name, key: rsa.RSAPrivateKey, begins: datetime, ends: datetime) -> bytes:
    """Return a root certificate in PEM."""
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    return made.public_bytes(Encoding.PEM)
