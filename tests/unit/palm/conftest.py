"""PEM texts made for the session, and a server that says just what it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

from tests.roots import root_named

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SERIAL = 0x5157F09EFDC096DE15EBE81A47057A7232F1B8E1
VECTORS = Path(__file__).parents[2] / "vectors"


class Pem:
    """Keys of every kind, and what is written about them."""

    def __init__(self, key: rsa.RSAPrivateKey, other: rsa.RSAPrivateKey) -> None:
        self.key = key
        self.other = other
        self.small = rsa.generate_private_key(65537, 1024)  # noqa: S505 - to be refused
        self.curve = ec.generate_private_key(ec.SECP256R1())

    def private(self, key, *, password: bytes | None = None, pkcs1: bool = False) -> bytes:
        return key.private_bytes(
            Encoding.PEM,
            PrivateFormat.TraditionalOpenSSL if pkcs1 else PrivateFormat.PKCS8,
            BestAvailableEncryption(password) if password else NoEncryption(),
        )

    def public(self, key) -> bytes:
        return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def certificate(
        self, key, *, serial: int = SERIAL, starts: datetime = NOW, days: float = 30
    ) -> bytes:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(serial)
            .not_valid_before(starts)
            .not_valid_after(starts + timedelta(days=days))
            .sign(self.other, SHA256())
        )
        return made.public_bytes(Encoding.PEM)

    def authority(self, key) -> bytes:
        """Return the root's certificate of whoever signs with ``key``."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
        begins, ends = NOW - timedelta(days=999), NOW + timedelta(days=9999)
        return root_named(name, key, begins, ends)


@pytest.fixture(scope="session")
def pem(keys) -> Pem:
    return Pem(keys.merchant_key, keys.platform_key)


@pytest.fixture(scope="session")
def vectors() -> Callable[[str], dict]:
    return lambda name: json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


class Line:
    """What a scripted server writes to, and closes, to answer one request."""

    def __init__(self, writer: asyncio.StreamWriter, number: int) -> None:
        self.number = number
        self.closed = asyncio.Event()
        self._writer = writer

    async def say(self, content: bytes) -> None:
        self._writer.write(content)
        await self._writer.drain()

    async def answer(self, status: int, body: bytes = b"", headers: str = "") -> None:
        head = f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        await self.say(head.encode() + body)

    def hang_up(self) -> None:
        self._writer.close()


class Server:
    """A server that reads requests and leaves the answers to a script."""

    def __init__(
        self,
        script: Callable[[Line], Awaitable[None]],
        *,
        greeting: Callable[[Line], Awaitable[None]] | None = None,
    ) -> None:
        self._script = script
        self.greeting = greeting
        self.lines: list[Line] = []
        self._serving: set[asyncio.Task[None]] = set()
        self.heads: list[str] = []
        self.connections = 0

    @property
    def targets(self) -> list[str]:
        """Method and request target of every request that came in."""
        return [head.split(" HTTP/", 1)[0] for head in self.heads]

    @property
    def nonces(self) -> list[str]:
        return [re.findall('nonce_str="([^"]+)"', head)[0] for head in self.heads]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._serving.add(asyncio.current_task())
        if self.greeting is not None:
            self.lines.append(Line(writer, 0))
            await self.greeting(self.lines[-1])
        line: Line | None = None
        with contextlib.suppress(
            asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError
        ):
            while True:
                self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                line = Line(writer, len(self.heads))
                self.lines.append(line)
                await self._script(line)
        if line is not None:
            line.closed.set()
        writer.transport.abort()


@pytest.fixture(scope="session")
def serve() -> type[Server]:
    """``async with serve(script) as server``; the script is told of each request's line.

    ``greeting`` is told of each connection's, before any request; ``lines`` are all of them.
    """
    return Server
