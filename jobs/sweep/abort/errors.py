"""The errors that stop a sweep, each with the sentence that the operator reads. Pure."""

from __future__ import annotations

from typing import Final

from jobs.deadline import duration_text
from jobs.errors import (
    AbortedError,
    CredentialsError,
    RunError,
    ShortageError,
    UnnamedAnswersError,
)
from jobs.plurals import Quantity, counted
from palm import (
    CertificateRefusedError,
    LocalResourceError,
    PalmError,
    ThrottledError,
    VerificationError,
)
from palm.errors.remedies import diagnose

__all__ = ["credentials_error", "patience_error", "unnamed_error", "unverified_error"]

_NO_CONNECTION: Final = "no connection: "


def credentials_error(error: PalmError) -> RunError:
    """Return the error of a merchant, a key or a certificate that is refused."""
    return CredentialsError(diagnose(error))


def patience_error(silent_s: float, latest: PalmError | None) -> RunError:
    """Return the error of a sweep that has had no accepted answer for too long.

    Args:
        silent_s: For how many seconds.
        latest: The error of the request that failed last, or None if none has failed.
    """
    kind = ShortageError if isinstance(latest, LocalResourceError) else AbortedError
    return kind(f"No valid answer for {duration_text(silent_s)}: {_cause(latest)}")


def unverified_error(which: str) -> RunError:
    """Return the error of answers that could not be verified.

    Args:
        which: The subject of the sentence, such as "the answers about the last 100 pairs".
    """
    return AbortedError(
        f"{which} could not be verified, which is too many to be chance: check base_url, proxies "
        "and keys, then run again",
    )


def unnamed_error(count: int) -> RunError:
    """Return the error of ``count`` answers that name neither person nor organization."""
    return UnnamedAnswersError(
        f"{counted(count, 'answer')} {Quantity(count):does|do} not name the person or the "
        f"organization and {Quantity(count):is|are} not accepted: "
        "nothing ties such an answer to the question. --accept-unnamed accepts them, and an answer "
        "that reaches the wrong question is then not noticed",
    )


def _cause(error: PalmError | None) -> str:
    """Return why no answer was accepted, judged by the request that failed last."""
    if isinstance(error, ThrottledError):
        return f"every request is throttled ({error})"
    if isinstance(error, VerificationError):
        return f"no answer could be verified ({error})"
    if error is None:
        return "gateway down (no answer at all)"
    text = str(error).removeprefix(_NO_CONNECTION)
    if isinstance(error, CertificateRefusedError):
        return diagnose(error).removeprefix(_NO_CONNECTION)
    if isinstance(error, LocalResourceError):
        return text
    return f"gateway down ({text if text.startswith('HTTP') else text[:1].lower() + text[1:]})"
