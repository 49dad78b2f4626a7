"""Every error that leaves this package.

::

    PalmError
    ├── SettingsError               a key, serial, file or option is wrong; nothing was sent
    ├── ArgumentError               an argument cannot be put into a request (also a ValueError)
    ├── APIError                    the gateway responded with a status that means an error, or 202
    │   ├── RefusedError            400, 404, 405 and other 4xx
    │   │   ├── UnauthorizedError   401
    │   │   └── ForbiddenError      403
    │   ├── ThrottledError *        429, or a 4xx whose code or message is about frequency
    │   ├── ServerError *           5xx
    │   └── PendingError *          202: accepted, no result yet
    ├── TransportError *            no complete response
    │   ├── ConnectError *          no connection could be made
    │   │   └── CertificateRefusedError *   the host's TLS certificate is not trusted
    │   ├── DisconnectedError *     a connection broke
    │   └── TimedOutError *         connecting or responding took too long
    ├── LocalResourceError *        this machine lacks a resource for a connection; nothing was sent
    ├── VerificationError *         a response that is not accepted as an answer
    │   ├── SignatureError *        unsigned, wrongly signed, stale, or signed with an unknown key
    │   ├── MismatchError *         names another person or organization
    │   ├── UnnamedError *          does not name the person or the organization
    │   └── BodyError *             not as documented
    └── StateError                  verified, but without a state that this version knows
        ├── NoStateError
        └── UnrecognizedStateError

    * also a TransientError: the same request may succeed later

No error contains an openid, a key, a signature or an Authorization header. Values from the gateway
are kept only if they have the usual form, and the parts of private texts are removed from them.
Errors of libraries, whose texts contain the URL, are replaced without their cause.
"""

from __future__ import annotations

import copyreg
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from palm.text.redact import shown_key_id, shown_state
from palm.text.scrub import scrub

__all__ = [
    "APIError",
    "ArgumentError",
    "BodyError",
    "CertificateRefusedError",
    "ConnectError",
    "DisconnectedError",
    "ForbiddenError",
    "LocalResourceError",
    "MismatchError",
    "NoStateError",
    "PalmError",
    "PendingError",
    "RefusedError",
    "ServerError",
    "SettingsError",
    "SignatureError",
    "SignatureReason",
    "StateError",
    "ThrottledError",
    "TimedOutError",
    "TransientError",
    "TransportError",
    "UnauthorizedError",
    "UnnamedError",
    "UnrecognizedStateError",
    "VerificationError",
]

_GATEWAY_TEXTS: Final = ("code", "message", "request_id", "serial", "state")
"""Attributes that hold text from the gateway."""


class PalmError(Exception):
    """Base of all errors of this package.

    Attributes:
        status: HTTP status of the last response; None if there was none.
        request_id: ``Request-ID`` of the last response, which WeChat Pay's support asks for; None
            if there was none.
        attempts: How many requests were sent until this error was raised.
        outage: Whether the gateway was down for all requests at the time, or this machine lacked a
            resource, so that the failure is not about this request.
    """

    outage: bool = False
    status: int | None = None
    request_id: str | None = None
    attempts: int = 0

    def __reduce__(self) -> tuple[object, ...]:
        """Return how the error is pickled and copied: without calling ``__init__`` again."""
        return copyreg.__newobj__, (type(self), *self.args), vars(self)  # type: ignore[attr-defined]

    def take_out(self, private: Iterable[str]) -> None:
        """Remove private texts and their parts from the error; see :mod:`palm.text.scrub`."""
        private = tuple(private)
        self.args = tuple(scrub(a, private) if isinstance(a, str) else a for a in self.args)
        for name in _GATEWAY_TEXTS:
            if isinstance(value := getattr(self, name, None), str):
                setattr(self, name, scrub(value, private))


class TransientError(PalmError):
    """The same request may succeed if it is sent again."""


class SettingsError(PalmError):
    """A key, a serial number, a file or an option is wrong; no request was sent."""


class ArgumentError(PalmError, ValueError):
    """An argument cannot be put into a request; no request was sent."""


class APIError(PalmError):
    """The gateway responded with a status that means an error, or with 202.

    Attributes:
        code: WeChat Pay's error code; None if the body has none.
        message: WeChat Pay's error text, for people: its wording may change. None if there is none.
        verified: Whether the response's signature verified.
        retry_after_s: The pause that the response asks for, in seconds; None if it asks for none.

    Source: https://pay.weixin.qq.com/doc/v3/merchant/4012081717
    """

    def __init__(
        self,
        status: int,
        code: str | None = None,
        message: str | None = None,
        *,
        request_id: str | None = None,
        verified: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        said = " ".join(part for part in (code, message and f"({message})") if part)
        super().__init__(f"HTTP {status}" + (f": {said}" if said else ""))
        self.status: int = status
        self.code = code
        self.message = message
        self.request_id = request_id
        self.verified = verified
        self.retry_after_s = retry_after_s


class RefusedError(APIError):
    """The request was refused; sending it again would not help."""


class UnauthorizedError(RefusedError):
    """401: signature, serial number or clock; WeChat Pay does not know who asks."""


class ForbiddenError(RefusedError):
    """403: WeChat Pay authenticated the merchant, which lacks the permission."""


class ThrottledError(APIError, TransientError):
    """429, or another 4xx whose code or message is about frequency: too many requests."""


class ServerError(APIError, TransientError):
    """5xx: the gateway failed."""


class PendingError(APIError, TransientError):
    """202: the request was accepted and has no result yet; send the same request again for it."""


class TransportError(TransientError):
    """No complete response was received."""


class ConnectError(TransportError):
    """No connection could be made: name resolution, network or TLS failed, or it was refused."""


class CertificateRefusedError(ConnectError):
    """The TLS certificate of a host is not trusted, or belongs to another host.

    Attributes:
        host: The host that presented the certificate: the gateway's, or a proxy's.
        verify_code: The reason as OpenSSL's ``X509_V_ERR_*`` number; 0 if unknown.
        everywhere: Whether each of the client's hosts presented such a certificate at the last
            attempt to connect to it, and none of them has ever responded.
    """

    def __init__(self, host: str, why: str, verify_code: int) -> None:
        super().__init__(f"no connection: the TLS certificate of {host} is refused ({why})")
        self.host = host
        self.verify_code = verify_code
        self.everywhere = False


class DisconnectedError(TransportError):
    """The connection broke before the response was complete."""


class TimedOutError(TransportError):
    """Connecting or responding took longer than allowed."""


class LocalResourceError(TransientError):
    """This machine lacks file descriptors, memory or a local port; the gateway may be healthy.

    It is not a TransportError: it causes no failover, and it does not count as an outage.
    """


class VerificationError(TransientError):
    """A response that is not accepted as an answer; nothing in it is used."""


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
        super().__init__(text)
        self.reason = reason
        self.serial = shown_key_id(serial)
        self.probe = probe
        self.skew_s = skew_s


class MismatchError(VerificationError):
    """A verified response names another person or organization than the request."""


class UnnamedError(VerificationError):
    """A verified response lacks openid or organization_id: nothing proves whom it is about."""


class BodyError(VerificationError):
    """A response is not as documented."""


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
        self.state = shown_state(state) or ""
        shown = f": {self.state!r}" if self.state else ", which is not a valid name of a state"
        super().__init__(f"the answer has an unrecognized state{shown}")
