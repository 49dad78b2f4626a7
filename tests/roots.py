"""Root certificates of a sandbox's platform certificates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from palm.sandbox import SandboxKeys

__all__ = ["root_of"]


def root_of(keys: SandboxKeys, key: rsa.RSAPrivateKey) -> bytes:
    """Return a root in the name that the sandbox's certificates were issued in, in PEM."""
    name, now = keys.platform_certificate.issuer, datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    return made.public_bytes(Encoding.PEM)
