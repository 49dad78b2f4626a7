"""A client of WeChat Pay's palm service (微信刷掌) that believes only what it has verified."""

from palm._version import __version__
from palm.adaptation import AdaptationRules
from palm.authorization import AuthorizationState, PalmAuthorization
from palm.authorizations import Authorizations, Outcome, Pair
from palm.breaker import BreakerRules
from palm.certificates import APIv3Key, DownloadedKeys
from palm.chain import Node
from palm.client import BASE_URLS, AsyncPalm, Attempt
from palm.errors import (
    APIError,
    ArgumentError,
    BeliefError,
    BodyError,
    ConnectError,
    DisconnectedError,
    ForbiddenError,
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
)
from palm.hosts import HostRules
from palm.keys import Merchant, PlatformKeys
from palm.pacer import Pacer
from palm.response import Response
from palm.retrying import Retry
from palm.signing import RSASigner, RSAVerifier, Signer, Verifier, authorization, message
from palm.sync import Palm, SyncAuthorizations
from palm.transport import Timeouts

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
    "ConnectError",
    "DisconnectedError",
    "DownloadedKeys",
    "ForbiddenError",
    "HostRules",
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
    "UnauthorizedError",
    "Verifier",
    "__version__",
    "authorization",
    "message",
]
