"""A client of WeChat Pay's palm service (微信刷掌) that believes only what it has verified.

The modules behind the names are imported when a name is first used, so that ``--help`` answers at
once and a script pays for what it needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from palm._version import __version__

if TYPE_CHECKING:
    from palm.adaptation import AdaptationRules
    from palm.attempt import Attempt
    from palm.authorization import AuthorizationState, PalmAuthorization
    from palm.authorizations import Authorizations, Outcome, Pair
    from palm.breaker import BreakerRules
    from palm.certificates import APIv3Key
    from palm.chain import Node
    from palm.client import BASE_URLS, AsyncPalm
    from palm.downloaded import DownloadedKeys
    from palm.errors import (
        APIError,
        ArgumentError,
        BeliefError,
        BodyError,
        CertificateRefusedError,
        ConnectError,
        DisconnectedError,
        ForbiddenError,
        LocalResourceError,
        MismatchError,
        NewStateError,
        NoStateError,
        PalmError,
        PendingError,
        RefusedError,
        ServerError,
        SettingsError,
        SignatureError,
        SignatureReason,
        StateError,
        ThrottledError,
        TimedOutError,
        TransientError,
        TransportError,
        UnauthorizedError,
        UnnamedError,
    )
    from palm.hosts import HostRules
    from palm.keys import Merchant, PlatformKeys
    from palm.pacer import Pacer
    from palm.response import Response
    from palm.retrying import Retry
    from palm.signing import RSASigner, RSAVerifier, Signer, Verifier, authorization, message
    from palm.sync import Palm, SyncAuthorizations
    from palm.transport import Timeouts
    from palm.trust_store import TrustStore

__all__ = [
    "BASE_URLS",
    "APIError",
    "APIv3Key",
    "AdaptationRules",
    "ArgumentError",
    "AsyncPalm",
    "Attempt",
    "AuthorizationState",
    "Authorizations",
    "BeliefError",
    "BodyError",
    "BreakerRules",
    "CertificateRefusedError",
    "ConnectError",
    "DisconnectedError",
    "DownloadedKeys",
    "ForbiddenError",
    "HostRules",
    "LocalResourceError",
    "Merchant",
    "MismatchError",
    "NewStateError",
    "NoStateError",
    "Node",
    "Outcome",
    "Pacer",
    "Pair",
    "Palm",
    "PalmAuthorization",
    "PalmError",
    "PendingError",
    "PlatformKeys",
    "RSASigner",
    "RSAVerifier",
    "RefusedError",
    "Response",
    "Retry",
    "ServerError",
    "SettingsError",
    "SignatureError",
    "SignatureReason",
    "Signer",
    "StateError",
    "SyncAuthorizations",
    "ThrottledError",
    "TimedOutError",
    "Timeouts",
    "TransientError",
    "TransportError",
    "TrustStore",
    "UnauthorizedError",
    "UnnamedError",
    "Verifier",
    "__version__",
    "authorization",
    "message",
]

_WHERE: Final = {
    "BASE_URLS": "client",
    "APIError": "errors",
    "APIv3Key": "certificates",
    "AdaptationRules": "adaptation",
    "ArgumentError": "errors",
    "AsyncPalm": "client",
    "Attempt": "attempt",
    "AuthorizationState": "authorization",
    "Authorizations": "authorizations",
    "BeliefError": "errors",
    "BodyError": "errors",
    "CertificateRefusedError": "errors",
    "BreakerRules": "breaker",
    "ConnectError": "errors",
    "DisconnectedError": "errors",
    "DownloadedKeys": "downloaded",
    "ForbiddenError": "errors",
    "HostRules": "hosts",
    "LocalResourceError": "errors",
    "Merchant": "keys",
    "MismatchError": "errors",
    "NewStateError": "errors",
    "NoStateError": "errors",
    "Node": "chain",
    "Outcome": "authorizations",
    "Pacer": "pacer",
    "Pair": "authorizations",
    "Palm": "sync",
    "PalmAuthorization": "authorization",
    "PalmError": "errors",
    "PendingError": "errors",
    "PlatformKeys": "keys",
    "RSASigner": "signing",
    "RSAVerifier": "signing",
    "RefusedError": "errors",
    "Response": "response",
    "Retry": "retrying",
    "ServerError": "errors",
    "SettingsError": "errors",
    "SignatureError": "errors",
    "SignatureReason": "errors",
    "Signer": "signing",
    "StateError": "errors",
    "SyncAuthorizations": "sync",
    "ThrottledError": "errors",
    "TimedOutError": "errors",
    "Timeouts": "transport",
    "TransientError": "errors",
    "TransportError": "errors",
    "TrustStore": "trust_store",
    "UnauthorizedError": "errors",
    "UnnamedError": "errors",
    "Verifier": "signing",
    "authorization": "signing",
    "message": "signing",
}


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"palm.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
