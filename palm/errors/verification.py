"""Errors in what a response contains: its signature, its names, its body, its state."""

from __future__ import annotations

from enum import StrEnum

from palm.errors.base import PalmError, TransientError

__all__ = [
    "BodyError",
    "DecryptionError",
    "MismatchError",
    "NoStateError",
    "SignatureError",
    "SignatureReason",
    "StateError",
    "UnnamedError",
    "UnrecognizedStateError",
    "VerificationError",
]


class VerificationError(TransientError):
    """A response, or a notification, that is not accepted; nothing in it is used."""


class SignatureReason(StrEnum):
    """The step of the verification that failed."""

    MISSING = "MISSING"
    STALE = "STALE"
    UNKNOWN_SERIAL = "UNKNOWN_SERIAL"
    MALFORMED = "MALFORMED"
    WRONG = "WRONG"
    REPLAYED = "REPLAYED"


class SignatureError(VerificationError):
    """A response's signature does not verify, or was accepted before.

    Attributes:
        reason: The step that failed.
        serial: The key id that the response names; None if it names none, or a malformed one.
        probe: Whether it is one of the wrong signatures that WeChat Pay sends on purpose
            (``WECHATPAY/SIGNTEST/``) to test clients, which must refuse them.
        skew_s: For ``STALE``, the response's timestamp minus this machine's clock, in seconds.

    Source: https://pay.weixin.qq.com/doc/v3/merchant/4013053420 and, for the probe, .../4013053249
    """

    def __init__(
        self,
        text: str,
        reason: SignatureReason,
        *,
        serial: str | None = None,
        probe: bool = False,
        skew_s: int = 0,
    ) -> None:
        from palm.text.redact import shown_key_id  # noqa: PLC0415 - slow, and not needed for --help

        super().__init__(text)
        self.reason = reason
        self.serial: str | None = shown_key_id(serial)
        self.probe = probe
        self.skew_s = skew_s


class MismatchError(VerificationError):
    """A verified response names another person or organization than the request."""


class UnnamedError(VerificationError):
    """A verified response lacks openid or organization_id: nothing proves whom it is about."""


class BodyError(VerificationError):
    """A response is not as documented."""


class DecryptionError(BodyError):
    """A certificate, or the resource of a notification, does not decrypt with the APIv3 key.

    Either it is another merchant's key, or an old one, or the ciphertext was altered.
    """


class StateError(PalmError):
    """A verified answer has no state that this package knows; asking again would not help."""


class NoStateError(StateError):
    """The answer has no ``state``, which the documentation allows."""


class UnrecognizedStateError(StateError):
    """The answer has a ``state`` that the documentation does not list.

    Attributes:
        state: The state, verbatim; empty if it does not have the form of a state.
    """

    def __init__(self, state: str) -> None:
        from palm.text.redact import shown_state  # noqa: PLC0415 - slow, and not needed for --help

        self.state: str = shown_state(state) or ""
        shown = f": {self.state!r}" if self.state else ", which is not a valid name of a state"
        super().__init__(f"the answer has an unrecognized state{shown}")
