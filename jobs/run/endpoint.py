"""The gateway that a run asks, and the keys for it. Knows nothing of the sandbox's server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from jobs.cluster.tasks.job import WorkerSettings
from jobs.report.model import GatewayId
from palm import BASE_URLS, CertificateStore, Merchant, PlatformKeys, ThreadSigner
from palm.crypto.thread_signer import usable_cores
from palm.http.tls import tls_context
from palm.http.url import checked_base_url
from palm.sandbox.identity import SANDBOX_MCHID
from palm.settings import Settings

__all__ = ["ConfiguredEndpoint", "Endpoint", "EndpointProvider"]

_THREADS_FROM_RATE: Final = 1_000.0
"""Requests per second. A core that signs, too, sends about as many; below, threads gain nothing."""
_THREADS_FROM_CORES: Final = 2


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A gateway that can be asked.

    Attributes:
        gateway: The gateway's identity, as the report names it.
        merchant: The merchant that signs the requests.
        keys: The keys that answers are verified with.
        base_url: The hosts: main, then backup.
        proxy: URL of an HTTP proxy, or None.
        ca_file: Certificates that TLS trusts besides the system's, or None.
        worker_settings: Returns where another process finds the same settings; it may write files
            into a folder, which only this user may read.
    """

    gateway: GatewayId
    merchant: Merchant
    keys: PlatformKeys | CertificateStore
    base_url: Sequence[str]
    proxy: str | None = None
    ca_file: Path | None = None
    worker_settings: Callable[[Path], WorkerSettings] = lambda _: WorkerSettings()

    def signer(self, rate: float) -> Merchant | ThreadSigner:
        """Return what signs the requests: threads where one core cannot sign and send them all.

        Args:
            rate: Requests per second that the gateway may be sent.
        """
        if rate >= _THREADS_FROM_RATE and usable_cores() >= _THREADS_FROM_CORES:
            return ThreadSigner(self.merchant)
        return self.merchant


class EndpointProvider(Protocol):
    """Opens the gateway that a run asks."""

    @property
    def files_per_request(self) -> int:
        """How many file descriptors of this process a request in flight needs."""

    def open(self, run_date: date) -> AbstractAsyncContextManager[Endpoint]:
        """Return a context in which the gateway can be asked.

        Args:
            run_date: The business date of the run.

        Raises:
            palm.SettingsError: A setting is wrong.
        """


@dataclass(frozen=True, slots=True)
class ConfiguredEndpoint:
    """The gateway that the settings name.

    Attributes:
        settings: Credentials, keys and hosts.
        found_by: Where another process finds the same.
    """

    settings: Settings
    files_per_request: int = 1
    found_by: WorkerSettings = field(default_factory=WorkerSettings)

    @asynccontextmanager
    async def open(self, run_date: date) -> AsyncIterator[Endpoint]:  # noqa: ARG002 - the sandbox's
        """Yield the endpoint; nothing is sent.

        Raises:
            palm.SettingsError: A setting is wrong.
        """
        settings = self.settings
        merchant, keys = settings.merchant(), settings.verifying_keys()
        urls = settings.base_url or BASE_URLS
        host = urlsplit(checked_base_url(urls[0])).hostname or ""
        kind = "wechatpay" if host.endswith(".mch.weixin.qq.com") else "other"
        if merchant.mchid == SANDBOX_MCHID:
            kind = "sandbox"
        tls_context(settings.ca_file)  # an error in the file is reported before anything is sent
        yield Endpoint(
            GatewayId(kind, merchant.mchid),
            merchant,
            keys,
            urls,
            settings.proxy,
            settings.ca_file,
            lambda _: self.found_by,
        )
