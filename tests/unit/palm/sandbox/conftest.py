"""Keys of the session, and a client that sends exactly the bytes it is told to."""

from __future__ import annotations

import asyncio
import base64
import json
import time
import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from multidict import CIMultiDict

from palm.crypto.keys import Merchant
from palm.crypto.signing import RSASigner, authorization, message
from palm.sandbox import SandboxGateway

PATH = "/v3/palmservice/authorization/openid/"
TARGET = f"{PATH}oUpF8uMuAJO_M2pxb1Q9zNjWeS6o?organization_id=1004"


@dataclass
class Response:
    status: int
    headers: CIMultiDict[str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def signed(self) -> bool:
        return any(name.lower().startswith("wechatpay-") for name in self.headers)


class Caller:
    """Signs as the merchant does and speaks HTTP/1.1 over a connection of its own."""

    def __init__(self, merchant: Merchant) -> None:
        self.merchant = merchant
        self.signer = RSASigner(merchant)

    def header(
        self,
        target: str = TARGET,
        *,
        method: str = "GET",
        body: bytes = b"",
        at: float | None = None,
        nonce_str: str | None = None,
        mchid: str | None = None,
        serial_no: str | None = None,
    ) -> str:
        """Return the Authorization header of a request; what is given differs from the truth."""
        timestamp = str(int(time.time() if at is None else at))
        nonce_str = nonce_str or uuid.uuid4().hex
        raw = self.signer.sign(message(method, target, timestamp, nonce_str, body))
        return authorization(
            mchid or self.merchant.mchid,
            serial_no or self.merchant.serial_no,
            base64.b64encode(raw).decode(),
            timestamp=timestamp,
            nonce_str=nonce_str,
        )

    async def ask(
        self,
        gateway: SandboxGateway,
        target: str = TARGET,
        *,
        method: str = "GET",
        body: bytes = b"",
        authorization: str | None = None,
        **headers: str | None,
    ) -> Response:
        """Send one request and return its answer; a header that is None is left out."""
        if authorization is None:
            authorization = self.header(target, method=method, body=body)
        sent = {
            "Host": "127.0.0.1",
            "User-Agent": "test",
            "Accept": "application/json",
            "Authorization": authorization,
            "Connection": "close",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        if body:
            sent["Content-Length"] = str(len(body))
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items() if value is not None)
        content = await self.send(gateway, f"{method} {target} HTTP/1.1\r\n{head}\r\n", body)
        if not content:
            raise ConnectionResetError
        return parse(content)

    async def send(self, gateway: SandboxGateway, head: str, body: bytes = b"") -> bytes:
        """Send bytes and return all that comes until the connection is closed."""
        port = int(gateway.base_url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(head.encode("utf-8", "surrogateescape") + body)
            return await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()


def parse(content: bytes) -> Response:
    head, _, body = content.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = CIMultiDict(line.split(": ", 1) for line in lines)
    return Response(int(first.split()[1]), headers, body)


@pytest.fixture(scope="session")
def caller(keys):
    return Caller(keys.merchant())


@pytest.fixture
async def gateway(keys):
    async with SandboxGateway(keys, date=date(2026, 11, 21)) as gateway:
        yield gateway
