"""Which workers ask, in place of the command itself."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from typing import Final, Self

from jobs.errors import UsageError
from palm.http.url import is_loopback
from palm.text.printable import shown_value

__all__ = ["INSTALL", "ClusterOptions", "scheduler_command", "worker_command"]

INSTALL: Final = "pip install 'palm-reconcile[dask]'"
_LOCAL: Final = re.compile(r"local(?::([1-9][0-9]{0,2}))?")
_ADDRESS: Final = re.compile(r"(tls|tcp)://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+):([1-9][0-9]{0,4})")
_LAST_PORT: Final = 65_535


_DASHBOARD: Final = "--dashboard-address 127.0.0.1:0"
"""Dask's dashboards have neither TLS nor passwords."""


def scheduler_command(address: str) -> str:
    """Return the command that starts a scheduler at an address, on its machine."""
    scheme, _, place = address.partition("://")
    port = place.rpartition(":")[2]
    where = "--protocol tls" if scheme == "tls" else "--host 127.0.0.1"
    return f"dask scheduler {where} --port {port} {_DASHBOARD}"


def worker_command(address: str) -> str:
    """Return the command that starts a worker of the scheduler at an address."""
    return f"dask worker {address} --nthreads 2 --no-nanny {_DASHBOARD}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """Which workers ask.

    Attributes:
        target: As it was typed: ``local:8``, or the address of a scheduler; None: the command asks.
        workers: How many worker processes are started on this machine; 0 with an address.
        address: The address of a scheduler; None: the workers are started on this machine.
    """

    target: str | None = None
    workers: int = 0
    address: str | None = None

    @classmethod
    def of(cls, target: str | None, *, cores: int, plain: bool = False) -> Self:
        """Return the options that were typed.

        Args:
            target: ``local``, ``local:N``, ``tls://host:port`` or ``tcp://host:port``; None: no
                workers.
            cores: How many workers ``local`` starts.
            plain: Whether ``tcp://`` is allowed beyond this machine.

        Raises:
            UsageError: The target cannot be used, or the package for it is not installed.
        """
        if target is None:
            if plain:
                raise UsageError("--cluster-plain goes with --cluster tcp://host:port")
            return cls()
        shown = shown_value(target)
        local, address = _LOCAL.fullmatch(target), _ADDRESS.fullmatch(target)
        if not local and not (address and int(address[3]) <= _LAST_PORT):
            raise UsageError(
                f"--cluster {shown}: not local, local:8, tls://host:8786 or tcp://127.0.0.1:8786"
            )
        if address and address[1] == "tcp" and not (plain or is_loopback(address[2].strip("[]"))):
            raise UsageError(
                f"--cluster {shown}: without TLS, whoever is on the network could run programs on "
                "the workers; use tls:// with Dask's TLS settings or, on a network that only you "
                "can reach, add --cluster-plain"
            )
        if importlib.util.find_spec("distributed") is None:
            raise UsageError(f"--cluster needs the package distributed: {INSTALL}")
        if local:
            return cls(target=target, workers=int(local[1] or max(1, cores)))
        return cls(target=target, address=target)
