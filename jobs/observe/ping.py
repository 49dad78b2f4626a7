"""Pings a dead man's switch, which raises an alarm if the job does not report success.

The convention is that of healthchecks.io and similar services: ``POST URL/start`` at the start,
``POST URL`` after exit code 0, ``POST URL/CODE`` after any other. The body of the last one has the
headline, report, run date and exit code, one per line. Every end is reported, also usage errors (2)
and a lock that another run holds (75).
"""

from __future__ import annotations

import re
import threading
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from urllib.parse import urlsplit

from palm.errors import SettingsError
from palm.http.url import environment_proxy, is_loopback
from palm.text.printable import printable

__all__ = ["Ping", "checked_ping_url", "ping_body"]

_PATIENCE_S = 10.0
_PRINTABLE = re.compile("[!-~]+")
"""Printable ASCII without blanks, which a request can hold."""


def checked_ping_url(text: str) -> str:
    """Return the URL to ping, without a slash at its end.

    Raises:
        SettingsError: It is not valid; the error does not contain it, because it is a secret.
    """
    try:
        url = urlsplit(text)
        host = url.hostname or ""
    except ValueError:
        host = ""
    if (
        not host
        or not _PRINTABLE.fullmatch(text)
        or (url.scheme != "https" and not (url.scheme == "http" and is_loopback(host)))
    ):
        raise SettingsError("the ping URL must begin with https:// and name a host")
    return text.rstrip("/")


def ping_body(
    name: str | None, run_date: str | None, exit_code: int, headline: str | None = None
) -> str:
    """Return the body of the last ping: headline, report, run date and exit code, one per line.

    Args:
        name: The name of the report; None if it is not known.
        run_date: The run date; None if it is not known.
        exit_code: The exit code of the command.
        headline: One sentence about how the run ended; None if there is none.
    """
    lines = {"report": name, "run date": run_date, "exit code": str(int(exit_code))}
    first = f"{printable(headline)}\n" if headline else ""
    return first + "".join(f"{key}: {printable(value)}\n" for key, value in lines.items() if value)


class Ping:
    """Sends pings in threads; a ping that fails is a warning, never an error of the run.

    Each ping is sent by a thread of its own, so that a slow server delays neither the start nor the
    end of a run. The last one is sent when the first one has been answered, or after half of the
    patience: if it came first, the switch would believe that the run goes on.

    Args:
        url: Checked.
        patience_s: How long :meth:`end` waits for all pings, in all.
    """

    def __init__(self, url: str, *, patience_s: float = _PATIENCE_S) -> None:
        self._url = url
        self._patience_s = patience_s
        self._sent: list[_Sent] = []

    def start(self) -> None:
        """Report that the run begins."""
        self._send("/start", "")

    def end(self, exit_code: int, body: str = "") -> list[str]:
        """Report how the run ended, and return the fault of each ping that failed.

        Args:
            exit_code: The exit code of the run.
            body: The body of the ping, plain text.
        """
        self._send("" if exit_code == 0 else f"/{exit_code}", body)
        until = time.monotonic() + self._patience_s
        return [fault for sent in self._sent if (fault := sent.fault(until - time.monotonic()))]

    def _send(self, path: str, body: str) -> None:
        before = self._sent[-1] if self._sent else None
        self._sent.append(_Sent(self._url + path, body.encode(), self._patience_s, before))


class _Sent(threading.Thread):
    """One ping that is being sent; the process does not wait for it when it ends."""

    def __init__(self, url: str, body: bytes, timeout_s: float, before: _Sent | None) -> None:
        super().__init__(name="ping", daemon=True)
        self._url = url
        self._body = body
        self._timeout_s = timeout_s
        self._before = before
        self._fault: str | None = None
        self.start()

    def fault(self, wait_s: float) -> str | None:
        """Wait at most this many seconds for the answer; return what went wrong, or None."""
        self.join(max(0.0, wait_s))
        return "the ping was not answered in time" if self.is_alive() else self._fault

    def run(self) -> None:
        """Send it, after the ping before it."""
        if self._before is not None:
            self._before.join(self._timeout_s / 2)
        # The URL was checked: https, or this machine.
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        request = urllib.request.Request(  # noqa: S310
            self._url, data=self._body, headers=headers, method="POST"
        )
        try:
            with _opener(self._url).open(request, timeout=self._timeout_s) as answer:
                answer.read(1024)
        except SettingsError as error:
            self._fault = f"the ping could not be sent: {error}"
        except urllib.error.HTTPError as error:
            self._fault = f"the ping was answered with HTTP {error.code}"
        except (OSError, HTTPException, ValueError) as error:
            self._fault = f"the ping could not be sent: {type(error).__name__}"


def _opener(url: str) -> urllib.request.OpenerDirector:
    """Return an opener that uses the proxy of the environment.

    Raises:
        SettingsError: The proxy of the environment is not valid, or its password is not escaped.
    """
    proxy = environment_proxy(url)
    proxies = {urlsplit(url).scheme: proxy} if proxy else {}
    return urllib.request.build_opener(urllib.request.ProxyHandler(proxies))
