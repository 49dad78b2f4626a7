"""Why no scheduler can be reached, in words that say what to do."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Protocol

from jobs.cluster.options import scheduler_command
from jobs.errors import NotNowError, RunError, UsageError

__all__ = ["ClientSecurity", "check_tls", "unreachable"]

_PREFIX: Final = "DASK_DISTRIBUTED__COMM__TLS__"
_NAMES: Final = {
    "tls_ca_file": f"{_PREFIX}CA_FILE",
    "tls_client_cert": f"{_PREFIX}CLIENT__CERT",
    "tls_client_key": f"{_PREFIX}CLIENT__KEY",
}
_WITHOUT_A_WORD: Final = (asyncio.CancelledError, TimeoutError)
_SPOKE_FIRST: Final = "cannot convert to SSL"
"""What tornado says where a scheduler without TLS has said something already."""
_NO_TLS: Final = {
    "HTTP_REQUEST",
    "PACKET_LENGTH_TOO_LONG",
    "RECORD_LAYER_FAILURE",
    "UNKNOWN_PROTOCOL",
    "WRONG_VERSION_NUMBER",
}
"""What OpenSSL's releases say where the other side answers without TLS."""


class ClientSecurity(Protocol):
    """Dask's TLS settings: ``tls_ca_file`` and others, each a path, a text in PEM, or None."""

    def get_connection_args(self, role: str) -> Any:  # noqa: ANN401 - as it is
        """Return the arguments of a connection, with the TLS context."""
        ...


def check_tls(address: str, security: ClientSecurity) -> None:
    """Check that the TLS settings of this process can be used.

    Args:
        address: Of the scheduler.
        security: The settings.

    Raises:
        UsageError: They cannot, or are missing and the scheduler is asked by TLS.
    """
    if not address.startswith("tls://"):
        return
    for name, variable in _NAMES.items():
        path = getattr(security, name)
        if path is None:
            raise UsageError(f"--cluster {address} needs Dask's TLS settings: set {variable}")
        if "\n" not in path and not Path(path).is_file():
            raise UsageError(f"{variable}: the file {path} does not exist")
    try:
        security.get_connection_args("client")
    except (OSError, ValueError) as error:
        names = ", ".join(_NAMES.values())
        raise UsageError(
            f"Dask's TLS settings cannot be used ({_text(error)}): check {names}"
        ) from None


def unreachable(address: str, error: BaseException) -> RunError:
    """Return the error that ends the run where no connection to the scheduler can be made.

    Args:
        address: Of the scheduler.
        error: What Dask raised; what it was caused by tells more.
    """
    causes = [each for each in _chain(error) if not isinstance(each, _WITHOUT_A_WORD)]
    why = _text(causes[-1]) if causes else "no answer"
    of_tls = [each for each in causes if isinstance(each, ssl.SSLError)]
    if any(each.reason in _NO_TLS for each in of_tls) or _SPOKE_FIRST in why:
        return NotNowError(
            f"what listens at {address} does not speak TLS: start the scheduler with "
            f"{scheduler_command(address)}, or check the address"
        )
    if of_tls:
        return NotNowError(
            f"the scheduler at {address} and this command do not trust each other ({why}): check "
            "that Dask's TLS settings of both name certificates of one authority"
        )
    check = (
        "check the address and Dask's TLS settings"
        if address.startswith("tls://")
        else "check the address, which begins with tls:// where the scheduler has TLS"
    )
    return NotNowError(
        f"no scheduler answers at {address} ({why}): start it with {scheduler_command(address)}, "
        f"or {check}"
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, and what it was caused by."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _text(error: BaseException) -> str:
    """Return an error in a few words."""
    if isinstance(error, MemoryError):
        return "another server listens there"
    if isinstance(error, ssl.SSLError) and (reason := getattr(error, "reason", None)):
        return str(reason).replace("_", " ").lower()
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
