"""The sandbox in a process of its own, whose nights go wrong as they are told to.

It reads one JSON object a line from standard input and answers each with one; see :meth:`obey`.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from aiohttp import web

from palm.clock import Clock
from palm.sandbox import Faults, SandboxGateway, SandboxKeys
from palm.sandbox.requests.rejections import RejectionReason
from palm.sandbox.responses import rejection_response
from palm.settings import Settings, load_settings, read_config
from tests.night import DAY

_ABOUT = "/v3/palmservice/authorization/openid/"
_DENIED = RejectionReason(403, "NO_AUTH", 268435460, "商户无权限", "No permission")


class NightGateway(SandboxGateway):
    """A gateway that can be shut, deny organizations, misread the clock, and remembers all.

    Attributes:
        denied: Organizations that the merchant may not ask about; ``*``: any.
        offset_s: How much its clock is ahead of this machine's.
        repeats: Whether the first answer about a pair is sent again to whoever asks later.
        queries: One list per query: openid, organization, when it came and when it was answered
            (monotonic seconds; None: it never was).
    """

    def __init__(self, keys: SandboxKeys) -> None:
        super().__init__(keys, date=DAY, clock=Clock(wall=lambda: time.time() + self.offset_s))
        self.denied: set[str] = set()
        self.offset_s = 0.0
        self.repeats = False
        self._first: tuple[bytes, dict[str, str]] | None = None
        self.queries: list[list[Any]] = []
        self.authorizations: list[str] = []
        self._steps: asyncio.Task[None] | None = None
        self._open = False
        self._goal = 0
        self._reached = asyncio.Event()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        url = urlsplit(request.raw_path)
        query = None
        if url.path.startswith(_ABOUT):
            organization = parse_qs(url.query).get("organization_id", [""])[0]
            query = [unquote(url.path.removeprefix(_ABOUT)), organization, time.monotonic(), None]
            self.queries.append(query)
            if len(self.queries) == self._goal:
                self._reached.set()
            self.authorizations.append(request.headers.get("Authorization", ""))
            if organization in self.denied or "*" in self.denied:
                answer = rejection_response(_DENIED, "en", signed=False)
                return web.Response(status=answer.status, body=answer.body)
        answered = await super()._handle(request)
        if query is not None:
            query[3] = time.monotonic()
            if self.repeats:
                return self._repeated(answered)
        return answered

    def _repeated(self, answered: web.StreamResponse) -> web.StreamResponse:
        """Return the first answer, signature and all, in the place of another."""
        if self._first is None and isinstance(answered, web.Response):
            self._first = bytes(answered.body or b""), dict(answered.headers)  # type: ignore[arg-type]
        assert self._first is not None
        body, headers = self._first
        return web.Response(body=body, headers=headers)

    async def obey(self, command: dict[str, Any]) -> dict[str, Any]:
        """Do what the command's members say, and tell how things stand.

        ``reset``: be as at the beginning. ``faults`` (and their ``seed``), ``limit``,
        ``latency_s``, ``mode``, ``denied``, ``offset_s``, ``repeats``: as the attributes. ``open``:
        listen or not. ``rotate``: a new certificate. ``write``: a new folder for keys and
        palm.toml. ``plan``: what to do later, a list of ``{"queries": N, "do": {…}}`` (after so
        many more queries) and ``{"seconds": S, "do": {…}}`` (so long after the step before).
        ``tell``: the queries, too.
        """
        if command.get("reset"):
            await self._reset()
        self._change(command)
        if "open" in command:
            await self._turn(is_open=command["open"])
        if "write" in command:
            self.keys.write(Path(command["write"]), self.base_url, mode=self.mode)
        if "plan" in command:
            self._steps = asyncio.create_task(self._follow(command["plan"]))
        told = {
            "asked": len(self.queries),
            "throttled": self.stats.throttled,
            "rejected": self.stats.rejected,
            "faults": sum(self.stats.faults.values()),
        }
        if command.get("tell"):
            told |= {"queries": self.queries, "authorizations": self.authorizations}
        return told

    def _change(self, command: dict[str, Any]) -> None:
        for name in ("limit", "latency_s", "mode", "offset_s", "repeats"):
            if name in command:
                setattr(self, name, command[name])
        if "faults" in command:
            self.faults = Faults.parse(command["faults"], seed=command.get("seed", 0))
        if "denied" in command:
            self.denied = set(command["denied"])
        if command.get("rotate"):
            self.rotate()

    async def _reset(self) -> None:
        if self._steps is not None:
            self._steps.cancel()
        await self._turn(is_open=True)
        self.limit, self.latency_s, self.mode = None, 0.0, "public_key"
        self.faults, self.denied, self.offset_s = Faults(), set(), 0.0
        self.repeats, self._first = False, None
        self.stats = type(self.stats)()
        self.queries, self.authorizations = [], []

    async def _turn(self, *, is_open: bool) -> None:
        if is_open and not self._open:
            await self.__aenter__()
            self._port = int(self.base_url.rpartition(":")[2])  # the same one after an outage
        elif self._open and not is_open:
            await self.__aexit__(None, None, None)
        self._open = is_open

    async def _follow(self, plan: list[dict[str, Any]]) -> None:
        for step in plan:
            if "queries" in step:
                self._goal = len(self.queries) + step["queries"]
                self._reached.clear()
                await self._reached.wait()
            await asyncio.sleep(step.get("seconds", 0.0))
            await self.obey(step["do"])


@dataclass
class Served:
    """The gateway, seen from the tests' process."""

    process: subprocess.Popen[str]
    folder: Path
    made: Counter[str] = field(default_factory=Counter)
    _telling: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def tell(self, **command: Any) -> dict[str, Any]:
        """Send a command; return how things stand. Any thread may call it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with self._telling:
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
            told: dict[str, Any] = json.loads(self.process.stdout.readline())
        return told

    def config(self, **command: Any) -> Path:
        """Return the palm.toml of a new folder, after a command such as ``mode="certificate"``."""
        self.made["folders"] += 1
        folder = self.folder / f"keys-{self.made['folders']}"
        self.tell(**command, write=str(folder))
        return folder / "palm.toml"

    def settings(self, **command: Any) -> Settings:
        """Return what a client needs."""
        return load_settings(read_config(self.config(**command)))

    def times_asked(self) -> Counter[tuple[str, str]]:
        """Return how often it was asked about each ``(organization_id, openid)``."""
        return Counter((query[1], query[0]) for query in self.tell(tell=True)["queries"])


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """Run the gateway while this lasts."""
    command = [sys.executable, "-m", "tests.chaos.gateway"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        gateway = Served(process, folder)
        gateway.tell(reset=True)
        try:
            yield gateway
        finally:
            assert process.stdin is not None
            process.stdin.close()


async def main() -> None:
    """Obey until standard input ends."""
    gateway = NightGateway(SandboxKeys.generate())
    commands = asyncio.StreamReader(limit=2**20)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    while line := await commands.readline():
        sys.stdout.write(json.dumps(await gateway.obey(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
