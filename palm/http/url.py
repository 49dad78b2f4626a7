"""Addresses that settings and the environment name: which are safe to send to, and how.

Errors do not contain the address: it may contain a password, or be one.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from palm.errors import SettingsError

__all__ = [
    "checked_base_url",
    "checked_proxy",
    "environment_proxy",
    "is_loopback",
    "proxy_option",
]

_BASE_URL: Final = re.compile(r"(?i:https?)://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?")
"""Host, perhaps a port and a path: no user, query or fragment, and nothing to be encoded."""
_PROXY: Final = re.compile(
    r"(?i:https?)://"
    r"(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*@)?"
    r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?/?"
)
"""RFC 3986's authority: what is not listed in the part before the host must be percent-encoded."""
_HTTP: Final = re.compile(r"(?i:https?)://")


def checked_base_url(text: str) -> str:
    """Return a base URL without its last slash.

    Raises:
        SettingsError: It is not the URL of a host, or its scheme is not https and the host is not
            this machine.
    """
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        host, url = None, urlsplit("")
    if not host or not _BASE_URL.fullmatch(text):
        raise SettingsError("the base URL must look like https://api.mch.weixin.qq.com")
    if url.scheme == "http" and not is_loopback(host):
        raise SettingsError("the base URL must begin with https://")
    return text.rstrip("/")


def checked_proxy(text: str) -> str:
    """Return a proxy's URL.

    Raises:
        SettingsError: It is not the URL of an HTTP proxy, or its user or password contains a
            character that must be percent-encoded: a part of the password would be read as the
            host.
    """
    if "@" in text and _HTTP.match(text) and not _PROXY.fullmatch(text):
        raise SettingsError(
            "the proxy's URL has a user or password with a character that must not stand there: "
            "percent-encode it (# is %23, ? is %3F, / is %2F, @ is %40)"
        )
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        host, url = None, urlsplit("")
    if "%3a" in (url.username or "").lower():  # the two are sent with a colon between them
        raise SettingsError("the user in the proxy's URL must not hold a colon (%3A)")
    if not host or not _PROXY.fullmatch(text):
        raise SettingsError("the proxy's URL must look like http://proxy.example:3128")
    return text


def proxy_option(text: str | None) -> str | None:
    """Return the proxy that a command line names.

    Raises:
        SettingsError: It may contain a password, which everybody on the machine could read.
    """
    if text is not None and "@" in text:
        raise SettingsError(
            "--proxy must hold no password: everybody can read it there; set PALM_PROXY or "
            "HTTPS_PROXY instead"
        )
    return text


@lru_cache(maxsize=8)
def _proxy_of(scheme: str, netloc: str) -> str | None:
    host = netloc.rpartition("@")[2]
    if is_loopback(urlsplit(f"//{host}").hostname or "") or proxy_bypass(host):
        return None
    proxy = getproxies().get(scheme)
    if proxy is None:
        return None
    # curl and other programs accept a proxy without a scheme, so it is often written that way.
    return checked_proxy(proxy if "://" in proxy else f"http://{proxy}")


def environment_proxy(url: str) -> str | None:
    """Return the proxy that the environment names for a URL (``HTTPS_PROXY``, ``NO_PROXY``).

    Raises:
        SettingsError: It is not the URL of an HTTP proxy.
    """
    scheme, _, rest = url.partition("://")
    return _proxy_of(scheme, rest.partition("/")[0])


def is_loopback(host: str) -> bool:
    """Return True if a host name or an address is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
