"""The client's own errors for those of the HTTP library."""

from __future__ import annotations

import ssl
from http import HTTPStatus

import aiohttp

from palm.errors import (
    CertificateRefusedError,
    ConnectError,
    DisconnectedError,
    ProxyAuthenticationError,
    TimedOutError,
    TransportError,
)

__all__ = ["translated"]


def translated(error: aiohttp.ClientError | OSError) -> TransportError:
    """Return our own error for one of the library's, whose text may hold the URL."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _certificate_refused(error)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return ConnectError("no connection: connecting took too long")
    if isinstance(error, TimeoutError):
        return TimedOutError("no complete response in time")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return _proxy_failed(error.status)
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, aiohttp.ClientError):
        return DisconnectedError(f"the connection broke: {_cause(cause)}")
    return ConnectError(f"no connection: {_cause(cause)}")


def _proxy_failed(status: int) -> ConnectError:
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return ProxyAuthenticationError()
    return ConnectError(f"no connection: the proxy answers HTTP {status}")


def _certificate_refused(error: aiohttp.ClientConnectorCertificateError) -> CertificateRefusedError:
    cause = error.certificate_error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return CertificateRefusedError(
            error.host, cause.verify_message.rstrip("."), cause.verify_code
        )
    return CertificateRefusedError(error.host, type(cause).__name__, 0)


def _cause(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror and error.errno is not None:
        return error.strerror
    return type(error).__name__
