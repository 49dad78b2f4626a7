"""Whether a connection to the gateway can be made at all, from the start of a sweep."""

from __future__ import annotations

from jobs.errors import RunError, ShortageError, UnreachableError
from jobs.sweep.abort.errors import credentials_error
from jobs.sweep.stats import RequestStats
from palm import CertificateRefusedError, LocalResourceError, PalmError

__all__ = ["check_reached", "unreachable_error"]


def check_reached(stats: RequestStats, waited_s: float, reach_s: float) -> None:
    """Stop where no connection could be made since the start.

    A query does not always fail then: the client waits while the gateway is down.

    Args:
        stats: The outcomes of all requests.
        waited_s: Seconds since the start.
        reach_s: Seconds within which a connection must have been made.

    Raises:
        CredentialsError: Every host's TLS certificate is refused (raised at once), or one host's is
            and there was no connection in ``reach_s``.
        NotNowError: There was no connection in ``reach_s``.
    """
    refused = stats.refused_certificate
    if refused is not None and stats.certificates_refused:
        raise credentials_error(refused)
    if stats.unreached and waited_s >= reach_s:
        raise unreachable_error(refused or stats.latest_error, f"no connection in {waited_s:.0f} s")


def unreachable_error(error: PalmError | None, otherwise: str) -> RunError:
    """Return the error of a sweep that could make no connection.

    Args:
        error: Of the last request, or None if there was none.
        otherwise: The cause to be shown where ``error`` is neither a shortage on this machine nor a
            refused certificate.
    """
    if isinstance(error, CertificateRefusedError):
        return credentials_error(error)
    if isinstance(error, LocalResourceError):
        return ShortageError(str(error))
    return UnreachableError(
        f"the gateway could not be reached: {otherwise}; check base_url, network and proxy",
    )
