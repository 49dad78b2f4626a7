"""What a PEM file holds: certificates, and what a wrong file is instead."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from palm.errors import SettingsError
from palm.errors.values import wrong_value
from palm.text.redact import shown_key_id
from palm.text.scrub import GAP

__all__ = [
    "certificate_serial",
    "load_certificate",
    "load_certificates",
    "load_private_key",
    "load_public_key",
    "looks_like",
    "out_of_date",
    "rsa_key_of",
    "validity_of",
]

_LABEL: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----")


def load_certificate(pem: bytes | str, name: str) -> x509.Certificate:
    """Return the first certificate in a PEM text, whatever its dates.

    Raises:
        SettingsError: There is no certificate; ``name`` is the name of the text in the error.
    """
    pem = _as_bytes(pem, name)
    try:
        return x509.load_pem_x509_certificate(pem)
    except (ValueError, x509.InvalidVersion):
        pass
    what = looks_like(pem)
    what = "a broken certificate" if what == "a certificate" else what
    raise SettingsError(f"{name} is {what}, not a certificate in PEM")


def load_certificates(pem: bytes | str, name: str) -> list[x509.Certificate]:
    """Return all certificates in a PEM text, whatever their dates.

    Raises:
        SettingsError: There is no certificate, or one is damaged; ``name`` is the name of the text
            in the error.
    """
    pem = _as_bytes(pem, name)
    try:
        return x509.load_pem_x509_certificates(pem)
    except (ValueError, x509.InvalidVersion):
        pass
    what = looks_like(pem)
    what = "a broken certificate" if what == "a certificate" else what
    raise SettingsError(f"{name} is {what}, not certificates in PEM")


def certificate_serial(certificate: x509.Certificate) -> str:
    """Return the serial number as WeChat Pay writes it: upper-case hex."""
    digits = f"{certificate.serial_number:X}"
    return digits if len(digits) % 2 == 0 else "0" + digits


def validity_of(certificate: x509.Certificate) -> tuple[int, int]:
    """Return the first and the last second of a certificate's validity, Unix seconds."""
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return int(begins.timestamp()), int(ends.timestamp())


def out_of_date(certificate: x509.Certificate, now: datetime) -> str | None:
    """Return why a certificate is not valid at ``now`` (aware), or None if it is valid."""
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if ends < now:
        return f"expired on {ends:%Y-%m-%d}"
    if begins > now:
        return f"is not valid before {begins:%Y-%m-%d %H:%M} UTC; is the clock right?"
    return None


def rsa_key_of(certificate: x509.Certificate) -> RSAPublicKey | None:
    """Return the public key of a certificate, or None if it is not an RSA key."""
    try:
        key = certificate.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return None
    return key if isinstance(key, RSAPublicKey) else None


def load_private_key(pem: bytes | str, name: str) -> RSAPrivateKey:
    """Return the RSA private key in a PEM text.

    Raises:
        SettingsError: There is none; ``name`` is the name of the text in the error.
    """
    pem = _as_bytes(pem, name)
    if b"ENCRYPTED" in pem:
        raise SettingsError(f"{name} is encrypted with a password; a plain PEM file is wanted")
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        what = looks_like(pem)
        if "private key" in what:
            raise SettingsError(
                f"{name}: private key is incomplete or damaged; download it again"
            ) from None
        raise SettingsError(
            f"{name} is {what}, not a private key in PEM (apiclient_key.pem)"
        ) from None
    except UnsupportedAlgorithm:  # WeChat Pay's other kind, SM2
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise SettingsError(f"{name} is not an RSA key")
    return key


def load_public_key(pem: bytes | str, key_id: str) -> RSAPublicKey:
    """Return the RSA public key in a PEM text.

    Raises:
        SettingsError: There is none.
    """
    name = shown_key_id(key_id) or "the public key"
    pem = _as_bytes(pem, name)
    try:
        key = load_pem_public_key(pem)
    except ValueError:
        raise SettingsError(
            f"the file for {name} is {looks_like(pem)}, not a public key in PEM (pub_key.pem)"
        ) from None
    except UnsupportedAlgorithm:
        key = None
    if not isinstance(key, RSAPublicKey):
        raise SettingsError(f"the public key {shown_key_id(key_id) or GAP} is not an RSA key")
    return key


def looks_like(content: bytes) -> str:
    """Return what kind of file the content is of, without showing any of it."""
    if label := _LABEL.search(content):
        kind = label[1].decode("ascii").lower().replace("rsa", "RSA")
        return f"{'an' if kind[0] in 'aeiouR' else 'a'} {kind}"
    if not content.strip():
        return "empty"
    return "no PEM text" if content.isascii() else "a binary file"


def _as_bytes(pem: object, name: str) -> bytes:
    """Return a PEM text as bytes.

    A text without PEM is most likely a path, which is not read here.
    """
    if isinstance(pem, bytes):
        return pem
    if isinstance(pem, str) and "-----" in pem:
        return pem.encode()
    raise wrong_value(name, pem, "the text of a PEM file, as Path(...).read_bytes() returns it")
