"""What counts is when a request is written: held connections and stops break no quota."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import sys
import time
from bisect import bisect_right

import pytest

RATE = 200
HELD = 300
CLIENT = """
import asyncio, sys
from pathlib import Path
import aiohttp
from palm import AsyncPalm, PalmError, Retry, Timeouts
from palm.settings import load_settings, read_config

async def main(folder, url, count, rate):
    let_go, create = asyncio.Event(), aiohttp.TCPConnector._create_connection

    async def create_slowly(self, *given):
        connection = await create(self, *given)
        await let_go.wait()
        return connection

    async def wait_for_a_line():
        await asyncio.to_thread(sys.stdin.readline)
        let_go.set()

    async def ask(number):
        try:
            await palm.authorizations.get(f"o{number:027}", "1001")
        except PalmError as error:
            return str(error)

    aiohttp.TCPConnector._create_connection = create_slowly
    settings = load_settings(read_config(Path(folder) / "palm.toml"))
    async with AsyncPalm(
        merchant=settings.merchant(), keys=settings.verifying_keys(), base_url=url, rate=int(rate),
        retry=Retry(attempts=1, patience_s=0.0), timeouts=Timeouts(60, 60),
    ) as palm:
        _, *ended = await asyncio.gather(wait_for_a_line(), *map(ask, range(int(count))))
        print(palm.pacer.worst_second, set(ended))

asyncio.run(main(*sys.argv[1:]))
"""


class NotingGateway:
    """A gateway that notes when connections and requests come, and when they were signed."""

    def __init__(self) -> None:
        self._serving: set[asyncio.Task[None]] = set()
        self.connections = 0
        self.came: list[float] = []
        self.signed: list[int] = []
        self.late_s = 0.0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        self._serving.add(asyncio.create_task(self._watch()))
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _watch(self):
        """Note how late this event loop is: so much later than it came a request is noted."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            self.late_s = max(self.late_s, time.monotonic() - before - 0.01)

    async def _serve(self, reader, writer):
        self.connections += 1
        self._serving.add(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.came.append(time.monotonic())
                self.signed.append(int(re.findall('timestamp="([0-9]+)"', head)[0]))
                writer.write(b"HTTP/1.1 404 x\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()

    def busiest_second(self):
        """Return the most that came within any one second, whatever this machine was late by."""
        window = max(0.0, 1 - self.late_s)
        times = enumerate(self.came)
        return max(index + 1 - bisect_right(self.came, at - window) for index, at in times)


@contextlib.asynccontextmanager
async def asking(*arguments):
    """Run a client in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CLIENT, *map(str, arguments)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def holds(condition):
    while not condition():
        await asyncio.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("stopped", [False, True], ids=["held", "held and stopped"])
async def test_connections_that_are_there_at_the_same_time_keep_the_quota(keys, tmp_path, stopped):
    """338 requests went in one second where 100 were allowed, and the client reported 99.

    A slow machine makes it last longer, never shorter.
    """
    keys.write(tmp_path / "keys", "http://127.0.0.1:1")
    async with (
        NotingGateway() as gateway,
        asking(tmp_path / "keys", gateway.url, HELD, RATE) as client,
    ):
        await asyncio.wait_for(holds(lambda: gateway.connections == HELD), 60)
        if stopped:
            client.send_signal(signal.SIGSTOP)
        client.stdin.write(b"go on\n")
        if stopped:
            await asyncio.sleep(1)  # long enough for every slot that was let through to pass
        began, stamp = time.monotonic(), int(time.time())
        if stopped:
            client.send_signal(signal.SIGCONT)
        out, _ = await asyncio.wait_for(client.communicate(), 60)
    worst, _, ended = out.decode().partition(" ")
    assert (len(gateway.came), ended) == (HELD, "{'HTTP 404'}\n")
    assert gateway.came[-1] - began >= (HELD - 1) / (0.98 * RATE) - 0.02
    assert gateway.busiest_second() <= int(worst) <= RATE
    late = sum(signed < stamp for signed in gateway.signed)
    assert late <= 0.02 * RATE + 1, "all others are signed after their second wait"
