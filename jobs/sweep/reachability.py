"""Whether the gateway can be reached at all: when a run ends because it cannot."""

from __future__ import annotations

from jobs.errors import CredentialsError, RunError, ShortageError, UnreachableError
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
        CredentialsError: The TLS certificate of each host is refused (at once), or one of them and
            there was no connection in ``reach_s``.
        NotNowError: There was no connection in ``reach_s``.
    """
    refused = stats.refused_certificate
    if refused is not None and stats.certificates_refused:
        raise CredentialsError(diagnose(refused))
    if stats.unreached and waited_s >= reach_s:
        raise unreachable(refused or stats.latest_error, f"no connection in {waited_s:.0f} s")


def unreachable(error: PalmError | None, otherwise: str) -> RunError:
    """Return why the run ends where no connection could be made.

    Args:
        error: Of a request.
        otherwise: What is said if that is neither this machine's nor a certificate's fault.
    """
    if isinstance(error, CertificateRefusedError):
        return CredentialsError(diagnose(error))
    if isinstance(error, LocalResourceError):
        return ShortageError(str(error))
    return UnreachableError(
        f"the gateway could not be reached: {otherwise}; check base_url, network and proxy",
    )
