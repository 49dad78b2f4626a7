"""Which resource this machine lacks if no connection can be opened; the gateway may be healthy."""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["missing_resource"]

_MEMORY: Final = (
    "this machine has no memory for another connection: free memory, or lower --concurrency"
)
_LACKS: Final = {
    errno.EMFILE: "this process has no free file descriptors: raise the limit (ulimit -n, "
    "LimitNOFILE=) or lower --concurrency",
    errno.ENFILE: "this machine has no free file descriptors: raise its limit (fs.file-max), stop "
    "programs that hold them, or lower --concurrency",
    errno.ENOMEM: _MEMORY,
    errno.ENOBUFS: _MEMORY,
    errno.EADDRNOTAVAIL: "this machine has no free local port or address for a connection: widen "
    "net.ipv4.ip_local_port_range, or lower --concurrency",
}
_NUMBER: Final = re.compile(r"\[Errno (\d+)\]")
_NOTHING: Final = Path(os.devnull)


def missing_resource(error: BaseException) -> str | None:
    """Return which resource this machine lacked, and the remedy; None: that is not the reason.

    Args:
        error: Why a connection could not be opened. Its causes are examined, too.
    """
    for each in _causes(error):
        if isinstance(each, socket.gaierror):  # its number is not one of errno's
            return _missing_resource_for_look_up(each)
        if isinstance(each, OSError) and (number := _number_of(each)) is not None:
            return _LACKS[number]
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, one after the other."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = (
            getattr(cause, "os_error", None)  # the HTTP library's
            or cause.__cause__
            or (None if cause.__suppress_context__ else cause.__context__)
        )


def _number_of(error: OSError) -> int | None:
    """Return the error number in ``_LACKS`` that an error has, or None.

    If several addresses failed in different ways, the one error that is left has no number but
    names all of them in its text. A missing local address then counts only if there is no other
    number: without IPv6 on this machine, each IPv6 address of a gateway that is down is such an
    error.
    """
    if error.errno is not None:
        return error.errno if error.errno in _LACKS else None
    numbers = {int(number) for number in _NUMBER.findall(str(error))}
    found = numbers & _LACKS.keys()
    if numbers - found:
        found -= {errno.EADDRNOTAVAIL}
    return min(found, default=None)


def _missing_resource_for_look_up(error: socket.gaierror) -> str | None:
    if error.errno == socket.EAI_MEMORY:
        return _MEMORY
    # The C library reports "name not known" if it had no file descriptor for the query.
    try:
        with _NOTHING.open("rb"), _NOTHING.open("rb"):  # as many as one look-up uses at a time
            return None
    except OSError as lack:
        return _LACKS.get(lack.errno or 0)
