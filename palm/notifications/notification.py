"""A notification whose signature has verified: decrypted, and read.

Source: https://pay.weixin.qq.com/doc/v3/partner/4019605946 (members and signature), and
https://pay.weixin.qq.com/doc/global/v3/en/4012357152 (encryption)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from palm.crypto.certificates import ALGORITHM, APIv3Key, decrypt
from palm.errors import BodyError
from palm.strict_json import JSONValue, parse_json, read_time

__all__ = ["Notification", "read_notification"]

_RESOURCE: Final = "the notification's resource"


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification that WeChat Pay signed, and encrypted for this merchant.

    What is proved: WeChat Pay signed it at most five minutes before or after it was parsed, and
    whoever encrypted ``resource`` has the merchant's APIv3 key. It may come more than once: WeChat
    Pay sends it again until it is answered, and a copy verifies, too, for five minutes. Remember
    ``id``, or what it is about.

    Attributes:
        id: Unique id of the notification.
        create_time: When it was made, aware, in UTC; None if it is missing or unreadable.
        event_type: What happened, e.g. ``TRANSACTION.SUCCESS``.
        resource_type: ``encrypt-resource``; empty if it is missing.
        summary: A short text about it; empty if it is missing.
        resource: The decrypted object, as JSON. It may contain personal data.
        original_type: The kind of the decrypted object, e.g. ``transaction``; empty if it is
            missing.
        verified_by: Id of the platform key that signed the notification.
    """

    id: str
    create_time: datetime | None
    event_type: str
    resource_type: str
    summary: str = field(repr=False)
    resource: Mapping[str, JSONValue] = field(repr=False, hash=False)
    original_type: str
    verified_by: str


def read_notification(body: bytes, key: APIv3Key, *, verified_by: str) -> Notification:
    """Return the notification in a *verified* body.

    Args:
        body: Raw bytes, as received.
        key: What ``resource`` is encrypted with.
        verified_by: Id of the platform key that signed the body.

    Raises:
        BodyError: The body, or the decrypted resource, is not a JSON object as documented, or is
            encrypted in another way.
        DecryptionError: It was encrypted with another key, or altered.
    """
    members = _object(body, "the notification")
    resource = members.get("resource")
    if not isinstance(resource, dict):
        raise BodyError("the notification has no resource")
    if resource.get("algorithm") != ALGORITHM:
        raise BodyError(f"{_RESOURCE} is not encrypted with {ALGORITHM}")
    plaintext = decrypt(
        key.secret,
        nonce=_text(resource, "nonce", required=True),
        associated_data=_text(resource, "associated_data"),
        ciphertext=_text(resource, "ciphertext", required=True),
        what=_RESOURCE,
    )
    return Notification(
        id=_text(members, "id", required=True),
        create_time=read_time(members.get("create_time")),
        event_type=_text(members, "event_type", required=True),
        resource_type=_text(members, "resource_type"),
        summary=_text(members, "summary"),
        resource=_object(plaintext, _RESOURCE),
        original_type=_text(resource, "original_type"),
        verified_by=verified_by,
    )


def _object(content: bytes, what: str) -> dict[str, JSONValue]:
    members = parse_json(content, what)
    if not isinstance(members, dict):
        raise BodyError(f"{what} is not a JSON object")
    return members


def _text(members: Mapping[str, JSONValue], name: str, *, required: bool = False) -> str:
    """Return a member; empty if it is missing or null, which an optional one may be."""
    value = members.get(name)
    if value is None:
        value = ""
    if not isinstance(value, str):
        raise BodyError(f"the notification's {name} is not text")
    if required and not value:
        raise BodyError(f"the notification has no {name}")
    return value
