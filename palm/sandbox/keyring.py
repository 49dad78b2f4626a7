"""The keys of a sandbox, made at its start: the merchant's own, and the platform's two kinds.

Sources: merchant and platform certificates
https://pay.weixin.qq.com/doc/v3/merchant/4012551764, the WeChat Pay public key
https://pay.weixin.qq.com/doc/v3/merchant/4012153196, the switch between the two
https://pay.weixin.qq.com/doc/v3/merchant/4012154180
"""

from __future__ import annotations

import json
import secrets
import string
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

from palm.keys import PUBLIC_KEY_ID_PREFIX, Merchant, PlatformKeys, certificate_serial
from palm.sandbox.folder import MADE_BY, MARKER, write_folder

__all__ = ["SANDBOX_MCHID", "KeyMode", "SandboxKeys"]

SANDBOX_MCHID: Final = "0000000000"
"""The sandbox's merchant: ten digits like a real one, but numbers are issued without leading zeros,
so that neither a report nor a log made here can be taken for a real merchant's."""

_PADDING: Final = PKCS1v15()
_HASH: Final = SHA256()
_VALID_FOR: Final = timedelta(days=5 * 365)


class KeyMode(StrEnum):
    """Which of its keys the platform signs answers with.

    Source: https://pay.weixin.qq.com/doc/v3/merchant/4012154180
    """

    PUBLIC_KEY = "public_key"
    """Always the WeChat Pay public key: new merchants, and those that have switched."""

    CERTIFICATE = "certificate"
    """Always the platform certificate, even where a request names the public key."""

    GREY = "grey"
    """During the switch: the one that the request's ``Wechatpay-Serial`` names."""


@dataclass(frozen=True, slots=True)
class SandboxKeys:
    """Both sides' keys.

    Attributes:
        merchant_key: What the merchant signs requests with.
        merchant_certificate: Its certificate, whose serial number requests carry.
        platform_key: What the platform signs answers with in certificate mode.
        platform_certificate: Its certificate, whose serial number answers carry.
        public_key_id: ``PUB_KEY_ID_`` and 32 digits.
        public_key_pair: What the platform signs answers with in public-key mode.
        apiv3_key: 32 characters, for AES-256-GCM.
        mchid: Always ``SANDBOX_MCHID``.
    """

    merchant_key: rsa.RSAPrivateKey = field(repr=False)
    merchant_certificate: x509.Certificate = field(repr=False)
    platform_key: rsa.RSAPrivateKey = field(repr=False)
    platform_certificate: x509.Certificate = field(repr=False)
    public_key_id: str
    public_key_pair: rsa.RSAPrivateKey = field(repr=False)
    apiv3_key: str = field(repr=False)
    mchid: str = SANDBOX_MCHID

    @classmethod
    def generate(cls, *, now: datetime | None = None) -> SandboxKeys:
        """Return new keys, never the same twice; takes about half a second.

        Args:
            now: Aware; the certificates are valid from the day before, for five years.
        """
        now = now or datetime.now(UTC)
        root, merchant, platform, public = (_new_key() for _ in range(4))
        return cls(
            merchant_key=merchant,
            merchant_certificate=_certificate(SANDBOX_MCHID, merchant, root, now),
            platform_key=platform,
            platform_certificate=_certificate("Palm Sandbox sign", platform, root, now),
            public_key_id=PUBLIC_KEY_ID_PREFIX
            + "".join(secrets.choice("0123456789") for _ in range(32)),
            public_key_pair=public,
            apiv3_key="".join(
                secrets.choice(string.ascii_letters + string.digits) for _ in range(32)
            ),
        )

    @property
    def merchant_serial(self) -> str:
        """Serial number of the merchant's certificate, 40 upper-case hex digits."""
        return certificate_serial(self.merchant_certificate)

    @property
    def platform_serial(self) -> str:
        """Serial number of the platform's certificate, 40 upper-case hex digits."""
        return certificate_serial(self.platform_certificate)

    def merchant(self) -> Merchant:
        """Return who the client is to be."""
        return Merchant(self.mchid, self.merchant_serial, self.merchant_key)

    def platform_keys(self, mode: KeyMode | str = KeyMode.PUBLIC_KEY) -> PlatformKeys:
        """Return what a client of that mode verifies answers with; in the grey mode both kinds."""
        keys = {}
        if KeyMode(mode) is not KeyMode.CERTIFICATE:
            keys[self.public_key_id] = self.public_key_pair.public_key()
        if KeyMode(mode) is not KeyMode.PUBLIC_KEY:
            keys[self.platform_serial] = self.platform_key.public_key()
        return PlatformKeys(keys)

    def write(
        self, folder: Path, base_url: str, *, mode: KeyMode | str = KeyMode.PUBLIC_KEY
    ) -> None:
        """Write all that a client needs, with a ``palm.toml`` that names the files beside it.

        Args:
            folder: Does not exist, is empty, or was written by this method before.
            base_url: Where the gateway listens.
            mode: The kind of platform key that ``palm.toml`` names; in the grey mode both.

        Raises:
            SettingsError: It is somebody else's folder, or it cannot be written.
        """
        serials = {
            "mchid": self.mchid,
            "merchant_serial": self.merchant_serial,
            "platform_serial": self.platform_serial,
            "public_key_id": self.public_key_id,
            "apiv3_key": self.apiv3_key,
            "base_url": base_url,
        }
        settings: dict[str, str | list[str]] = {
            "mchid": self.mchid,
            "merchant_serial": self.merchant_serial,
            "private_key": "merchant_key.pem",
            "merchant_certificate": "merchant_cert.pem",
        }
        if KeyMode(mode) is not KeyMode.CERTIFICATE:
            settings |= {"public_key_id": self.public_key_id, "public_key": "wechatpay_pub.pem"}
        if KeyMode(mode) is not KeyMode.PUBLIC_KEY:
            settings |= {"platform_certificates": ["platform_cert.pem"]}
        settings |= {"base_url": base_url}
        write_folder(
            folder,
            {
                MARKER: json.dumps({"made_by": MADE_BY} | serials, indent=2) + "\n",
                "merchant_key.pem": _private_pem(self.merchant_key),
                "merchant_cert.pem": _certificate_pem(self.merchant_certificate),
                "platform_cert.pem": _certificate_pem(self.platform_certificate),
                "wechatpay_pub.pem": self.public_key_pem(),
                "apiv3_key.txt": self.apiv3_key,
                # A JSON string or list of strings is a TOML one too.
                "palm.toml": "".join(f"{k} = {json.dumps(v)}\n" for k, v in settings.items()),
            },
        )

    def public_key_pem(self) -> str:
        """Return the WeChat Pay public key as the merchant console hands it out."""
        public = self.public_key_pair.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, key_id: str, message: bytes) -> bytes:
        """Return the platform's raw signature of ``message`` with one of its two keys."""
        key = self.public_key_pair if key_id == self.public_key_id else self.platform_key
        return key.sign(message, _PADDING, _HASH)


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _certificate(
    common_name: str, key: rsa.RSAPrivateKey, root: rsa.RSAPrivateKey, now: datetime
) -> x509.Certificate:
    def name(common_name: str) -> x509.Name:
        parts = {
            NameOID.COMMON_NAME: common_name,
            NameOID.ORGANIZATION_NAME: "Palm Sandbox, not Tenpay.com",
            NameOID.COUNTRY_NAME: "CN",
        }
        return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts.items()])

    # 20 bytes written as 40 digits: the first is no 0, and the number positive, so below 8.
    serial = (1 + secrets.randbelow(7)) << 156 | secrets.randbits(156)
    return (
        x509.CertificateBuilder()
        .subject_name(name(common_name))
        .issuer_name(name("Palm Sandbox Root CA"))
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _VALID_FOR)
        .sign(root, _HASH)
    )


def _private_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _certificate_pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
