"""What this machine lacks is told from what the gateway does, however deep in an error."""

from __future__ import annotations

import asyncio
import errno
import os
import socket

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from palm.http.local_resources import missing_resource
from tests.limits import no_free_descriptors

OURS = {
    errno.EMFILE: "this process has no free file descriptors: raise the limit (ulimit -n, LimitNO",
    errno.ENFILE: "this machine has no free file descriptors: raise its limit (fs.file-max)",
    errno.ENOMEM: "this machine has no memory for another connection",
    errno.ENOBUFS: "this machine has no memory for another connection",
    errno.EADDRNOTAVAIL: "this machine has no free local port or address",
}
THEIRS = [errno.ECONNREFUSED, errno.ECONNRESET, errno.EHOSTUNREACH, errno.ENETUNREACH,
          errno.ETIMEDOUT, errno.EPIPE, None]  # fmt: skip
KEY = ConnectionKey(
    "gateway.example", 443, is_ssl=True, ssl=True, proxy=None, proxy_auth=None,
    proxy_headers_hash=None,
)  # fmt: skip


def error_of(number: int | None) -> OSError:
    return OSError() if number is None else OSError(number, os.strerror(number))


def caused_by(cause: BaseException) -> BaseException:
    error = RuntimeError("cannot connect")
    error.__cause__ = cause
    return error


WRAPPED = {
    "as it is": lambda cause: cause,
    "the library's": lambda cause: aiohttp.ClientConnectorError(KEY, cause),
    "a look-up's": lambda cause: aiohttp.ClientConnectorDNSError(KEY, cause),
    "a proxy's": lambda cause: aiohttp.ClientProxyConnectionError(KEY, cause),
    "a cause's cause": lambda cause: caused_by(caused_by(cause)),
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
@pytest.mark.parametrize("number", OURS, ids=errno.errorcode.get)
def test_it_is_found_wherever_it_stands_and_said_with_what_mends_it(number, wrap):
    said = missing_resource(wrap(error_of(number)))
    assert said is not None
    assert said.startswith(OURS[number])
    assert "lower --concurrency" in said


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
@pytest.mark.parametrize("number", THEIRS, ids=str)
def test_what_the_gateway_or_the_network_does_is_none_of_it(number, wrap):
    assert missing_resource(wrap(error_of(number))) is None


def test_a_circle_of_causes_ends():
    one, two = ValueError(), ValueError()
    one.__cause__, two.__cause__ = two, one
    assert missing_resource(one) is None


@pytest.mark.parametrize(
    ("numbers", "ours"),
    [
        ([errno.ECONNREFUSED, errno.EMFILE], True),
        ([errno.ENETUNREACH, errno.ENOMEM], True),
        ([errno.EADDRNOTAVAIL, errno.EMFILE], True),
        ([errno.EADDRNOTAVAIL, errno.EADDRNOTAVAIL], True),
        ([errno.EADDRNOTAVAIL, errno.ECONNREFUSED], False),
        ([errno.ECONNREFUSED, errno.ENETUNREACH], False),
    ],
)
def test_of_several_addresses_that_failed_each_in_its_own_way(numbers, ours):
    """Without IPv6 here, an IPv6 address of a gateway that is down lacks a local address."""
    texts = ", ".join(f"[Errno {number}] {os.strerror(number)}" for number in numbers)
    assert (missing_resource(OSError(f"Multiple exceptions: {texts}")) is not None) is ours


def test_a_look_up_without_memory_is_ours_and_an_unknown_name_is_not():
    assert missing_resource(socket.gaierror(socket.EAI_MEMORY, "Memory")) == missing_resource(
        error_of(errno.ENOMEM)
    )
    assert missing_resource(socket.gaierror(socket.EAI_NONAME, "Name or service not known")) is None
    assert missing_resource(socket.gaierror(socket.EAI_AGAIN, "Temporary failure")) is None


def test_a_look_up_that_had_no_descriptor_to_ask_with_is_ours():
    """The C library says only that it does not know the name."""
    unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    with no_free_descriptors():
        said = missing_resource(aiohttp.ClientConnectorDNSError(KEY, unknown))
    assert said == missing_resource(error_of(errno.EMFILE))


async def test_a_real_connection_without_a_descriptor_says_so():
    loop = asyncio.get_running_loop()
    with no_free_descriptors(), pytest.raises(OSError, match="Too many open files") as caught:
        await loop.create_connection(asyncio.Protocol, "127.0.0.1", 9)
    assert missing_resource(caught.value) == missing_resource(error_of(errno.EMFILE))
