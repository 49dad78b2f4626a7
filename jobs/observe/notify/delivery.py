"""Delivers a message while the run continues; reports errors without secrets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jobs.observe.notify.message import Message
from jobs.observe.notify.target import Target
from palm.text.printable import printable, without_long_words

__all__ = ["PATIENCE_S", "Attachment", "Delivered", "Delivery"]

PATIENCE_S: Final = 20.0
"""Seconds in which all services together must have taken the message."""
_NOT_SENT: Final = "The message was not sent"
_PROCESS: Final = Path(__file__).with_name("apprise_process.py")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A page that goes with a message.

    Attributes:
        name: The name of the file.
        html: The page.
    """

    name: str
    html: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of a message.

    Attributes:
        services: The names of the services that it was sent to.
        faults: A sentence for each service that did not take it.
        unusable: A sentence for each address that cannot be used.
    """

    services: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    unusable: tuple[str, ...] = ()


class Delivery:
    """A message that is being sent while the run continues.

    Args:
        target: Where it goes.
        message: The message.
        attachment: Goes with it to the services that take one; None if there is none.
        patience_s: Seconds after which what is not delivered is given up.
    """

    def __init__(
        self,
        target: Target,
        message: Message,
        attachment: Attachment | None = None,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._request = json.dumps(_request(target, message, attachment)).encode()
        self._patience_s = patience_s
        self._until = time.monotonic() + patience_s
        self._process: subprocess.Popen[bytes] | None = None
        self._output = b""
        self._failed: str | None = None
        # Popen waits until the new process has started; this must not delay the end of the run.
        self._thread = threading.Thread(target=self._run, name="notify", daemon=True)
        self._thread.start()

    def wait(self) -> Delivered:
        """Wait until the message is delivered or given up, and return what became of it."""
        try:
            self._thread.join(max(0.0, self._until - time.monotonic()))
        finally:
            self._kill()
        self._thread.join(1.0)
        if self._failed is not None:
            return Delivered(faults=(f"{_NOT_SENT}: {self._failed}",))
        return _outcome(self._output, self._unfinished())

    def _run(self) -> None:
        command = [sys.executable, "-P", str(_PROCESS), f"{self._patience_s:.3f}"]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PALM_")}
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own file
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,  # Ctrl+C in a terminal is meant for the run
            )
            self._output, _ = self._process.communicate(self._request)
        except (OSError, ValueError) as error:
            self._failed = f"Apprise cannot be started: {type(error).__name__}"

    def _unfinished(self) -> str:
        """Return why a service that the process wrote nothing about has no message."""
        code = self._process.returncode if self._process is not None else None
        if code in {None, -signal.SIGKILL, -signal.SIGALRM}:
            return f"no answer within {self._patience_s:g} s"
        return f"Apprise ended with exit code {code}"

    def _kill(self) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)


def _request(target: Target, message: Message, attachment: Attachment | None) -> dict[str, object]:
    return {
        "urls": target.urls,
        "file": str(target.file) if target.file else None,
        "subject": message.subject,
        "body": message.body,
        "severity": message.severity.value,
        "attachment": ({"name": attachment.name, "html": attachment.html} if attachment else None),
    }


def _outcome(output: bytes, unfinished: str) -> Delivered:
    """Return what became of a message, from what the process wrote until it ended."""
    lines = list(_lines(output))
    if not lines:
        return Delivered(faults=(f"{_NOT_SENT}: {unfinished}",))
    names = tuple(_shown(each) for each in lines[0].get("services", ()))
    unusable = tuple(f"{_NOT_SENT}: {_shown(each)}" for each in lines[0].get("unusable", ()))
    done = {line["service"]: line.get("fault") for line in lines[1:] if "service" in line}
    faults = [
        f"{_NOT_SENT} to {name}: {_shown(fault)}"
        for index, name in enumerate(names)
        if (fault := done.get(index, unfinished)) is not None
    ]
    return Delivered(names, tuple(faults), unusable)


def _lines(output: bytes) -> Iterator[dict[str, Any]]:
    for text in output.splitlines():
        with suppress(ValueError):  # the last line may be incomplete
            line = json.loads(text)
            if isinstance(line, dict):
                yield line


def _shown(text: object) -> str:
    return printable(without_long_words(str(text)))[:100]
