"""A gateway whose answers are signed before it listens, so that answering costs it little.

What a remote gateway computes is computed on another machine. This one takes a tenth of the
sandbox's time, so that a machine with two cores has one for the command and nearly one more.

Run: ``python -m tests.benchmarks.signed_before FOLDER PAIRS``. It writes the keys and ``palm.toml``
into the folder, prints a line when it listens, and ends when its standard input does. Each answer
may be asked for several times, but only by different processes: a client refuses a repeated one.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from palm import message
from palm.sandbox.credentials.keyring import SandboxKeys
from tests.benchmarks.whole import pair_of

_QUESTION: Final = re.compile(rb"GET \S*/openid/([^?]+)\?organization_id=(\S+) ")


@contextmanager
def running_signed_before(folder: Path, pairs: int) -> Iterator[None]:
    """Run the gateway in a process of its own while the context is open."""
    command = [sys.executable, "-m", "tests.benchmarks.signed_before", str(folder), str(pairs)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.terminate()


def signed_answers(keys: SandboxKeys, pairs: int) -> dict[tuple[bytes, bytes], bytes]:
    """Return the whole response to the question about each pair."""
    answers = {}
    timestamp = str(int(time.time()) + 60)
    for number in range(pairs):
        openid, organization_id = pair_of(number)
        nonce = f"{number:032x}"
        body = (
            f'{{"openid":"{openid}","organization_id":"{organization_id}",'
            '"state":"AUTHORIZATION_STATE_ON","authorize_time":"2026-11-20T10:34:56+08:00"}'
        ).encode()
        signature = keys.sign(keys.public_key_id, message(timestamp, nonce, body))
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nRequest-ID: {number:024X}-0\r\n"
            f"Wechatpay-Nonce: {nonce}\r\nWechatpay-Timestamp: {timestamp}\r\n"
            f"Wechatpay-Serial: {keys.public_key_id}\r\n"
            f"Wechatpay-Signature: {b64encode(signature).decode()}\r\n\r\n"
        )
        answers[openid.encode(), organization_id.encode()] = head.encode() + body
    return answers


class _Connection(asyncio.Protocol):
    def __init__(self, answers: dict[tuple[bytes, bytes], bytes]) -> None:
        self._answers = answers
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer one request; a client sends the next one after the answer, in one piece."""
        asked = _QUESTION.match(data)
        assert asked is not None
        assert self._transport is not None
        self._transport.write(self._answers[asked.group(1), asked.group(2)])


async def serve(folder: Path, pairs: int) -> None:
    """Answer until standard input ends."""
    keys = SandboxKeys.generate()
    answers = signed_answers(keys, pairs)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(answers), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    keys.write(folder, f"http://127.0.0.1:{port}")
    print("listens", flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
