"""Sends a message with Apprise, as a process of its own; the only file that imports Apprise.

A process, because nothing else can be ended for certain: Apprise joins its threads when the
interpreter ends, and a name server that does not answer cannot be interrupted. It ends by itself
after the number of seconds in its first argument.

It reads one JSON object from standard input: ``urls`` or ``file``, ``subject``, ``body``,
``severity``, and ``attachment`` (null, or ``name`` and ``html``). It writes lines of JSON to
standard output: first ``services``, the names of those that the message is sent to, and
``unusable``, why others cannot be used; then for each service, once it is done, ``service`` (its
index) and ``fault`` (null if the message was delivered).

Secrecy: Apprise's logs and exceptions may hold tokens. They are kept in this process's memory, and
only the numbers and fixed phrases below leave it. It imports nothing of this project, so that it
runs as a file.
"""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import IO, Any, Final, TypedDict

import apprise
import requests
from apprise.attachment.memory import AttachMemory
from apprise.config.file import ConfigFile
from apprise.plugins.base import NotifyBase
from apprise.utils.parse import parse_urls

__all__: list[str] = []

_LINES: ContextVar[list[str] | None] = ContextVar("lines", default=None)
"""What is logged about the service that the current thread sends to."""
_MOST: Final = 64
"""Services that are sent to at once; each has a thread."""
_MAX_ANSWER_BYTES: Final = 65536
_REASONS: Final = (
    (re.compile(r"errcode[=: ]+(-?[1-9]\d{0,8})\b"), "errcode {}"),
    (re.compile(r"Feishu error (\d{1,9})\b|error=(\d{5,9})\b"), "error {}"),
    (re.compile(r"\berror[=: ]+([1-5]\d\d)\b"), "HTTP {}"),
    (re.compile(r"Socket Exception: .*?\(([45]\d\d), b['\"]"), "SMTP {}"),
    (
        re.compile(r"name resolution|Name or service not known|resolve|No address associated"),
        "the name of its host cannot be resolved",
    ),
    (re.compile(r"CERTIFICATE_VERIFY_FAILED"), "its TLS certificate is not trusted"),
    (re.compile(r"WRONG_VERSION_NUMBER|SSLError|\[SSL"), "the TLS connection failed"),
    (re.compile(r"Connection refused"), "connection refused"),
    (re.compile(r"timed out|Timeout"), "no answer in time"),
    (re.compile(r"unreachable"), "its network cannot be reached"),
    (re.compile(r"Authentication|authenticat"), "user or password refused"),
    (re.compile(r"[Cc]onnection|Socket Exception"), "the connection failed"),
)
"""What a log may say, and what is shown of it; the first that fits counts."""
_PLACE: Final = re.compile(r"(?:on line|entry #)\s?(\d+)")


class _Page(TypedDict):
    """A page that goes with a message: the name of its file, and its HTML."""

    name: str
    html: str


class _Request(TypedDict):
    """What standard input holds."""

    urls: list[str]
    file: str | None
    subject: str
    body: str
    severity: str
    attachment: _Page | None


class _KeptLog(logging.Handler):
    """Collects what is logged about each service separately, and shows it to nobody."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        lines = _LINES.get()
        if lines is not None:
            lines.append(record.getMessage())


def main() -> None:
    """Send the message that standard input describes."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, float(sys.argv[1]))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # so that nothing that a plugin prints is shown or mistaken for an answer
    os.dup2(nowhere, 2)
    log = logging.getLogger("apprise")
    log.setLevel(logging.DEBUG)
    log.propagate = False
    log.addHandler(_KeptLog())
    _note_refusals()
    _send(json.loads(sys.stdin.buffer.read()), answers)
    answers.flush()
    os._exit(0)  # Apprise's threads would be waited for


def _send(request: _Request, answers: IO[str]) -> None:
    asset = apprise.AppriseAsset(
        storage_mode="memory",
        service_timeout=0,  # else each service is sent to from a pool of few threads
        language="en",
        pgp_autogen=False,
        pem_autogen=False,
    )
    asset.app_id = asset.app_desc = "palm-reconcile"
    services, unusable = _services(request, asset)
    lock, slots = threading.Lock(), threading.Semaphore(_MOST)

    def say(**line: object) -> None:
        with lock:
            answers.write(json.dumps(line) + "\n")
            answers.flush()

    def send(index: int, service: NotifyBase) -> None:
        with slots:
            say(service=index, fault=_delivered(service, request, asset))

    say(services=[str(each.service_name) for each in services], unusable=unusable)
    threads = [
        threading.Thread(target=send, args=each, daemon=True) for each in enumerate(services)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _services(request: _Request, asset: apprise.AppriseAsset) -> tuple[list[NotifyBase], list[str]]:
    """Return the services that a message is sent to, and why others cannot be used."""
    if request["file"] is None:
        urls = parse_urls(request["urls"])
        instances = [apprise.Apprise.instantiate(url, asset=asset) for url in urls]
        return [each for each in instances if each is not None], [
            f"address {place} of {len(urls)} is not one that Apprise can use"
            for place, each in enumerate(instances, 1)
            if each is None
        ] or ["no address that Apprise can use"] * (not urls)
    lines: list[str] = []
    token = _LINES.set(lines)
    target = apprise.Apprise(asset=asset)
    try:
        config = ConfigFile(path=request["file"], encoding="utf-8-sig", asset=asset, recursion=1)
        target.add(config)
        services = list(target.find())
    except Exception as error:  # noqa: BLE001 - those of the YAML parser are not Apprise's
        return [], [f"the file is not in Apprise's format ({type(error).__name__})"]
    finally:
        _LINES.reset(token)
    return services, [*_unusable(lines)] or ["no address that Apprise can use"] * (not services)


def _unusable(lines: list[str]) -> Iterator[str]:
    """Yield which entries of the file cannot be used."""
    places = {
        match[1]: None
        for line in lines
        if (match := _PLACE.search(line)) and not line.startswith("Detected")
    }
    for place in places:
        yield f"entry or line {place} of the file is not one that Apprise can use"


def _delivered(service: NotifyBase, request: _Request, asset: apprise.AppriseAsset) -> str | None:
    """Send to one service, and return why it was not delivered, or None."""
    lines: list[str] = []
    _LINES.set(lines)
    target = apprise.Apprise(asset=asset)
    target.add(service)
    page = request["attachment"]
    attached = page and AttachMemory(
        content=page["html"].encode(), name=page["name"], mimetype="text/html", asset=asset
    )
    try:
        delivered = bool(
            target.notify(
                body=request["body"],
                title=request["subject"],
                notify_type=request["severity"],
                body_format=apprise.NotifyFormat.TEXT,
                attach=attached,
            )
        )
    except Exception as error:  # noqa: BLE001 - a plugin's defect; its text may hold a secret
        return f"Apprise failed with {type(error).__name__}"
    refused = any(line.startswith("errcode ") for line in lines)
    return _reason(lines) if refused or not delivered else None


def _reason(lines: list[str]) -> str:
    """Return in a fixed phrase why a message was not delivered."""
    for pattern, phrase in _REASONS:
        for line in lines:
            if match := pattern.search(line):
                return phrase.format(next(filter(None, match.groups()), ""))
    return "not accepted"


def _note_refusals() -> None:
    """Detect refusals by WeCom and DingTalk, which come with HTTP 200."""
    send = requests.Session.send

    def noting(
        self: requests.Session,
        request: requests.PreparedRequest,
        **options: Any,  # noqa: ANN401 - as requests has it
    ) -> requests.Response:
        answer = send(self, request, **options)
        lines = _LINES.get()
        if lines is not None and not options.get("stream"):
            lines += [f"errcode {code}" for code in _refusals(answer.content)]
        return answer

    requests.Session.send = noting  # type: ignore[method-assign]


def _refusals(body: bytes) -> Iterator[int]:
    """Yield the error code of an answer that has one other than 0."""
    try:
        answer = json.loads(body[:_MAX_ANSWER_BYTES])
    except ValueError:
        return
    code = answer.get("errcode") if isinstance(answer, dict) else None
    if isinstance(code, int) and code:
        yield code


if __name__ == "__main__":
    main()
