"""Which workers ask, in place of the command itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["ClusterOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """Which workers ask.

    Attributes:
        target: As it was typed: ``local:8``, or the address of a scheduler; None: the command asks.
        workers: How many worker processes are started on this machine; 0 with an address.
        address: The address of a scheduler; None: the workers are started on this machine.
        plain: Whether connections without TLS are allowed beyond this machine.
        work: The folder that holds the work folder, which all workers see; None: it is beside the
            reports.
    """

    target: str | None = None
    workers: int = 0
    address: str | None = None
    plain: bool = False
    work: Path | None = None
