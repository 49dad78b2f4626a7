"""A client of WeChat Pay's palm service (微信刷掌) that believes only what it has verified."""

from palm._version import __version__
from palm.authorization import AuthorizationState, PalmAuthorization
from palm.client import BASE_URL, AsyncPalm, Attempt
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
from palm.keys import Merchant, PlatformKeys
from palm.pacer import Pacer
from palm.response import Response
from palm.retrying import Retry
from palm.signing import RSASigner, RSAVerifier, Signer, Verifier, authorization, message
from palm.transport import Timeouts

__all__ = [
    "BASE_URL",
    "APIError",
    "ArgumentError",
    "AsyncPalm",
    "Attempt",
    "AuthorizationState",
    "BeliefError",
    "BodyError",
    "ConnectError",
    "DisconnectedError",
    "ForbiddenError",
    "Merchant",
    "MismatchError",
    "NewStateError",
    "NoStateError",
    "Pacer",
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
