"""Errors that the gateway responds with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from palm.errors.base import PalmError, TransientError

__all__ = [
    "APIError",
    "ErrorDetail",
    "ForbiddenError",
    "PendingError",
    "RefusedError",
    "ServerError",
    "ThrottledError",
    "UnauthorizedError",
]


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """What WeChat Pay says about the wrong part of a request, without the part's value.

    Attributes:
        field: The wrong parameter, e.g. ``/amount/currency``; None if none is named.
        issue: What is wrong with it, for people; None if that is not described.
        location: Where it stands, e.g. ``body`` or ``query``; None if that is not described.

    Source: https://pay.weixin.qq.com/doc/v3/merchant/4012081709
    """

    field: str | None = None
    issue: str | None = None
    location: str | None = None


class APIError(PalmError):
    """The gateway responded with a status that means an error, or with 202.

    Attributes:
        code: WeChat Pay's error code; None if the body has none.
        message: WeChat Pay's error text, for people: its wording may change. None if there is none.
        detail: WeChat Pay's description of the wrong parameter; None if there is none.
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
        detail: ErrorDetail | None = None,
    ) -> None:
        said = " ".join(part for part in (code, message and f"({message})") if part)
        super().__init__(f"HTTP {status}" + (f": {said}" if said else ""))
        self.status: int = status
        self.code = code
        self.message = message
        self.request_id = request_id
        self.verified = verified
        self.retry_after_s = retry_after_s
        self.detail = detail

    def take_out(self, private: Iterable[str]) -> None:
        """Remove private texts and their parts from the error; see :mod:`palm.text.scrub`."""
        from palm.text.scrub import scrub  # noqa: PLC0415 - slow, and not needed for --help

        private = tuple(private)
        super().take_out(private)
        if self.detail is not None:
            texts = (self.detail.field, self.detail.issue, self.detail.location)
            self.detail = ErrorDetail(*(text and scrub(text, private) for text in texts))


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
