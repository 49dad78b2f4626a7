"""Errors without a complete response, or in what the caller's own signer does."""

from __future__ import annotations

from palm.errors.base import TransientError

__all__ = [
    "CertificateRefusedError",
    "ConnectError",
    "DisconnectedError",
    "LocalResourceError",
    "PacerError",
    "ProxyAuthenticationError",
    "SignerError",
    "SignerTimeoutError",
    "TimedOutError",
    "TransportError",
]


class TransportError(TransientError):
    """No complete response was received."""


class ConnectError(TransportError, ConnectionError):
    """No connection could be made: name resolution, network or TLS failed, or it was refused.

    It is also Python's own ConnectionError.
    """


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
        self.host: str | None = host
        self.verify_code = verify_code
        self.everywhere = False


class ProxyAuthenticationError(ConnectError):
    """The proxy answered 407: it wants a user and a password, or others than it got."""

    def __init__(
        self,
        text: str = "no connection: the proxy answers HTTP 407: put the right user and password "
        "into its URL, http://user:password@host:port",
    ) -> None:
        super().__init__(text)


class DisconnectedError(TransportError, ConnectionError):
    """The connection broke before the response was complete; also a ConnectionError."""


class TimedOutError(TransportError, TimeoutError):
    """Connecting or responding took longer than allowed; also Python's own TimeoutError."""


class LocalResourceError(TransientError):
    """This machine lacks file descriptors, memory or a local port; the gateway may be healthy.

    It is not a TransportError: it causes no failover, and it does not count as an outage.
    """


class PacerError(TransientError):
    """The caller's own pacer raised an exception, of which only the class is told.

    No request was sent; a GET is tried again, because the service behind the pacer may answer then.
    """


class SignerError(TransientError):
    """The caller's own Signer raised an exception, or returned something other than bytes.

    It names the exception's class only: its text may hold the request, a key or a token. No request
    was sent; a GET is tried again, because the service that holds the key may answer then.
    """


class SignerTimeoutError(SignerError, TimeoutError):
    """The caller's own Signer did not return within the attempt's timeout; nothing was sent.

    It is no TimedOutError, because the gateway is not the reason: there is no failover.
    """
