"""Whom to ask, and with which keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from jobs.report.model import GatewayId
from palm import BASE_URLS, CertificateStore, Merchant, PlatformKeys, sandbox
from palm.http.tls import tls_context
from palm.http.url import checked_base_url
from palm.settings import Settings

__all__ = ["Endpoint", "open_endpoint"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The other side, and who we are to it.

    Attributes:
        gateway: As the report names it.
        merchant: Who asks.
        keys: What answers are verified with.
        base_url: Hosts: main, then backup.
        proxy: URL, or None.
        ca_file: Certificates that TLS trusts besides the system's, or None.
    """

    gateway: GatewayId
    merchant: Merchant
    keys: PlatformKeys | CertificateStore
    base_url: Sequence[str]
    proxy: str | None = None
    ca_file: Path | None = None


@asynccontextmanager
async def open_endpoint(settings: Settings | None, run_date: date) -> AsyncIterator[Endpoint]:
    """Yield the gateway of the settings; None: a sandbox that lives as long.

    Raises:
        palm.SettingsError: A setting is wrong.
    """
    if settings is not None:
        yield _configured(settings)
        return
    keys = sandbox.SandboxKeys.generate()
    async with sandbox.SandboxGateway(keys, date=run_date) as gateway:
        yield Endpoint(
            GatewayId("sandbox", keys.mchid),
            keys.merchant(),
            keys.platform_keys(),
            [gateway.base_url],
        )


def _configured(settings: Settings) -> Endpoint:
    merchant, keys = settings.merchant(), settings.verifying_keys()
    urls = settings.base_url or BASE_URLS
    host = urlsplit(checked_base_url(urls[0])).hostname or ""
    kind = "wechatpay" if host.endswith(".mch.weixin.qq.com") else "other"
    if merchant.mchid == sandbox.SANDBOX_MCHID:
        kind = "sandbox"
    tls_context(settings.ca_file)  # what is wrong with it is told before anybody is asked
    return Endpoint(
        GatewayId(kind, merchant.mchid), merchant, keys, urls, settings.proxy, settings.ca_file
    )
