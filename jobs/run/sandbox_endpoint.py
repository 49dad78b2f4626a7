"""A sandbox inside this process. Imported only for ``--sandbox``: it needs an HTTP server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

from jobs.cluster.tasks.job import WorkerSettings
from jobs.report.model import GatewayId
from jobs.run.endpoint import Endpoint
from palm.sandbox import SandboxGateway, SandboxKeys
from palm.settings import CONFIG_NAME

__all__ = ["SandboxEndpoint"]


@dataclass(frozen=True, slots=True)
class SandboxEndpoint:
    """A sandbox that runs in this process while the context is open.

    Attributes:
        keys: The keys of both sides; by default they are generated when the context opens.
        files_per_request: Both ends of each connection are in this process.
    """

    keys: SandboxKeys | None = field(default=None, repr=False)
    files_per_request: int = 2

    @asynccontextmanager
    async def open(self, run_date: date) -> AsyncIterator[Endpoint]:
        """Yield the endpoint of a sandbox that shows its population at the run date."""
        keys = self.keys or SandboxKeys.generate()
        async with SandboxGateway(keys, date=run_date) as gateway:
            yield Endpoint(
                GatewayId("sandbox", keys.mchid),
                keys.merchant(),
                keys.platform_keys(),
                [gateway.base_url],
                worker_settings=partial(_written, keys, gateway.base_url),
            )


def _written(keys: SandboxKeys, base_url: str, folder: Path) -> WorkerSettings:
    """Write the keys where the workers find them."""
    keys.write(folder, base_url)
    return WorkerSettings(folder / CONFIG_NAME, alone=True)
