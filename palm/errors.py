"""Every error that leaves this package.

::

    PalmError
    ├── SettingsError               a key, serial, file or option is wrong; nothing was sent
    ├── ArgumentError               an argument cannot be asked about (also a ValueError)
    ├── APIError                    the gateway answered, but not with what was asked for
    │   ├── RefusedError            400, 404, 405 and other 4xx
    │   │   ├── UnauthorizedError   401
    │   │   └── ForbiddenError      403
    │   ├── ThrottledError *        429, or a 4xx that speaks of frequency
    │   ├── ServerError *           5xx
    │   └── PendingError *          202: accepted, no result yet
    ├── TransportError *            no complete answer
    │   ├── ConnectError *          no connection could be made
    │   │   └── CertificateRefusedError *   the host's TLS certificate is not trusted
    │   ├── DisconnectedError *     a connection broke
    │   └── TimedOutError *         it took too long
    ├── LocalResourceError *        this machine lacks what a connection takes; nothing was sent
    ├── VerificationError *               an answer that is not believed
    │   ├── SignatureError *        unsigned, wrongly signed, stale, or by an unknown key
    │   ├── MismatchError *         about somebody else
    │   ├── UnnamedError *          about nobody: openid or organization_id is missing
    │   └── BodyError *             not what the documentation describes
    └── StateError                  believed, but without a state that we know
        ├── NoStateError
        └── UnrecognizedStateError

    * also a TransientError: worth asking again

No error holds an openid, a key, a signature or an Authorization header: of what the gateway says
only what has the form of such a value is kept, and the parts of private texts are taken out of it.
Errors of libraries, whose texts hold the URL, are replaced without their cause.
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

_SAID: Final = ("code", "message", "request_id", "serial", "state")
"""Attributes with what the gateway says."""


class PalmError(Exception):
    """Base of all errors of this package.

    Attributes:
        status: HTTP status of the last answer, None where there was none.
        request_id: Its ``Request-ID``, which WeChat Pay's support asks for.
        attempts: How many requests were sent before giving up.
        outage: Whether the gateway was down for everybody at the time, or this machine had nothing
            left to ask with, so that the failure says nothing of this question.
    """

    outage: bool = False
    status: int | None = None
    request_id: str | None = None
    attempts: int = 0

    def __reduce__(self) -> tuple[object, ...]:
        """Return how it is pickled and copied: as it is, without asking ``__init__`` again."""
        return copyreg.__newobj__, (type(self), *self.args), vars(self)  # type: ignore[attr-defined]

    def take_out(self, private: Iterable[str]) -> None:
        """Take texts and their parts out of what the error says; see :mod:`palm.text.redact`."""
        private = tuple(private)
        self.args = tuple(scrub(a, private) if isinstance(a, str) else a for a in self.args)
        for name in _SAID:
            if isinstance(value := getattr(self, name, None), str):
                setattr(self, name, scrub(value, private))


class TransientError(PalmError):
    """The same question may be answered if it is asked again."""


class SettingsError(PalmError):
    """A key, a serial number, a file or an option is wrong; nothing was sent."""


class ArgumentError(PalmError, ValueError):
    """An argument cannot be put into a request; nothing was sent."""


class APIError(PalmError):
    """The gateway answered with a status that means an error, or 202.

    Attributes:
        code: WeChat Pay's error code, None where the body holds none.
        message: WeChat Pay's text, for people; never branch on it.
        verified: Whether the answer carried a signature that verified.

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
    """The request is refused, and would be again."""


class UnauthorizedError(RefusedError):
    """401: signature, serial number or clock; WeChat Pay does not know who asks."""


class ForbiddenError(RefusedError):
    """403: WeChat Pay knows who asks, and says no."""


class ThrottledError(APIError, TransientError):
    """Too many requests; ``retry_after_s`` is the pause asked for, in seconds, where one is."""


class ServerError(APIError, TransientError):
    """5xx."""


class PendingError(APIError, TransientError):
    """202: accepted; the same request asks for the result."""


class TransportError(TransientError):
    """No complete answer came back."""


class ConnectError(TransportError):
    """No connection could be made: name, network, TLS, or nobody listens."""


class CertificateRefusedError(ConnectError):
    """The TLS certificate that a host shows is not trusted, or not that host's.

    Attributes:
        host: Whose certificate it is: the gateway's host, or a proxy's.
        verify_code: OpenSSL's ``X509_V_ERR_*``, which says why.
        everywhere: Whether each of the client's hosts showed such a certificate when it was asked
            last, and none has ever answered.
    """

    def __init__(self, host: str, why: str, verify_code: int) -> None:
        super().__init__(f"no connection: the TLS certificate of {host} is refused ({why})")
        self.host = host
        self.verify_code = verify_code
        self.everywhere = False


class DisconnectedError(TransportError):
    """The connection broke before the answer was complete."""


class TimedOutError(TransportError):
    """Connecting or answering took longer than allowed."""


class LocalResourceError(TransientError):
    """This machine lacks file descriptors, memory or a local port: it says nothing of the gateway.

    Not a TransportError: no host is switched for it, and it is no sign of an outage.
    """


class VerificationError(TransientError):
    """An answer that is not believed; nothing in it counts."""


class SignatureReason(StrEnum):
    """Which step of the verification failed."""

    MISSING = "MISSING"
    STALE = "STALE"
    UNKNOWN_SERIAL = "UNKNOWN_SERIAL"
    MALFORMED = "MALFORMED"
    WRONG = "WRONG"
    REPLAYED = "REPLAYED"


class SignatureError(VerificationError):
    """An answer's signature does not verify.

    Attributes:
        reason: The step that failed.
        serial: The key id that the answer names, None where it names none, or something else.
        probe: Whether it is one of WeChat Pay's deliberate wrong signatures
            (``WECHATPAY/SIGNTEST/``), which a careful client refuses.
        skew_s: For ``STALE``, how many seconds the answer lies from our clock; negative: behind.

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
    """A verified answer speaks of another person or organization, or of none where required."""


class UnnamedError(VerificationError):
    """A verified answer without openid or organization_id: nothing ties it to the question."""


class BodyError(VerificationError):
    """An answer is not what the documentation describes."""


class StateError(PalmError):
    """A verified answer holds no state that this package knows; asking again would not help."""


class NoStateError(StateError):
    """The answer has no ``state``, which the documentation allows."""


class UnrecognizedStateError(StateError):
    """The answer has a ``state`` that the documentation does not list.

    Attributes:
        state: The state, verbatim; empty where it has not the form of one.
    """

    def __init__(self, state: str) -> None:
        self.state = shown_state(state) or ""
        shown = f": {self.state!r}" if self.state else ", and has not the form of one"
        super().__init__(f"the answer's state is new to this version{shown}")
