"""Whom to ask, and with which keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from jobs.report.model import Gateway
from palm import BASE_URLS, DownloadedKeys, Merchant, PlatformKeys, sandbox
from palm.http.tls import tls_context
from palm.http.url import checked_base_url
from palm.settings import Settings

__all__ = ["Peer", "peer_of"]


@dataclass(frozen=True, slots=True)
class Peer:
    """The other side, and who we are to it.

    Attributes:
        gateway: As the report names it.
        merchant: Who asks.
        keys: What answers are verified with.
        base_url: Hosts: main, then backup.
        proxy: URL, or None.
        ca_file: Certificates that TLS trusts besides the system's, or None.
    """

    gateway: Gateway
    merchant: Merchant
    keys: PlatformKeys | DownloadedKeys
    base_url: Sequence[str]
    proxy: str | None = None
    ca_file: Path | None = None


@asynccontextmanager
async def peer_of(settings: Settings | None, run_date: date) -> AsyncIterator[Peer]:
    """Yield the gateway of the settings; None: a sandbox that lives as long.

    Raises:
        palm.SettingsError: A setting is wrong.
    """
    if settings is not None:
        yield _configured(settings)
        return
    keys = sandbox.SandboxKeys.generate()
    async with sandbox.Gateway(keys, date=run_date) as gateway:
        yield Peer(
            Gateway("sandbox", keys.mchid),
            keys.merchant(),
            keys.platform_keys(),
            [gateway.base_url],
        )


def _configured(settings: Settings) -> Peer:
    merchant, keys = settings.merchant(), settings.verifying_keys()
    urls = settings.base_url or BASE_URLS
    host = urlsplit(checked_base_url(urls[0])).hostname or ""
    kind = "wechatpay" if host.endswith(".mch.weixin.qq.com") else "other"
    if merchant.mchid == sandbox.SANDBOX_MCHID:
        kind = "sandbox"
    tls_context(settings.ca_file)  # what is wrong with it is told before anybody is asked
    return Peer(
        Gateway(kind, merchant.mchid), merchant, keys, urls, settings.proxy, settings.ca_file
    )
