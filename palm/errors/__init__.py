"""Every error that leaves this package.

::

    PalmError
    ├── SettingsError               a key, serial, file or option is wrong; nothing was sent
    ├── ArgumentError               an argument cannot be put into a request (also a ValueError)
    ├── ClosedError                 the client is closed (also a RuntimeError)
    ├── EventLoopError              an AsyncPalm in another event loop (also a RuntimeError)
    ├── APIError                    the gateway responded with a status that means an error, or 202
    │   ├── RefusedError            400, 404, 405 and other 4xx
    │   │   ├── UnauthorizedError   401
    │   │   └── ForbiddenError      403
    │   ├── ThrottledError *        429, or a 4xx whose code or message is about frequency
    │   ├── ServerError *           5xx
    │   └── PendingError *          202: accepted, no result yet
    ├── TransportError *            no complete response
    │   ├── ConnectError *          no connection could be made (also a ConnectionError)
    │   │   ├── ProxyAuthenticationError *  the proxy answered 407
    │   │   └── CertificateRefusedError *   the host's TLS certificate is not trusted
    │   ├── DisconnectedError *     a connection broke (also a ConnectionError)
    │   └── TimedOutError *         it took too long (also a TimeoutError)
    ├── PacerError *                the caller's own pacer failed; nothing was sent
    ├── SignerError *               the caller's own Signer failed; nothing was sent
    │   └── SignerTimeoutError *    ... did not return in time (also a TimeoutError)
    ├── LocalResourceError *        this machine lacks a resource for a connection; nothing was sent
    ├── VerificationError *         a response that is not accepted as an answer
    │   ├── SignatureError *        unsigned, wrongly signed, stale, or signed with an unknown key
    │   ├── MismatchError *         names another person or organization
    │   ├── UnnamedError *          does not name the person or the organization
    │   └── BodyError *             not as documented
    │       └── DecryptionError *   encrypted with another APIv3 key, or altered
    └── StateError                  verified, but without a state that this version knows
        ├── NoStateError
        └── UnrecognizedStateError

    * also a TransientError: the same request may succeed later

No error contains an openid, a key, a signature or an Authorization header. Values from the gateway
are kept only if they have the usual form, and the parts of private texts are removed from them.
Errors of libraries, whose texts contain the URL, are replaced without their cause.
"""

from __future__ import annotations

from palm.errors.api import (
    APIError,
    ErrorDetail,
    ForbiddenError,
    PendingError,
    RefusedError,
    ServerError,
    ThrottledError,
    UnauthorizedError,
)
from palm.errors.base import (
    PalmError,
    TransientError,
)
from palm.errors.transport import (
    CertificateRefusedError,
    ConnectError,
    DisconnectedError,
    LocalResourceError,
    PacerError,
    ProxyAuthenticationError,
    SignerError,
    SignerTimeoutError,
    TimedOutError,
    TransportError,
)
from palm.errors.usage import (
    ArgumentError,
    ClosedError,
    EventLoopError,
    SettingsError,
)
from palm.errors.verification import (
    BodyError,
    DecryptionError,
    MismatchError,
    NoStateError,
    SignatureError,
    SignatureReason,
    StateError,
    UnnamedError,
    UnrecognizedStateError,
    VerificationError,
)

__all__ = [
    "APIError",
    "ArgumentError",
    "BodyError",
    "CertificateRefusedError",
    "ClosedError",
    "ConnectError",
    "DecryptionError",
    "DisconnectedError",
    "ErrorDetail",
    "EventLoopError",
    "ForbiddenError",
    "LocalResourceError",
    "MismatchError",
    "NoStateError",
    "PacerError",
    "PalmError",
    "PendingError",
    "ProxyAuthenticationError",
    "RefusedError",
    "ServerError",
    "SettingsError",
    "SignatureError",
    "SignatureReason",
    "SignerError",
    "SignerTimeoutError",
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
