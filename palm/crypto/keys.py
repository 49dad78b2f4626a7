"""The merchant's own key, and the keys of the platform that answers.

Both are checked when they are made, so that a wrong file is found before the first request.

Sources: certificates https://pay.weixin.qq.com/doc/v3/merchant/4012551764, the WeChat Pay public
key https://pay.weixin.qq.com/doc/v3/merchant/4012153196
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from palm.crypto.pem import (
    certificate_serial,
    load_certificate,
    load_private_key,
    load_public_key,
    out_of_date,
    rsa_key_of,
    validity_of,
)
from palm.crypto.trust_store import TrustStore
from palm.errors import SettingsError
from palm.errors.values import check_text, check_value, wrong_value
from palm.text.redact import shown_key_id
from palm.text.scrub import GAP

__all__ = ["PUBLIC_KEY_ID_PREFIX", "Merchant", "PlatformKeys", "certificate_serial"]

PUBLIC_KEY_ID_PREFIX: Final = "PUB_KEY_ID_"
_MIN_BITS: Final = 2048
_SERIAL: Final = re.compile(r"[0-9A-F]{8,40}")
_MCHID: Final = re.compile(r"[0-9]{1,32}")


@dataclass(frozen=True, slots=True)
class Merchant:
    """A merchant that sends requests: its number, and the key whose certificate WeChat Pay has.

    Attributes:
        mchid: Merchant number, digits.
        serial_no: Serial number of the merchant's API certificate, upper-case hex.
        private_key: RSA, at least 2048 bits.

    Raises:
        SettingsError: One of them cannot be right.
    """

    mchid: str
    serial_no: str
    private_key: RSAPrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        check_text("mchid", self.mchid)
        check_text("serial_no", self.serial_no)
        if not _MCHID.fullmatch(self.mchid):
            raise SettingsError("the merchant number (mchid) must be digits")
        object.__setattr__(self, "serial_no", _serial(self.serial_no, "merchant certificate"))
        is_key = isinstance(self.private_key, RSAPrivateKey)
        check_value("private_key", self.private_key, "an RSA private key", is_right=is_key)
        _check_size(self.private_key, "the merchant's private key")

    @classmethod
    def from_pem(
        cls,
        mchid: str,
        private_key: bytes | str,
        *,
        serial_no: str | None = None,
        certificate: bytes | str | None = None,
        now: datetime | None = None,
        name: str = "the merchant's private key",
    ) -> Merchant:
        """Return the merchant whose key is in the PEM text ``private_key``.

        Args:
            mchid: Merchant number.
            private_key: PEM, unencrypted (``apiclient_key.pem``).
            serial_no: Of the merchant's API certificate; may be left out where that is given.
            certificate: PEM (``apiclient_cert.pem``), to check key, serial and dates against.
            now: Aware; the time at which the certificate must be valid, default now.
            name: The name of the key in errors, e.g. its path.

        Raises:
            SettingsError: An argument is not text, or not PEM, a key is not an RSA key of at least
                2048 bits, the certificate is not valid now, or key and certificate do not belong
                together.
        """
        key = load_private_key(private_key, name)
        if certificate is not None:
            loaded = load_certificate(certificate, "the merchant's certificate")
            serial = certificate_serial(loaded)
            if problem := out_of_date(loaded, now or datetime.now(UTC)):
                raise SettingsError(f"the merchant's certificate {serial} {problem}")
            if serial_no is not None and _serial(serial_no, "merchant certificate") != serial:
                raise SettingsError(
                    "the merchant's serial number that is set is not that of its certificate, "
                    f"{serial}; set the certificate's"
                )
            if _key_of(loaded, "the merchant's certificate") != key.public_key():
                raise SettingsError(
                    f"{name} does not belong to the merchant's certificate {serial}; "
                    "take apiclient_key.pem and apiclient_cert.pem from the same download"
                )
            serial_no = serial
        if serial_no is None:
            raise SettingsError("the serial number of the merchant's API certificate is missing")
        return cls(mchid, serial_no, key)


class PlatformKeys(Mapping[str, RSAPublicKey]):
    """Public keys of the platform by id: ``PUB_KEY_ID_…`` and certificate serials, side by side.

    During the switch from certificates to the public key both sign answers, so both kinds
    are in one mapping, and the answer's ``Wechatpay-Serial`` selects the key.

    Args:
        keys: Id to RSA public key.
        preferred: The id that requests name in ``Wechatpay-Serial``; default the public key's
            where there is one, else the last certificate given.
        certificates: Of keys that are certificates': the certificate, by the same id.

    Attributes:
        preferred: The id that requests name.
        certificates: As given, by the ids of the keys.
        validity: Of keys that are certificates': first and last second, Unix seconds.

    Raises:
        SettingsError: No key, a key that is too short, an id of neither kind, or ``preferred`` is
            not among them.

    Source: https://pay.weixin.qq.com/doc/v3/merchant/4012154180
    """

    __slots__ = ("_keys", "certificates", "preferred", "validity")

    def __init__(
        self,
        keys: Mapping[str, RSAPublicKey],
        *,
        preferred: str | None = None,
        certificates: Mapping[str, x509.Certificate] | None = None,
    ) -> None:
        self.certificates: Mapping[str, x509.Certificate] = {
            _key_id(name): each for name, each in (certificates or {}).items()
        }
        self.validity: Mapping[str, tuple[int, int]] = {
            serial: validity_of(each) for serial, each in self.certificates.items()
        }
        self._keys: dict[str, RSAPublicKey] = {}
        for name, key in keys.items():
            checked = _key_id(name)
            _check_size(key, f"the platform's key {shown_key_id(checked) or GAP}")
            self._keys[checked] = key
        if not self._keys:
            raise SettingsError(
                "no key to verify WeChat Pay's answers with: set its public key or certificates"
            )
        if preferred is None:
            plain = [name for name in self._keys if name.startswith(PUBLIC_KEY_ID_PREFIX)]
            preferred = plain[0] if plain else list(self._keys)[-1]
        if preferred not in self._keys:
            raise SettingsError("the preferred platform key is not among the keys")
        self.preferred: str = preferred

    @classmethod
    def from_pem(
        cls,
        *,
        public_keys: Mapping[str, bytes | str] | None = None,
        certificates: Iterable[bytes | str] = (),
        now: datetime | None = None,
        trust: TrustStore | None = None,
    ) -> PlatformKeys:
        """Return the keys in PEM texts.

        Args:
            public_keys: Id (``PUB_KEY_ID_…``) to PEM.
            certificates: Platform certificates, PEM; their serials are their ids.
            now: Aware; the time at which the certificates must be valid, default now. A certificate
                is not used after it has expired.
            trust: Roots that the certificates must come from; None: who issued them is not looked
                at.

        Raises:
            SettingsError: As the class; or a certificate is not valid, or has another root.
        """
        now, by_serial = now or datetime.now(UTC), dict[str, x509.Certificate]()
        is_mapping = isinstance(public_keys, Mapping | None)
        check_value("public_keys", public_keys, "a mapping of ids to PEM", is_right=is_mapping)
        if isinstance(certificates, bytes | str):
            raise wrong_value("certificates", certificates, "a list of PEM texts")
        for name in public_keys or {}:
            if not name.startswith(PUBLIC_KEY_ID_PREFIX):
                raise SettingsError(f"the public key's id must begin with {PUBLIC_KEY_ID_PREFIX}")
        keys = {name: load_public_key(pem, name) for name, pem in (public_keys or {}).items()}
        for pem in certificates:
            loaded = load_certificate(pem, "a platform certificate")
            serial = certificate_serial(loaded)
            if problem := out_of_date(loaded, now):
                raise SettingsError(f"a platform certificate {serial} {problem}")
            keys[serial] = _key_of(loaded, "a platform certificate")
            by_serial[serial] = loaded
            if trust is not None and not trust.believes(loaded, now):
                raise SettingsError(f"a platform certificate {serial} has another root certificate")
        return cls(keys, certificates=by_serial)

    def __getitem__(self, name: str) -> RSAPublicKey:
        return self._keys[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def valid(self, name: str, now: int) -> bool:
        """Return True if a key may be used at ``now`` (Unix seconds): a public key always may."""
        begins, ends = self.validity.get(name, (now, now))
        return begins <= now <= ends

    def __repr__(self) -> str:
        shown = [shown_key_id(name) or GAP for name in self._keys]
        return f"PlatformKeys({shown}, preferred={shown_key_id(self.preferred) or GAP!r})"

    def check_against(self, merchant: Merchant) -> None:
        """Refuse keys that are the merchant's own.

        Raises:
            SettingsError: The merchant's serial or public key is among the platform's.
        """
        if merchant.private_key.public_key() in self._keys.values():
            raise SettingsError(
                "a platform key is the merchant's own: answers are verified with WeChat Pay's "
                "public key (pub_key.pem) or platform certificate, not with apiclient_cert.pem"
            )
        if merchant.serial_no in self._keys:
            raise SettingsError(
                f"merchant_serial {merchant.serial_no} is the platform certificate's; the serial "
                "number of the merchant's own API certificate (apiclient_cert.pem) belongs there"
            )


def _serial(text: str, whose: str) -> str:
    serial = text.strip().upper()
    if serial.startswith(PUBLIC_KEY_ID_PREFIX):
        raise SettingsError(
            f"the {whose}'s serial is wanted here, not the id of WeChat Pay's public key"
        )
    if not _SERIAL.fullmatch(serial):
        raise SettingsError(f"the {whose}'s serial number must be 40 hexadecimal digits")
    return serial


def _key_id(text: str) -> str:
    # An id of a public key is text: digits behind the prefix, no hexadecimal number.
    if text.startswith(PUBLIC_KEY_ID_PREFIX):
        if not text.removeprefix(PUBLIC_KEY_ID_PREFIX).isalnum():
            raise SettingsError(
                f"the id of a public key must be {PUBLIC_KEY_ID_PREFIX} and digits behind it"
            )
        return text
    return _serial(text, "platform certificate")


def _check_size(key: RSAPrivateKey | RSAPublicKey, name: str) -> None:
    if key.key_size < _MIN_BITS:
        raise SettingsError(f"{name} has {key.key_size} bits; at least {_MIN_BITS} are required")


def _key_of(certificate: x509.Certificate, name: str) -> RSAPublicKey:
    key = rsa_key_of(certificate)
    if key is None:
        raise SettingsError(f"{name} {certificate_serial(certificate)} holds no RSA key")
    return key
