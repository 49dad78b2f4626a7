"""How long an attempt may take."""

from __future__ import annotations

from dataclasses import dataclass

from palm.errors.values import check_number

__all__ = ["Timeouts"]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long an attempt may take, in seconds.

    Attributes:
        connect_s: For making a connection, including name resolution and TLS.
        total_s: For a whole attempt. It starts again after a second wait for the quota
            (:class:`palm.resilience.pacer.Permit`).
        idle_s: A connection that was idle for so long is not used again. The gateway closes idle
            connections after 8 s (its ``Keep-Alive: timeout=8``).

    Raises:
        SettingsError: One of them is not a number above 0.
    """

    connect_s: float = 5.0
    total_s: float = 15.0
    idle_s: float = 7.0

    def __post_init__(self) -> None:
        for name in ("connect_s", "total_s", "idle_s"):
            check_number(name, getattr(self, name))
