"""Each client in a process of its own: ``python -m tests.benchmarks.clients NAME FOLDER QUERIES``.

Prints microseconds of CPU and of wall time per verified query, counted once it is warm: start-up,
imports and the first connections are no part of it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

CONCURRENCY: Final = 32
WARM: Final = 200
ORGANIZATIONS: Final = ("1001", "1002", "0042", "1004")
_PATH: Final = "/v3/palmservice/authorization/openid"


class Meter:
    """CPU and wall time since it was made, or since :meth:`restart`."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def per(self, queries: int) -> dict[str, float]:
        cpu, wall = time.process_time() - self._cpu, time.perf_counter() - self._wall
        return {"cpu_us": cpu / queries * 1e6, "wall_us": wall / queries * 1e6}


def question(number: int) -> tuple[str, str]:
    """Return openid and organization_id of a question."""
    return f"o{number:027}", ORGANIZATIONS[number % len(ORGANIZATIONS)]


def ours(folder: Path, queries: int, *, fast_loop: bool = False) -> dict[str, float]:
    """This project's client; ``fast_loop``: on uvloop."""
    from palm import AsyncPalm  # noqa: PLC0415 - each process has its own client only
    from palm.settings import Settings, read_config  # noqa: PLC0415

    settings = Settings(**read_config(folder / "palm.toml"))

    async def run() -> dict[str, float]:
        async with AsyncPalm.from_settings(settings, rate=1_000_000) as palm:

            async def ask(first: int, last: int) -> None:
                numbers = iter(range(first, last))

                async def work() -> None:
                    for number in numbers:
                        await palm.authorizations.get(*question(number))

                await asyncio.gather(*(work() for _ in range(CONCURRENCY)))

            await ask(0, WARM)
            meter = Meter()
            await ask(WARM, WARM + queries)
            return meter.per(queries)

    if fast_loop:
        import uvloop  # noqa: PLC0415

        return uvloop.run(run())
    return asyncio.run(run())


def wechatpayv3_sync(folder: Path, queries: int) -> dict[str, float]:
    """The PyPI client, 32 threads."""
    from wechatpayv3.core import Core  # noqa: PLC0415
    from wechatpayv3.type import RequestType  # noqa: PLC0415

    core = _directed(Core, folder)

    def ask(number: int) -> None:
        openid, organization_id = question(number)
        path = f"{_PATH}/{openid}?organization_id={organization_id}"
        status, _ = core.request(path, method=RequestType.GET)
        if status != 200:
            raise RuntimeError(f"status {status}")

    with ThreadPoolExecutor(CONCURRENCY) as pool:
        list(pool.map(ask, range(WARM)))
        meter = Meter()
        list(pool.map(ask, range(WARM, WARM + queries)))
        return meter.per(queries)


def wechatpayv3_async(folder: Path, queries: int) -> dict[str, float]:
    """The PyPI client, its asynchronous variant."""
    from wechatpayv3.async_.core import AsyncCore, RequestType  # noqa: PLC0415

    async def run() -> dict[str, float]:
        async with _directed(AsyncCore, folder) as core:

            async def ask(first: int, last: int) -> None:
                numbers = iter(range(first, last))

                async def work() -> None:
                    for number in numbers:
                        openid, organization_id = question(number)
                        path = f"{_PATH}/{openid}?organization_id={organization_id}"
                        status, _ = await core.request(path, method=RequestType.GET)
                        if status != 200:
                            raise RuntimeError(f"status {status}")

                await asyncio.gather(*(work() for _ in range(CONCURRENCY)))

            await ask(0, WARM)
            meter = Meter()
            await ask(WARM, WARM + queries)
            return meter.per(queries)

    return asyncio.run(run())


def _directed(core: type, folder: Path) -> Any:
    """Return the client's low-level class, which knows but one address, with the gateway's."""
    settings = json.loads((folder / "settings.json").read_text())
    address = {"_gate_way": property(lambda _: settings["base_url"], lambda *_: None)}
    return type(core.__name__, (core,), address)(
        mchid=settings["mchid"],
        cert_serial_no=settings["merchant_serial"],
        private_key=(folder / "merchant_key.pem").read_text(),
        apiv3_key=settings["apiv3_key"],
        public_key=(folder / "wechatpay_pub.pem").read_text(),
        public_key_id=settings["public_key_id"],
        timeout=10,
    )


CLIENTS: Final[dict[str, Callable[[Path, int], dict[str, float]]]] = {
    "ours": ours,
    "ours-uvloop": lambda folder, queries: ours(folder, queries, fast_loop=True),
    "wechatpayv3": wechatpayv3_sync,
    "wechatpayv3-async": wechatpayv3_async,
}

if __name__ == "__main__":
    name, place, number = sys.argv[1:]
    print(json.dumps(CLIENTS[name](Path(place), int(number))))
