"""What a worker says about itself before it is given any work."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from palm import CertificateStore, Merchant, PlatformKeys, __version__
from palm.crypto.certificate_store import held_keys

__all__ = [
    "CLOCK_S",
    "Introduction",
    "OtherSettingsError",
    "differences",
    "fingerprint",
    "introduce",
    "other_settings",
    "unable",
]

CLOCK_S: Final = 60.0
"""WeChat Pay refuses a signature 5 minutes from its clock; a worker may be this far from ours."""


class OtherSettingsError(Exception):
    """A worker's settings are not those of the command, or no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduction:
    """What has to be the same for the command and all workers.

    Attributes:
        version: Of this project.
        mchid: The merchant.
        serial: Serial number of the merchant's certificate.
        merchant_key: sha256 of the merchant's public key.
        platform_keys: sha256 of each key in files that answers are verified with, by id.
        ends_s: When the certificates of these keys end, by id, as Unix times in seconds.
        wall_s: The Unix time, in seconds.
        error: Why the settings cannot be used; None: they can.
    """

    version: str = __version__
    mchid: str = ""
    serial: str = ""
    merchant_key: str = ""
    platform_keys: Mapping[str, str]
    ends_s: Mapping[str, float] = field(default_factory=dict)
    wall_s: float = 0.0
    error: str | None = None


def introduce(merchant: Merchant, keys: PlatformKeys | CertificateStore) -> Introduction:
    """Return what a process with these keys says about itself."""
    found = held_keys(keys)
    held: Mapping[str, RSAPublicKey] = found or {}
    validity = found.validity if found is not None else {}
    return Introduction(
        mchid=merchant.mchid,
        serial=merchant.serial_no,
        merchant_key=fingerprint(merchant.private_key.public_key()),
        platform_keys={name: fingerprint(key) for name, key in held.items()},
        ends_s={name: ends for name, (_, ends) in validity.items()},
        wall_s=time.time(),
    )


def unable(reason: str) -> Introduction:
    """Return what a process says that cannot be used."""
    return Introduction(platform_keys={}, wall_s=time.time(), error=reason)


def fingerprint(key: RSAPublicKey) -> str:
    """Return the sha256 of a public key's SubjectPublicKeyInfo."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def differences(
    own: Introduction, other: Introduction, *, now_s: float, waited_s: float
) -> list[str]:
    """Return why a worker cannot be used, one reason each; nothing if it can.

    Args:
        own: What the command says about itself.
        other: What the worker says.
        now_s: The Unix time at which the worker was asked.
        waited_s: Seconds until it had answered.
    """
    if other.error is not None:
        return [other.error]
    found = other_settings(own, other, now_s=now_s)
    apart_s = max(now_s - other.wall_s, other.wall_s - now_s - waited_s)
    if apart_s > CLOCK_S:
        found.append(f"its clock differs by {apart_s:.0f} s")
    return found


def other_settings(own: Introduction, other: Introduction, *, now_s: float) -> list[str]:
    """Return in what a worker differs from the command, whatever its clock.

    Args:
        own: What the command says about itself.
        other: What the worker says.
        now_s: The Unix time: keys of certificates that have ended since may be missing.
    """
    found = []
    if other.version != own.version:
        found.append(f"its version is {other.version}, the command's {own.version}")
    if other.mchid != own.mchid:
        found.append(f"its merchant is {other.mchid}, the command's {own.mchid}")
    elif other.serial != own.serial or other.merchant_key != own.merchant_key:
        found.append("its merchant's certificate or key is another one")
    if not _same_keys(own, other, now_s):
        found.append("its keys of WeChat Pay are other ones")
    return found


def _same_keys(own: Introduction, other: Introduction, now_s: float) -> bool:
    """Return True if a worker has the command's keys, but for those that have ended."""
    lasting = {
        name
        for name in own.platform_keys
        if own.ends_s.get(name, math.inf) > now_s + CLOCK_S  # the worker's clock may be ahead
    }
    held = other.platform_keys
    return lasting <= held.keys() and held.items() <= own.platform_keys.items()
