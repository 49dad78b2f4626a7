"""A dead man's switch: somebody else notices when the job does not say that it is well.

The convention is that of healthchecks.io and its kin: ``URL/start`` at the start, ``URL`` after a
success, ``URL/CODE`` with the exit code after a failure.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from http.client import HTTPException
from urllib.parse import urlsplit

from palm.errors import SettingsError
from palm.transport import is_loopback

__all__ = ["Ping", "checked_ping_url"]

_TIMEOUT_S = 10.0


def checked_ping_url(text: str) -> str:
    """Return the URL to ping, without its last slash.

    Raises:
        SettingsError: It is none; the text does not repeat it, for it is a secret.
    """
    try:
        url = urlsplit(text)
        host = url.hostname or ""
    except ValueError:
        host = ""
    if not host or (url.scheme != "https" and not (url.scheme == "http" and is_loopback(host))):
        raise SettingsError("the ping URL must begin with https:// and name a host")
    return text.rstrip("/")


class Ping:
    """Tells how the run goes; a ping that fails is a warning, never a failure of the job.

    Args:
        url: Checked.
        timeout_s: For each ping.
    """

    def __init__(self, url: str, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._url = url
        self._timeout_s = timeout_s

    def start(self) -> str | None:
        """Say that the run begins; return what went wrong."""
        return self._send("/start")

    def end(self, exit_code: int) -> str | None:
        """Say how it ended; return what went wrong."""
        return self._send("" if exit_code == 0 else f"/{exit_code}")

    def _send(self, path: str) -> str | None:
        # The URL was checked: https, or this machine.
        request = urllib.request.Request(self._url + path, method="POST")  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_s) as answer:  # noqa: S310
                answer.read(1024)
        except urllib.error.HTTPError as error:
            return f"the ping was answered with HTTP {error.code}"
        except (OSError, HTTPException) as error:
            return f"the ping could not be sent: {type(error).__name__}"
        return None
