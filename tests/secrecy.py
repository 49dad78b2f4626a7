"""Remembers what the whole suite logs and prints, and what must never be in it.

Listened to: every record that reaches ``logging`` (structlog's events too), and what goes to
standard error, of this process where a test captures it and of processes that a test waits for.
Kept as secrets: each openid and each signature that goes out over the wire, from where the bytes
leave, and every private key and APIv3 key that is made.
"""

from __future__ import annotations

import json
import logging
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from palm.http.transport import Transport
from palm.sandbox import SandboxKeys

__all__ = ["Secrecy"]

_SHORTEST: Final = 20
"""Openids have 28 characters; what is shorter may stand in a log by chance."""
_SIGNATURE: Final = re.compile(r'signature="([^"]+)"')
_TOKEN: Final = re.compile(rf"[\w+/=%.~-]{{{_SHORTEST},}}")


class Secrecy:
    """What was said, and what must not have been."""

    def __init__(self) -> None:
        self.said: set[str] = set()
        self.secrets: set[str] = set()

    def hear(self, text: object) -> None:
        """Remember what somebody could read."""
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        self.said.update(str(text or "").splitlines())

    def keep(self, secret: str) -> None:
        """Remember what nobody may read."""
        if len(secret) >= _SHORTEST:
            self.secrets.add(secret)

    def keep_request(self, url: str, authorization: str) -> None:
        """Remember the openid and the signature of a request."""
        name = urlsplit(url).path.rpartition("/openid/")[2]
        if not name.startswith("/"):
            self.keep(name)
            self.keep(unquote(name))
        for signature in _SIGNATURE.findall(authorization):
            self.keep(signature)

    def keep_keys(self, keys: SandboxKeys) -> None:
        """Remember the merchant's private key, line by line, and the APIv3 key."""
        pem = keys.merchant_key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ).decode()
        for line in (*pem.splitlines()[1:-1], keys.apiv3_key):
            self.keep(line)

    def told(self) -> list[str]:
        """Return the lines in which a secret stands."""
        of_length: defaultdict[int, set[str]] = defaultdict(set)
        for secret in self.secrets:
            of_length[len(secret)].add(secret)

        def holds(token: str) -> bool:
            return any(
                token[at : at + length] in those
                for length, those in of_length.items()
                for at in range(len(token) - length + 1)
            )

        return sorted(line for line in self.said if any(map(holds, _TOKEN.findall(line))))

    def masked(self, line: str) -> str:
        """Return a line with everything in it that is as long as a secret taken out."""
        return _TOKEN.sub("…", line)

    def save(self, path: Path) -> None:
        """Write what was said and what must not have been, for another process."""
        path.write_text(json.dumps([sorted(self.said), sorted(self.secrets)]))

    def load(self, path: Path) -> None:
        """Add what another process saved."""
        said, secrets = json.loads(path.read_text())
        self.said.update(said)
        self.secrets.update(secrets)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen, and look where secrets come from, while the block runs."""
        factory = logging.getLogRecordFactory()

        def recorded(*args: Any, **options: Any) -> logging.LogRecord:
            record = factory(*args, **options)
            self.hear(f"{record.msg} {record.args} {record.exc_info and record.exc_info[1]!r}")
            return record

        with pytest.MonkeyPatch.context() as patch:
            logging.setLogRecordFactory(recorded)
            self._spy_on(patch)
            try:
                yield
            finally:
                logging.setLogRecordFactory(factory)

    def _spy_on(self, patch: pytest.MonkeyPatch) -> None:
        send, generate = Transport.send, SandboxKeys.generate
        readouterr, communicate = pytest.CaptureFixture.readouterr, subprocess.Popen.communicate

        async def sent(
            transport: Any, method: str, url: str, headers: Any, *rest: Any, **more: Any
        ) -> Any:
            async def signed() -> Any:
                made = await headers.headers()
                self.keep_request(url, made.get("Authorization", ""))
                return made

            if isinstance(headers, Mapping):
                self.keep_request(url, headers.get("Authorization", ""))
                return await send(transport, method, url, headers, *rest, **more)
            self.keep_request(url, "")
            signer = SimpleNamespace(headers=signed, has_expired=headers.has_expired)
            return await send(transport, method, url, signer, *rest, **more)

        def generated(**options: Any) -> SandboxKeys:
            keys = generate(**options)
            self.keep_keys(keys)
            return keys

        def read(capture: Any) -> Any:
            captured = readouterr(capture)
            self.hear(captured.err)
            return captured

        def communicated(process: Any, *args: Any, **options: Any) -> Any:
            out, err = communicate(process, *args, **options)
            self.hear(err)
            return out, err

        patch.setattr(Transport, "send", sent)
        patch.setattr(SandboxKeys, "generate", generated)
        patch.setattr(pytest.CaptureFixture, "readouterr", read)
        patch.setattr(subprocess.Popen, "communicate", communicated)
