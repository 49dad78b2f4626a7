"""Checks keys, serial numbers, clock, host and permission; each finding names its remedy."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

from palm.clock import Clock
from palm.crypto.keys import Merchant, PlatformKeys
from palm.crypto.signing import MAX_SKEW_S, RSASigner, RSAVerifier, Verifier
from palm.errors import (
    CertificateRefusedError,
    ForbiddenError,
    LocalResourceError,
    PalmError,
    RefusedError,
    ServerError,
    SettingsError,
    SignatureError,
    SignatureReason,
    ThrottledError,
    UnauthorizedError,
    UnnamedError,
)
from palm.errors.remedies import UNREACHABLE, diagnose
from palm.http.answer import TYPED, error_of
from palm.http.signed import SignedTransport
from palm.http.tls import tls_context
from palm.http.transport import Timeouts, Transport
from palm.http.url import checked_base_url, checked_proxy
from palm.models import read_authorization
from palm.options.client_options import BASE_URLS
from palm.palmservice import query_target
from palm.resilience.failover import Hosts
from palm.settings import Settings
from palm.text.redact import shown_key_id, shown_url
from palm.text.scrub import GAP

__all__ = ["Finding", "Level", "check"]

_EXAMPLE: Final = ("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "1004")
"""The documentation's own example: https://pay.weixin.qq.com/doc/v3/partner/4014482017"""
_NOTABLE_SKEW_S: Final = 60
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_BUSY: Final = (ThrottledError, ServerError)
"""Errors that may come unsigned from the gateway's edge, and are temporary."""


class Level(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        level: How the check ended.
        what: What was checked.
        detail: The result and, if something is wrong, how to fix it.
    """

    level: Level
    what: str
    detail: str


async def check(
    settings: Settings,
    *,
    pair: tuple[str, str] | None = None,
    clock: Clock | None = None,
    timeouts: Timeouts | None = None,
    ca_setting: str = "ca_file",
) -> AsyncIterator[Finding]:
    """Yield the findings; one query is sent to each host.

    Args:
        settings: The settings to check.
        pair: ``(openid, organization_id)`` to ask about; default the documentation's example.
        clock: The time.
        timeouts: The time limits of each request.
        ca_setting: What names the file of certificate authorities, for errors.
    """
    clock = clock or Clock()
    try:
        merchant = settings.merchant()
        yield Finding(Level.OK, "merchant", f"{merchant.mchid}, serial {merchant.serial_no}")
    except SettingsError as error:
        yield Finding(Level.FAIL, "merchant", str(error))
        return
    if settings.merchant_certificate is None:
        yield Finding(
            Level.WARN,
            "certificate",
            "not given: whether key and serial belong together shows only at the gateway; "
            "set merchant_certificate to apiclient_cert.pem",
        )
    try:
        verifier = _verifier(settings, merchant, clock)
        proxy = checked_proxy(settings.proxy) if settings.proxy else None
        tls = tls_context(settings.ca_file, ca_setting)
        urls = [checked_base_url(url) for url in settings.base_url or BASE_URLS]
    except SettingsError as error:
        yield Finding(Level.FAIL, "platform keys", str(error))
        return
    yield Finding(Level.OK, "platform keys", f"requests name {_key_id(verifier.preferred)}")
    for url in urls:
        transport = Transport(timeouts or Timeouts(), proxy, tls)
        exchange = SignedTransport(
            RSASigner(merchant), verifier, Hosts([url]), transport, clock=clock
        )
        try:
            async for finding in _ask(exchange, url, pair or _EXAMPLE, clock):
                yield finding
        finally:
            await exchange.close()


def _key_id(name: str) -> str:
    return (shown_key_id(name) or GAP) if name else "none yet"


def _verifier(settings: Settings, merchant: Merchant, clock: Clock) -> Verifier:
    keys = settings.verifying_keys(clock=clock)
    if isinstance(keys, PlatformKeys):
        keys.check_against(merchant)
        return RSAVerifier(keys)
    return keys


async def _ask(
    exchange: SignedTransport, url: str, pair: tuple[str, str], clock: Clock
) -> AsyncIterator[Finding]:
    """Send one query to a host, and yield all findings from its answer."""
    try:
        with await exchange.send("GET", query_target(*pair)) as answer:
            status, headers, content = answer.status, answer.headers, answer.content
    except PalmError as error:
        yield Finding(Level.FAIL, f"network {shown_url(url)}", _unreachable(error))
        return
    yield Finding(Level.OK, f"network {shown_url(url)}", f"it answers (HTTP {status})")
    yield _clock(headers, clock.wall())
    refused = error_of(status, headers, content, verified=False, private=pair[:1], accepted=TYPED)
    if isinstance(refused, UnauthorizedError):
        yield Finding(Level.FAIL, "credentials", diagnose(refused))
        return
    try:
        signed_by = await exchange.verify(headers, content)
    except SignatureError as error:
        error.take_out(pair[:1])
        yield _unbelieved(error, refused)
        return
    except PalmError as error:
        error.take_out(pair[:1])
        yield Finding(Level.FAIL, "signature", str(error))
        return
    yield Finding(Level.OK, "credentials", "the gateway knows the merchant and its key")
    yield Finding(
        Level.OK, "signature", f"the answer is signed with {_key_id(signed_by)}, which is held"
    )
    if isinstance(refused, ForbiddenError):
        yield Finding(Level.FAIL, "query", diagnose(refused))
    elif isinstance(refused, RefusedError) and "Wechatpay-Serial" in (refused.message or ""):
        named = _key_id(exchange.verifier.preferred)
        detail = f"{refused}; {named} is not this merchant's: mend public_key_id"
        yield Finding(Level.FAIL, "query", detail)
    elif refused is not None:
        yield Finding(Level.WARN, "query", f"answered, but refused: {refused}")
    else:
        yield _named(content, pair)


def _unreachable(error: PalmError) -> str:
    if isinstance(error, CertificateRefusedError):
        return diagnose(error)
    if isinstance(error, LocalResourceError):
        return str(error)
    return f"{error}; {UNREACHABLE}"


def _named(content: bytes, pair: tuple[str, str]) -> Finding:
    """Return the finding about a verified answer: whether it names its pair."""
    openid, organization_id = pair
    try:
        read_authorization(
            content, openid=openid, organization_id=organization_id, request_id=None, verified_by=""
        )
    except UnnamedError as error:
        detail = f"answered, but {error}: without it such answers are refused"
        return Finding(Level.WARN, "query", detail)
    except PalmError as error:
        return Finding(Level.WARN, "query", f"answered, but {error}")
    return Finding(Level.OK, "query", "answered")


def _unbelieved(error: SignatureError, refused: PalmError | None) -> Finding:
    """Return the finding about an answer whose signature is not verified."""
    if error.probe:
        detail = "WeChat Pay sent a deliberately wrong one, which was rightly refused; check again"
        return Finding(Level.WARN, "signature", detail)
    if error.reason is SignatureReason.REPLAYED:
        return Finding(Level.WARN, "signature", f"{diagnose(error)}; check again")
    if isinstance(refused, _BUSY) and error.reason is SignatureReason.MISSING:
        return Finding(Level.WARN, "query", f"refused without a signature: {refused}; check again")
    detail = f"{refused}; {diagnose(error)}" if refused is not None else diagnose(error)
    return Finding(Level.FAIL, "signature", detail)


def _clock(headers: Mapping[str, str], now: float) -> Finding:
    """Compare this machine's clock with the signed timestamp of the answer, else with its Date."""
    signed = headers.get("Wechatpay-Timestamp", "")
    if _TIMESTAMP.fullmatch(signed):
        skew, source = int(signed) - now, "the answer's signed timestamp"
    else:
        try:
            skew = parsedate_to_datetime(headers.get("Date", "")).timestamp() - now
            source = "the gateway's Date"
        except (ValueError, OverflowError):
            return Finding(Level.WARN, "clock", "the gateway does not say what time it is")
    off = f"{abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} {source}"
    if abs(skew) > MAX_SKEW_S:
        return Finding(Level.FAIL, "clock", f"{off}; set it, e.g. with chrony or ntpd")
    if abs(skew) > _NOTABLE_SKEW_S:
        return Finding(Level.WARN, "clock", f"{off}; beyond {MAX_SKEW_S} s nothing works any more")
    return Finding(Level.OK, "clock", f"within {max(abs(skew), 1):.0f} s of {source}")
