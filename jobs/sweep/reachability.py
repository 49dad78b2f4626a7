"""Whether the gateway can be reached at all: when a run ends because it cannot."""

from __future__ import annotations

from jobs.errors import Exit, Stop
from jobs.sweep.stats import RequestStats
from palm import CertificateRefusedError, LocalResourceError, PalmError
from palm.doctor.remedies import diagnose

__all__ = ["check_reached", "unreachable"]


def check_reached(stats: RequestStats, waited_s: float, reach_s: float) -> None:
    """Stop where no connection could be made since the start.

    The questions themselves may never say so: the client waits while the gateway is down.

    Args:
        stats: Knows how all requests went.
        waited_s: Seconds since the start.
        reach_s: For so long a connection is waited for.

    Raises:
        Stop: The TLS certificate of each host is refused (77, at once), or there was no connection
            in ``reach_s`` (75, or 77 where a certificate is refused).
    """
    refused = stats.refused_certificate
    if refused is not None and stats.certificates_refused:
        raise Stop(Exit.REFUSED, diagnose(refused))
    if stats.unreached and waited_s >= reach_s:
        raise unreachable(refused or stats.latest_error, f"no connection in {waited_s:.0f} s")


def unreachable(error: PalmError | None, otherwise: str) -> Stop:
    """Return why the run ends where no connection could be made.

    Args:
        error: Of a request.
        otherwise: What is said if that is neither this machine's nor a certificate's fault.
    """
    if isinstance(error, CertificateRefusedError):
        return Stop(Exit.REFUSED, diagnose(error))
    if isinstance(error, LocalResourceError):
        return Stop(Exit.NOT_NOW, str(error))
    return Stop(
        Exit.NOT_NOW,
        f"the gateway could not be reached: {otherwise}; check base_url, network and proxy",
    )
