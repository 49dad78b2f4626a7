"""The sandbox as other people's clients meet it: a base URL, and a folder of keys."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from palm import AsyncPalm, MismatchError, Retry, SignatureError, SignatureReason, VerificationError
from palm.sandbox import Faults, SandboxGateway

MODES = ["public_key", "certificate", "grey"]
PAIR = ("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "1004")


@dataclass(frozen=True)
class Folder:
    """What ``palm sandbox --keys`` wrote, read as the user of any client would.

    Attributes:
        mode: Which key signs.
    """

    path: Path
    mode: str

    @property
    def settings(self) -> dict[str, str]:
        return json.loads(self.text("settings.json"))

    def text(self, name: str) -> str:
        return (self.path / name).read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(monkeypatch):
    """No settings, and no proxy between the clients and the loopback."""
    for name in [name for name in os.environ if name.startswith("PALM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture(
    scope="session",
    params=[
        pytest.param(mode, marks=[] if mode == "grey" else [pytest.mark.slow]) for mode in MODES
    ],
)
def sandbox(request, tmp_path_factory) -> Iterator[Folder]:
    """The command ``palm sandbox`` in each of its modes, in a process of its own.

    The grey period has the keys of both other modes, so each run has that one.
    """
    path = tmp_path_factory.mktemp("sandbox") / "keys"
    command = [sys.executable, "-m", "palm.commands.main", "sandbox", "--port", "0"]
    command += ["--keys", str(path), "--mode", request.param]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:  # it prints its settings when it listens
            if line.startswith("export PALM_BASE_URL"):
                break
        try:
            yield Folder(path, request.param)
        finally:
            process.terminate()


@pytest.fixture
def serve(keys, tmp_path):
    """``async with serve(mode) as (gateway, folder)``: one whose faults a test can change."""

    @asynccontextmanager
    async def serve(mode: str) -> AsyncIterator[tuple[SandboxGateway, Folder]]:
        async with SandboxGateway(keys, mode=mode) as gateway:
            keys.write(tmp_path / "keys", gateway.base_url, mode=mode)
            yield gateway, Folder(tmp_path / "keys", mode)

    return serve


@pytest.fixture
def refused_by_us(serve) -> Callable[[str, str], Awaitable[VerificationError]]:
    """Return the error with which our client refuses the answers that a fault befalls."""

    async def refused_by_us(mode: str, fault: str) -> VerificationError:
        async with serve(mode) as (gateway, folder):
            config = folder.path / "palm.toml"
            async with AsyncPalm.from_env(config, retry=Retry(attempts=1)) as palm:
                assert (await palm.authorizations.get(*PAIR)).openid == PAIR[0]
                gateway.faults = Faults(**{fault: 1.0})
                with pytest.raises(VerificationError) as raised:
                    await palm.authorizations.get(*PAIR)
            assert gateway.stats.faults[fault]
        return raised.value

    return refused_by_us


@pytest.fixture
def check_refused_by_us(refused_by_us) -> Callable[[str, str], Awaitable[None]]:
    """Check that our client refuses what a fault befalls, and for the right reason."""
    reasons = {
        "altered": SignatureReason.WRONG,
        "missing": SignatureReason.MISSING,
        "serial": SignatureReason.UNKNOWN_SERIAL,
        "probe": SignatureReason.MALFORMED,
        "stale": SignatureReason.STALE,
    }

    async def check_refused_by_us(mode: str, fault: str) -> None:
        error = await refused_by_us(mode, fault)
        if fault == "other":
            assert isinstance(error, MismatchError)
        else:
            assert isinstance(error, SignatureError)
            assert error.reason is reasons[fault]
            assert error.probe is (fault == "probe")

    return check_refused_by_us
