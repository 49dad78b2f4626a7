"""A sandbox in a thread of its own, with a population and faults that a test chooses."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypedDict, TypeVar

from palm.crypto.keys import Merchant, PlatformKeys
from palm.sandbox.credentials.keyring import SandboxKeys
from palm.sandbox.faults import Fault, Faults
from palm.sandbox.gateway import SandboxGateway
from palm.sandbox.people.chosen import ChosenPopulation
from palm.sandbox.people.population import PairState
from palm.sandbox.serving import LoopbackServer

if TYPE_CHECKING:
    from palm.settings import Settings

__all__ = ["PalmSandbox", "SandboxOptions", "serving"]

S = TypeVar("S", bound=LoopbackServer)


class SandboxOptions(TypedDict):
    """The arguments with which a client is made for the sandbox."""

    merchant: Merchant
    keys: PlatformKeys
    base_url: str


class PalmSandbox:
    """A gateway on this machine, in a thread of its own, while the context is open.

    Args:
        keys: The keys of both sides; None: new ones, which take half a second.

    Attributes:
        gateway: The gateway; its attributes may be changed while it runs: ``limit``, ``mode``,
            ``latency_s``, ``date``, ``echo``, ``faults``. ``gateway.stats`` counts what came.
        population: Who has authorized whom: what :meth:`set_state` chose; all other pairs are
            made up, always the same.
    """

    def __init__(self, keys: SandboxKeys | None = None) -> None:
        self.population: ChosenPopulation = ChosenPopulation()
        self.gateway: SandboxGateway = SandboxGateway(
            keys or SandboxKeys.generate(), self.population
        )
        self._stack = ExitStack()
        self._config: Path | None = None

    def __enter__(self) -> Self:
        self._stack.enter_context(serving(self.gateway))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()
        self._config = None

    @property
    def base_url(self) -> str:
        """The gateway's URL, e.g. ``http://127.0.0.1:49152``."""
        return self.gateway.base_url

    @property
    def options(self) -> SandboxOptions:
        """The arguments of a client: ``Palm(**palm_sandbox.options, rate=50)``."""
        keys = self.gateway.keys
        return {
            "merchant": keys.merchant(),
            "keys": keys.platform_keys(self.gateway.mode),
            "base_url": self.base_url,
        }

    @property
    def config(self) -> Path:
        """Path of a ``palm.toml``: ``Palm.from_env(palm_sandbox.config)``, ``--config``."""
        if self._config is None:
            folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="palm-sandbox-")))
            self.gateway.keys.write(folder, self.base_url, mode=self.gateway.mode)
            self._config = folder / "palm.toml"
        return self._config

    @property
    def settings(self) -> Settings:
        """The settings of a client: ``Palm.from_settings(palm_sandbox.settings)``."""
        from palm.settings import load_settings, read_config  # noqa: PLC0415 - slow to import

        return load_settings(read_config(self.config))

    @property
    def environment(self) -> dict[str, str]:
        """The settings as ``PALM_*`` variables, for ``monkeypatch.setenv`` or another process."""
        return self.settings.as_environment()

    def set_state(
        self,
        openid: str,
        organization_id: str,
        state: PairState | str,
        authorize_time: datetime | None = None,
    ) -> None:
        """Choose the state of a pair, from the next request on.

        Args:
            openid: The person.
            organization_id: The organization.
            state: ``"ON"``, ``"OFF"`` or ``"NONE"``.
            authorize_time: Aware; None: a fixed time in 2025, and for ``"NONE"`` no time.

        Raises:
            ValueError: There is no such state, or the time is not aware.
        """
        self.population.set_state(openid, organization_id, state, authorize_time)

    def fail_next(self, *faults: Fault | str | None) -> None:
        """Let the next requests meet these faults, one each; None: that request is answered.

        Only requests with a valid signature count, and attempts count, not queries: a client that
        asks again meets the next one.

        Args:
            faults: As ``palm sandbox --faults`` names them: ``"500"``, ``"drop"``, ``"altered"``.

        Raises:
            SettingsError: There is no such fault.
        """
        chosen = [None if fault is None else Fault.named(fault) for fault in faults]
        self.gateway.next_faults.extend(chosen)

    def clear_faults(self) -> None:
        """End all faults: those of :meth:`fail_next`, and those of ``gateway.faults``."""
        self.gateway.next_faults.clear()
        self.gateway.faults = Faults()


@contextmanager
def serving(server: S) -> Iterator[S]:
    """Run a server in a thread of its own while the context is open.

    Raises:
        SettingsError: Its port is in use, or this user may not open it.
    """
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    thread = Thread(
        target=lambda: asyncio.run(_serve(server, started)), name="palm-sandbox", daemon=True
    )
    thread.start()
    try:
        loop, stop = started.result()
        yield server
    finally:
        if started.exception() is None:
            loop.call_soon_threadsafe(stop.set)
        thread.join()


async def _serve(
    server: LoopbackServer, started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]
) -> None:
    stop = asyncio.Event()
    try:
        await server.__aenter__()
    except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
        started.set_exception(error)
        return
    started.set_result((asyncio.get_running_loop(), stop))
    try:
        await stop.wait()
    finally:
        await server.__aexit__(None, None, None)
