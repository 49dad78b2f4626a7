"""A certificate authority made for a test, and what ends TLS in front of a gateway."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _subject(host: str) -> x509.GeneralName:
    with contextlib.suppress(ValueError):
        return x509.IPAddress(ipaddress.ip_address(host))
    return x509.DNSName(host)


class Authority:
    """Issues certificates, in a folder of the test's.

    Args:
        folder: For its files.
        name: What it is called.
        issuer: The authority that issued its own certificate; None: itself.
        days: How long its own certificate is valid yet.

    Attributes:
        file: Its certificate in PEM.
    """

    def __init__(
        self, folder: Path, name: str = "test authority", issuer: Authority | None = None,
        *, days: float = 9,
    ) -> None:  # fmt: skip
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = _name(name)
        self._chain = b"" if issuer is None else self._sign(issuer, days)
        self.file = folder / f"{name}.pem".replace(" ", "-")
        self.file.write_bytes(self._chain or self._sign(self, days))

    def _sign(self, issuer: Authority, days: float) -> bytes:
        return _certificate(
            self._subject, self._key.public_key(), issuer,
            x509.BasicConstraints(ca=True, path_length=None), -9, days,
        )  # fmt: skip

    def server(
        self, *hosts: str, begins: float = -9, ends: float = 9, whole: bool = True
    ) -> ssl.SSLContext:
        """Return a server's side of TLS for these hosts; the days count from today.

        ``whole``: the server shows the intermediate, too, if this authority is one.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        named = x509.SubjectAlternativeName([_subject(host) for host in hosts])
        leaf = _certificate(_name("server"), key.public_key(), self, named, begins, ends)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path = self._folder / "server.pem"
        path.write_bytes(private + leaf + (self._chain if whole else b""))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def dask_tls(folder: Path) -> dict[str, str]:
    """Return the variables with which Dask's processes talk by TLS, and trust only each other.

    Source: https://distributed.dask.org/en/stable/tls.html
    """
    folder.mkdir()
    authority = Authority(folder)
    authority.server("127.0.0.1")
    both = str(folder / "server.pem")
    prefix = "DASK_DISTRIBUTED__COMM__TLS__"
    sides = {
        f"{prefix}{side}__{part}": both
        for side in ("SCHEDULER", "WORKER", "CLIENT")
        for part in ("CERT", "KEY")
    }
    return {f"{prefix}CA_FILE": str(authority.file), **sides}


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer: Authority,
    extension: x509.ExtensionType,
    begins: float,
    ends: float,
) -> bytes:
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer._subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=begins))
        .not_valid_after(now + timedelta(days=ends))
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        .sign(issuer._key, SHA256())
    )
    return made.public_bytes(Encoding.PEM)


class Forwarder:
    """Passes bytes on to a port of this machine, having ended TLS or a proxy's tunnel.

    Args:
        to: URL of the gateway, or of another forwarder.
        context: The server's side of TLS; None: plain.
        tunnel: Whether it is a proxy that takes a CONNECT to anywhere first.

    Attributes:
        base_url: Where it listens.
        heads: What came before the tunnels.
    """

    def __init__(
        self, to: str, context: ssl.SSLContext | None = None, *, tunnel: bool = False
    ) -> None:
        self._port = int(to.rpartition(":")[2])
        self._context = context
        self._tunnel = tunnel
        self.base_url = ""
        self.heads: list[str] = []

    async def __aenter__(self) -> Self:
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        scheme = "https" if self._context else "http"
        self.base_url = f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        tasks = [task for task in self._open.values() if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.05)  # an aborted connection is closed by the loop's next rounds

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open[writer] = asyncio.current_task()
        further = None
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            if self._tunnel:
                self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            back, further = await asyncio.open_connection("127.0.0.1", self._port)
            await asyncio.gather(_pass(reader, further), _pass(back, writer))
        for each in filter(None, (writer, further)):
            each.transport.abort()
        del self._open[writer]


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
