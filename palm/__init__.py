"""A client of WeChat Pay's palm service (微信刷掌) that believes only what it has verified.

The modules behind the names are imported when a name is first used, so that ``--help`` answers at
once and a script pays for what it needs.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from palm.chain import AsyncNode, Node
    from palm.client import AsyncPalm
    from palm.clock import Clock
    from palm.crypto.certificate_store import CertificateStore
    from palm.crypto.certificates import APIv3Key
    from palm.crypto.keys import Merchant, PlatformKeys
    from palm.crypto.signing import (
        RSASigner,
        RSAVerifier,
        SignedMessage,
        Signer,
        Verifier,
        authorization,
        message,
    )
    from palm.crypto.thread_signer import ThreadSigner
    from palm.crypto.trust_store import TrustStore
    from palm.errors import (
        APIError,
        ArgumentError,
        BodyError,
        CertificateRefusedError,
        ClosedError,
        ConnectError,
        DecryptionError,
        DisconnectedError,
        ErrorDetail,
        EventLoopError,
        ForbiddenError,
        LocalResourceError,
        MismatchError,
        NoStateError,
        PacerError,
        PalmError,
        PendingError,
        ProxyAuthenticationError,
        RefusedError,
        ServerError,
        SettingsError,
        SignatureError,
        SignatureReason,
        SignerError,
        SignerTimeoutError,
        StateError,
        ThrottledError,
        TimedOutError,
        TransientError,
        TransportError,
        UnauthorizedError,
        UnnamedError,
        UnrecognizedStateError,
        VerificationError,
    )
    from palm.http.answer import Answer
    from palm.http.request.attempts import Attempt
    from palm.http.request.options import RequestOptions
    from palm.http.request.timeouts import Timeouts
    from palm.models import AuthorizationState, PalmAuthorization
    from palm.notifications.notification import Notification
    from palm.notifications.parsing import Notifications, SyncNotifications
    from palm.options.client_options import BASE_URLS
    from palm.pairs import Pair
    from palm.palmservice import Authorizations, Outcome
    from palm.resilience.adaptive_rate import Adaptation, AdaptationRules
    from palm.resilience.breaker import Breaker, BreakerRules
    from palm.resilience.failover import HostRules
    from palm.resilience.pacer import Pacer
    from palm.resilience.rate_limiter import RateLimiter
    from palm.resilience.retry import Retry
    from palm.sync import Palm, SyncAuthorizations

__all__ = [
    "BASE_URLS",
    "APIError",
    "APIv3Key",
    "Adaptation",
    "AdaptationRules",
    "Answer",
    "ArgumentError",
    "AsyncNode",
    "AsyncPalm",
    "Attempt",
    "AuthorizationState",
    "Authorizations",
    "BodyError",
    "Breaker",
    "BreakerRules",
    "CertificateRefusedError",
    "CertificateStore",
    "Clock",
    "ClosedError",
    "ConnectError",
    "DecryptionError",
    "DisconnectedError",
    "ErrorDetail",
    "EventLoopError",
    "ForbiddenError",
    "HostRules",
    "LocalResourceError",
    "Merchant",
    "MismatchError",
    "NoStateError",
    "Node",
    "Notification",
    "Notifications",
    "Outcome",
    "Pacer",
    "PacerError",
    "Pair",
    "Palm",
    "PalmAuthorization",
    "PalmError",
    "PendingError",
    "PlatformKeys",
    "ProxyAuthenticationError",
    "RSASigner",
    "RSAVerifier",
    "RateLimiter",
    "RefusedError",
    "RequestOptions",
    "Retry",
    "ServerError",
    "SettingsError",
    "SignatureError",
    "SignatureReason",
    "SignedMessage",
    "Signer",
    "SignerError",
    "SignerTimeoutError",
    "StateError",
    "SyncAuthorizations",
    "SyncNotifications",
    "ThreadSigner",
    "ThrottledError",
    "TimedOutError",
    "Timeouts",
    "TransientError",
    "TransportError",
    "TrustStore",
    "UnauthorizedError",
    "UnnamedError",
    "UnrecognizedStateError",
    "VerificationError",
    "Verifier",
    "__version__",
    "authorization",
    "message",
]

__version__: Final = "0.1.0"

_WHERE: Final = {
    "BASE_URLS": "options.client_options",
    "APIError": "errors",
    "APIv3Key": "crypto.certificates",
    "Adaptation": "resilience.adaptive_rate",
    "AdaptationRules": "resilience.adaptive_rate",
    "ArgumentError": "errors",
    "AsyncNode": "chain",
    "AsyncPalm": "client",
    "Attempt": "http.request.attempts",
    "AuthorizationState": "models",
    "Authorizations": "palmservice",
    "VerificationError": "errors",
    "BodyError": "errors",
    "CertificateRefusedError": "errors",
    "Breaker": "resilience.breaker",
    "BreakerRules": "resilience.breaker",
    "Clock": "clock",
    "ClosedError": "errors",
    "ConnectError": "errors",
    "DecryptionError": "errors",
    "DisconnectedError": "errors",
    "EventLoopError": "errors",
    "ErrorDetail": "errors",
    "CertificateStore": "crypto.certificate_store",
    "ForbiddenError": "errors",
    "HostRules": "resilience.failover",
    "LocalResourceError": "errors",
    "Merchant": "crypto.keys",
    "MismatchError": "errors",
    "UnrecognizedStateError": "errors",
    "NoStateError": "errors",
    "Node": "chain",
    "Notification": "notifications.notification",
    "Notifications": "notifications.parsing",
    "Outcome": "palmservice",
    "Pacer": "resilience.pacer",
    "PacerError": "errors",
    "RateLimiter": "resilience.rate_limiter",
    "Pair": "pairs",
    "Palm": "sync",
    "PalmAuthorization": "models",
    "PalmError": "errors",
    "PendingError": "errors",
    "ProxyAuthenticationError": "errors",
    "PlatformKeys": "crypto.keys",
    "RSASigner": "crypto.signing",
    "RSAVerifier": "crypto.signing",
    "RefusedError": "errors",
    "Answer": "http.answer",
    "RequestOptions": "http.request.options",
    "Retry": "resilience.retry",
    "ServerError": "errors",
    "SettingsError": "errors",
    "SignatureError": "errors",
    "SignatureReason": "errors",
    "SignedMessage": "crypto.signing",
    "Signer": "crypto.signing",
    "SignerError": "errors",
    "SignerTimeoutError": "errors",
    "StateError": "errors",
    "SyncAuthorizations": "sync",
    "SyncNotifications": "notifications.parsing",
    "ThreadSigner": "crypto.thread_signer",
    "ThrottledError": "errors",
    "TimedOutError": "errors",
    "Timeouts": "http.request.timeouts",
    "TransientError": "errors",
    "TransportError": "errors",
    "TrustStore": "crypto.trust_store",
    "UnauthorizedError": "errors",
    "UnnamedError": "errors",
    "Verifier": "crypto.signing",
    "authorization": "crypto.signing",
    "message": "crypto.signing",
}


_RENAMED: Final = {
    "BeliefError": "VerificationError",
    "DownloadedKeys": "CertificateStore",
    "NewStateError": "UnrecognizedStateError",
    "Response": "Answer",
}
"""Names of version 0.1, which still work in this one, with a warning."""


def __getattr__(name: str) -> object:
    if new := _RENAMED.get(name):
        warnings.warn(f"palm.{name} is now palm.{new}", DeprecationWarning, stacklevel=2)
        return getattr(import_module(__name__), new)
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"palm.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
