"""A gateway that names nobody and says things twice: every state is the right one, or UNKNOWN."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import random
import re
import time
from collections import Counter
from itertools import count
from zlib import crc32

import pytest

from palm import AsyncPalm, Pair, PalmError, SignatureError, SignatureReason
from palm.crypto.signing import message

PAIRS = 3_000
REPEATED = 0.01
LATER_S = (0.003, 0.050)
STATES = ("ON", "OFF", "NONE")


def right_state(openid):
    return STATES[crc32(openid.encode()) % 3]


class Repeating:
    """A gateway that does not echo, and sends some responses once more on the same connection."""

    def __init__(self, keys):
        self._keys = keys
        self._dice = random.Random(10)
        self._nonces = count(1)
        self._serving = set()
        self.repeated = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader, writer):
        self._serving.add(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                answer = self._answer(re.findall(r"/openid/(\w+)\?", head)[0])
                writer.write(answer)
                if self._dice.random() < REPEATED:
                    self.repeated += 1
                    later = self._dice.uniform(*LATER_S)
                    asyncio.get_running_loop().call_later(later, self._repeat, writer, answer)
        writer.close()

    def _answer(self, openid):
        body = json.dumps({"state": f"AUTHORIZATION_STATE_{right_state(openid)}"}).encode()
        now, nonce = str(int(time.time())), f"n{next(self._nonces)}"
        raw = self._keys.sign(self._keys.public_key_id, message(now, nonce, body))
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n"
            f"Wechatpay-Timestamp: {now}\r\nWechatpay-Nonce: {nonce}\r\n"
            f"Wechatpay-Signature: {base64.b64encode(raw).decode()}\r\n"
            f"Wechatpay-Serial: {self._keys.public_key_id}\r\n\r\n"
        )
        return head.encode() + body

    @staticmethod
    def _repeat(writer, answer):
        if not writer.is_closing():
            writer.write(answer)


@pytest.mark.slow
async def test_no_state_is_somebody_elses_where_responses_come_twice(keys):
    """A refused answer's connection is closed: else all that follow on it answer another question.

    189 of 3,000 states were false without a memory of signatures, and 371 with it alone.
    """
    pairs = [Pair(f"o{number:027}", "1001") for number in range(PAIRS)]
    ended, refused = Counter(), Counter()

    def note(attempt):
        if isinstance(attempt.error, SignatureError):
            refused[attempt.error.reason] += 1

    async with (
        Repeating(keys) as gateway,
        AsyncPalm(
            merchant=keys.merchant(),
            keys=keys.platform_keys(),
            base_url=gateway.base_url,
            accept_unnamed=True,
            rate=100_000,
            on_attempt=note,
        ) as palm,
    ):
        async for pair, answer in palm.authorizations.get_many(pairs):
            if isinstance(answer, PalmError):
                ended["unknown"] += 1
            else:
                ended[answer.state.name == right_state(pair.openid)] += 1
    assert gateway.repeated > PAIRS * REPEATED / 2
    assert ended == {True: PAIRS}
    assert set(refused) <= {SignatureReason.REPLAYED}
