"""The list of platform certificates, each encrypted under the merchant's APIv3 key.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012551764
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from palm.sandbox.credentials.credential import Credential
from palm.sandbox.credentials.encryption import encrypted
from palm.sandbox.people.population import CHINA

__all__ = ["list_certificates"]


def list_certificates(credentials: Iterable[Credential], apiv3_key: str) -> dict[str, object]:
    """Return the members of an answer with these certificates; each call makes new nonces.

    Args:
        credentials: The certificates to list.
        apiv3_key: 32 characters.
    """
    return {"data": [_entry(each, apiv3_key) for each in credentials]}


def _entry(credential: Credential, apiv3_key: str) -> dict[str, object]:
    return {
        "serial_no": credential.serial_no,
        "effective_time": _time(credential.certificate.not_valid_before_utc),
        "expire_time": _time(credential.certificate.not_valid_after_utc),
        "encrypt_certificate": encrypted(
            credential.certificate_pem.encode(), apiv3_key, associated_data="certificate"
        ),
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(CHINA).isoformat(timespec="seconds")
