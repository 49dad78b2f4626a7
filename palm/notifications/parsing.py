"""``client.notifications``: verifies what came to the merchant's URL, then decrypts and reads it.

Source: https://pay.weixin.qq.com/doc/v3/partner/4019605946; probes, and when it is sent again
https://pay.weixin.qq.com/docs/partner/development/practices/notification-considerations.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from palm.crypto.certificates import APIv3Key
from palm.crypto.signature_headers import Headers
from palm.errors import ArgumentError, SettingsError, SignatureError
from palm.notifications.notification import Notification, read_notification

__all__ = ["Notifications", "SyncNotifications"]

_NO_KEY: Final = (
    "notifications are encrypted with the APIv3 key: set PALM_APIV3_KEY_FILE, or create the client "
    "with keys=CertificateStore(APIv3Key(...), PlatformKeys(...)), or pass apiv3_key"
)


class NotificationVerifier(Protocol):
    """Verifies signatures with the client's keys: a ``SignedTransport``."""

    @property
    def apiv3_key(self) -> APIv3Key | None:
        """The merchant's APIv3 key; None if the client has none."""

    async def verify_notification(self, headers: Headers, body: bytes) -> str:
        """Return the id of the key that signed a notification."""


class Notifications:
    """Reads the notifications that WeChat Pay sends to the merchant's own URL."""

    __slots__ = ("_verifier",)

    def __init__(self, verifier: NotificationVerifier) -> None:
        self._verifier = verifier

    async def parse(
        self, headers: Headers, body: bytes, *, apiv3_key: APIv3Key | None = None
    ) -> Notification:
        """Return a notification, verified and decrypted; nothing of it is used otherwise.

        1. The signature verifies, with the rules for responses; but a notification that came before
           is accepted, because WeChat Pay may send it again. The keys may have to be downloaded.
        2. ``resource`` decrypts with the APIv3 key.

        Answer HTTP 200 or 204 within five seconds when it has been dealt with, and 4xx or 5xx after
        any error: WeChat Pay then sends it again. Probes (``error.probe``) must be refused, too.

        Args:
            headers: The request's, in any mapping: the case of names is ignored, and Django's
                ``META`` is read, too.
            body: The raw bytes, as received. Text is refused, because it may have been decoded, or
                written from parsed JSON, in another way than it was signed.
            apiv3_key: Instead of the client's own, e.g. the new one after a change.

        Raises:
            ArgumentError: ``headers`` or ``body`` is of another type.
            SettingsError: The client has no APIv3 key.
            SignatureError: It is not WeChat Pay's: ``reason`` says which step failed.
            DecryptionError: It is encrypted with another APIv3 key.
            BodyError: It is not as documented.
            PalmError: The keys could not be downloaded.

        Source: https://pay.weixin.qq.com/doc/v3/partner/4019605946
        """
        if not isinstance(body, bytes):
            raise ArgumentError(
                f"body must be the raw bytes of the request, as received, not {type(body).__name__}"
            )
        if not callable(getattr(headers, "items", None)):
            raise ArgumentError(
                f"headers must be a mapping of names to texts, not {type(headers).__name__}"
            )
        if not isinstance(apiv3_key, APIv3Key | None):
            raise ArgumentError(f"apiv3_key must be an APIv3Key, not {type(apiv3_key).__name__}")
        key = apiv3_key or self._verifier.apiv3_key
        if key is None:
            raise SettingsError(_NO_KEY)
        try:
            verified_by = await self._verifier.verify_notification(headers, body)
        except SignatureError as error:
            error.args = (str(error).replace("the response", "the notification"),)
            raise
        return read_notification(body, key, verified_by=verified_by)


class SyncNotifications:
    """Reads the notifications that WeChat Pay sends; see ``palm.Notifications``.

    Args:
        notifications: Those of the asynchronous client.
        call: Returns what a function returns, awaited in the client's thread.
    """

    __slots__ = ("_call", "_notifications")

    def __init__(self, notifications: Notifications, call: _Call) -> None:
        self._notifications = notifications
        self._call = call

    def parse(
        self, headers: Headers, body: bytes, *, apiv3_key: APIv3Key | None = None
    ) -> Notification:
        """Return a notification, verified and decrypted; see :meth:`Notifications.parse`.

        Args:
            headers: As there.
            body: As there.
            apiv3_key: As there.

        Raises:
            PalmError: As there.

        Source: https://pay.weixin.qq.com/doc/v3/partner/4019605946
        """
        return self._call(lambda: self._notifications.parse(headers, body, apiv3_key=apiv3_key))


_Call = Callable[[Callable[[], Awaitable[Notification]]], Notification]
