"""The keys of a sandbox, made when it starts: the merchant's, and both kinds of the platform's.

Sources: merchant and platform certificates
https://pay.weixin.qq.com/doc/v3/merchant/4012551764, the WeChat Pay public key
https://pay.weixin.qq.com/doc/v3/merchant/4012153196, the switch between the two
https://pay.weixin.qq.com/doc/v3/merchant/4012154180
"""

from __future__ import annotations

import json
import secrets
import string
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from palm.crypto.keys import PUBLIC_KEY_ID_PREFIX, Merchant, PlatformKeys
from palm.sandbox.credentials.credential import Authority, Credential, new_key, public_pem
from palm.sandbox.credentials.folder import MADE_BY, MARKER, write_folder
from palm.sandbox.identity import SANDBOX_MCHID

__all__ = ["KeyMode", "SandboxKeys"]

_PLATFORM: Final = "Palm Sandbox sign"
_PADDING: Final = PKCS1v15()
_HASH: Final = SHA256()


class KeyMode(StrEnum):
    """Which of its keys the platform signs answers with.

    Source: https://pay.weixin.qq.com/doc/v3/merchant/4012154180
    """

    PUBLIC_KEY = "public_key"
    """Always the WeChat Pay public key: new merchants, and those that have switched."""

    CERTIFICATE = "certificate"
    """Always a platform certificate, even where a request names the public key."""

    GREY = "grey"
    """During the switch: the one that the request's ``Wechatpay-Serial`` names."""


@dataclass(frozen=True, slots=True)
class SandboxKeys:
    """The keys of both sides.

    Attributes:
        authority: Issues the certificates.
        credential: The key and certificate with which the merchant signs requests.
        platform: The keys and certificates with which the platform signs answers in certificate
            mode, the newest last; more than one after a rotation.
        public_key_id: ``PUB_KEY_ID_`` and 32 digits.
        public_key_pair: The key with which the platform signs answers in public-key mode.
        apiv3_key: 32 characters, for AES-256-GCM.
        mchid: Always ``SANDBOX_MCHID``.
    """

    authority: Authority = field(repr=False)
    credential: Credential
    platform: tuple[Credential, ...]
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
        authority = Authority.new()
        return cls(
            authority=authority,
            credential=authority.issue(SANDBOX_MCHID, now=now),
            platform=(authority.issue(_PLATFORM, now=now),),
            public_key_id=PUBLIC_KEY_ID_PREFIX
            + "".join(secrets.choice("0123456789") for _ in range(32)),
            public_key_pair=new_key(),
            apiv3_key="".join(
                secrets.choice(string.ascii_letters + string.digits) for _ in range(32)
            ),
        )

    def rotate(self, *, now: datetime | None = None) -> SandboxKeys:
        """Return these keys with a new platform certificate, which becomes the newest."""
        issued = self.authority.issue(_PLATFORM, now=now or datetime.now(UTC))
        return replace(self, platform=(*self.platform, issued))

    @property
    def merchant_key(self) -> rsa.RSAPrivateKey:
        """The key with which the merchant signs requests."""
        return self.credential.key

    @property
    def merchant_certificate(self) -> x509.Certificate:
        """The merchant's certificate."""
        return self.credential.certificate

    @property
    def merchant_serial(self) -> str:
        """Serial number of the merchant's certificate, 40 upper-case hex digits."""
        return self.credential.serial_no

    @property
    def platform_key(self) -> rsa.RSAPrivateKey:
        """The key of the newest platform certificate."""
        return self.platform[-1].key

    @property
    def platform_certificate(self) -> x509.Certificate:
        """The newest platform certificate."""
        return self.platform[-1].certificate

    @property
    def platform_serial(self) -> str:
        """Serial number of the newest platform certificate, 40 upper-case hex digits."""
        return self.platform[-1].serial_no

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of all keys that may sign answers: serial numbers, and the public key's id."""
        return (*(each.serial_no for each in self.platform), self.public_key_id)

    def merchant(self) -> Merchant:
        """Return the merchant, for a client."""
        return Merchant(self.mchid, self.merchant_serial, self.merchant_key)

    def platform_keys(self, mode: KeyMode | str = KeyMode.PUBLIC_KEY) -> PlatformKeys:
        """Return the keys with which a client verifies answers; in grey mode both kinds."""
        keys = {}
        if KeyMode(mode) is not KeyMode.CERTIFICATE:
            keys[self.public_key_id] = self.public_key_pair.public_key()
        if KeyMode(mode) is not KeyMode.PUBLIC_KEY:
            keys |= {each.serial_no: each.key.public_key() for each in self.platform}
        return PlatformKeys(keys)

    def write(
        self, folder: Path, base_url: str, *, mode: KeyMode | str = KeyMode.PUBLIC_KEY
    ) -> None:
        """Write the files that a client needs, with a ``palm.toml`` that names them.

        In certificate mode ``palm.toml`` names the APIv3 key and no certificate: a client then
        downloads the certificates, as it does from the real gateway.

        Args:
            folder: A folder that does not exist, is empty, or was written by this method before.
            base_url: The URL of the gateway.
            mode: What ``palm.toml`` names: the public key, the APIv3 key, in the grey mode both.

        Raises:
            SettingsError: The folder holds other files, or it cannot be written.
        """
        serials = {
            "mchid": self.mchid,
            "merchant_serial": self.merchant_serial,
            "platform_serial": self.platform_serial,
            "public_key_id": self.public_key_id,
            "apiv3_key": self.apiv3_key,
            "base_url": base_url,
        }
        settings = {
            "mchid": self.mchid,
            "merchant_serial": self.merchant_serial,
            "private_key": "merchant_key.pem",
            "merchant_certificate": "merchant_cert.pem",
        }
        if KeyMode(mode) is not KeyMode.CERTIFICATE:
            settings |= {"public_key_id": self.public_key_id, "public_key": "wechatpay_pub.pem"}
        if KeyMode(mode) is not KeyMode.PUBLIC_KEY:
            settings |= {"apiv3_key_file": "apiv3_key.txt"}
        settings |= {"base_url": base_url}
        write_folder(
            folder,
            {
                MARKER: json.dumps({"made_by": MADE_BY} | serials, indent=2) + "\n",
                "merchant_key.pem": self.credential.key_pem,
                "merchant_cert.pem": self.credential.certificate_pem,
                "platform_cert.pem": self.platform[-1].certificate_pem,
                "wechatpay_pub.pem": self.public_key_pem(),
                "apiv3_key.txt": self.apiv3_key,
                # A JSON string is also a TOML string.
                "palm.toml": "".join(f"{k} = {json.dumps(v)}\n" for k, v in settings.items()),
            },
        )

    def public_key_pem(self) -> str:
        """Return the WeChat Pay public key as the merchant console hands it out."""
        return public_pem(self.public_key_pair.public_key())

    def sign(self, key_id: str, message: bytes) -> bytes:
        """Return the platform's raw signature of ``message`` with one of its keys.

        Raises:
            KeyError: There is no key with that id.
        """
        keys = {each.serial_no: each.key for each in self.platform}
        keys[self.public_key_id] = self.public_key_pair
        return keys[key_id].sign(message, _PADDING, _HASH)
