"""Notifications as WeChat Pay sends them to a merchant's URL: encrypted, then signed.

Source: https://pay.weixin.qq.com/doc/v3/partner/4019605946
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import datetime

from palm.clock import Clock
from palm.sandbox.credentials.encryption import encrypted
from palm.sandbox.credentials.keyring import SandboxKeys
from palm.sandbox.faults import Fault
from palm.sandbox.people.population import CHINA
from palm.sandbox.responses import signed_body

__all__ = ["make_notification"]


def make_notification(
    keys: SandboxKeys,
    event_type: str,
    resource: Mapping[str, object],
    *,
    original_type: str = "",
    summary: str = "",
    key_id: str | None = None,
    clock: Clock | None = None,
    fault: Fault | None = None,
) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of a notification, to be posted to the code under test.

    Args:
        keys: The keys of the sandbox.
        event_type: What happened, e.g. ``SECURITY_ECHO.SUCCESS``. None is documented for the palm
            service.
        resource: The object to encrypt; it must be possible to write it as JSON.
        original_type: The kind of that object.
        summary: A short text about it.
        key_id: The platform's key that signs; None: the public key.
        clock: The time.
        fault: A fault of the body's bytes or of the signature, as for responses: ``probe``,
            ``stale``, ``altered``, ``truncated``, ``serial`` or ``missing``; None: none.
    """
    now = int((clock or Clock()).wall())
    plaintext = json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode()
    sealed = encrypted(plaintext, keys.apiv3_key, associated_data=original_type)
    members = {
        "id": f"EV-{secrets.token_hex(16)}",
        "create_time": datetime.fromtimestamp(now, CHINA).isoformat(),
        "resource_type": "encrypt-resource",
        "event_type": event_type,
        "summary": summary,
        "resource": {"original_type": original_type, **sealed},
    }
    body = json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()
    body, headers = signed_body(body, keys, key_id or keys.public_key_id, now=now, fault=fault)
    return headers | {"Content-Type": "application/json"}, body
