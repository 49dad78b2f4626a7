"""Whether the options of a client are right: their names, their types and their values."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Final

from palm.clock import Clock
from palm.crypto.keys import Merchant, PlatformKeys
from palm.errors import SettingsError
from palm.errors.values import check_value, is_number, is_whole_number
from palm.http.request.timeouts import Timeouts
from palm.resilience.adaptive_rate import Adaptation, AdaptationRules
from palm.resilience.breaker import Breaker, BreakerRules
from palm.resilience.failover import HostRules
from palm.resilience.retry import Retry
from palm.text.printable import shown_value
from palm.text.suggestion import suggestion

__all__ = ["check_options", "check_settings", "check_unnamed", "checked_path", "checked_timeouts"]


def _is(*kinds: type) -> Callable[[object], bool]:
    return lambda value: isinstance(value, kinds)


def _has(*names: str) -> Callable[[object], bool]:
    """Return what recognizes an object, not a class, by the names of its members."""
    return lambda value: not isinstance(value, type) and all(hasattr(value, name) for name in names)


def _is_text_or_texts(value: object) -> bool:
    if isinstance(value, str):
        return True
    return (
        isinstance(value, Sequence) and bool(value) and all(isinstance(each, str) for each in value)
    )


def _or_none(is_right: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or is_right(value)


def _is_function(value: object) -> bool:
    """Return True unless it cannot be called, or would have to be awaited."""
    return callable(value) and not iscoroutinefunction(value)


_FUNCTION: Final = ("a function", _is_function)
_FUNCTION_OR_NONE: Final = ("a function or None", _or_none(_is_function))
_TRUTH: Final = ("True or False", _is(bool))
_OPTIONS: Final[Mapping[str, tuple[str, Callable[[object], bool]]]] = {
    "merchant": (
        "a Merchant or a Signer",
        lambda value: isinstance(value, Merchant) or _has("mchid", "serial_no", "sign")(value),
    ),
    "keys": (
        "PlatformKeys, a CertificateStore or a Verifier",
        lambda value: isinstance(value, PlatformKeys) or _has("preferred", "verify")(value),
    ),
    "base_url": ("a URL, or several in a list", _is_text_or_texts),
    "rate": ("a number above 0, in requests per second, or None", _or_none(is_number)),
    "pacer": ("a Pacer, or another object with acquire(), or None", _or_none(_has("acquire"))),
    "retry": ("a Retry, as Retry(attempts=3), or None", _or_none(_is(Retry))),
    "timeout": (
        "a number of seconds above 0, or Timeouts, or None",
        lambda value: value is None or is_number(value) or isinstance(value, Timeouts),
    ),
    "timeouts": ("Timeouts, as Timeouts(total_s=10), or None", _or_none(_is(Timeouts))),
    "adaptation": (
        "AdaptationRules, an Adaptation or None",
        _or_none(_is(AdaptationRules, Adaptation)),
    ),
    "hosts": ("HostRules or None", _or_none(_is(HostRules))),
    "breaker": ("BreakerRules, a Breaker or None", _or_none(_is(BreakerRules, Breaker))),
    "proxy": ("a URL or None", _or_none(_is(str))),
    "ca_file": ("a path or None", _or_none(_is(str, os.PathLike))),
    "connections": ("a whole number above 0, or None", _or_none(is_whole_number)),
    "accept_unnamed": _TRUTH,
    "require_echo": _TRUTH,
    "on_attempt": _FUNCTION_OR_NONE,
    "nonce": _FUNCTION,
    "clock": (
        "a Clock or None",
        lambda value: value is None or _is(Clock)(value) or _is_function(value),
    ),
    "steady": _FUNCTION_OR_NONE,
    "sleep": ("a function or None", _or_none(callable)),
}


def check_options(
    options: Mapping[str, object], known: Iterable[str], *, required: Iterable[str] = ()
) -> None:
    """Raise an error unless all options are known and have values of the right kind.

    Args:
        options: The options that were passed.
        known: Names of the options that there are.
        required: Names of those that must have been passed.

    Raises:
        SettingsError: One is unknown, missing or wrong; the error names it, and which value is
            wanted, but has its value only if that is a number or None.
    """
    known = list(known)
    for name, value in options.items():
        if name not in known:
            raise SettingsError(f"unknown option {shown_value(name)}; {suggestion(name, known)}")
        wanted, is_right = _OPTIONS[name]
        check_value(name, value, wanted, is_right=is_right(value))
    for name in required:
        if name not in options:
            raise SettingsError(f"{name} is missing: it must be {_OPTIONS[name][0]}")


def check_settings(settings: object) -> None:
    """Raise an error unless an object has what a client reads from settings.

    Raises:
        SettingsError: It has not.
    """
    wanted = "Settings, as palm.settings.load_settings returns them"
    is_right = _has("merchant", "verifying_keys")(settings)
    check_value("settings", settings, wanted, is_right=is_right)


def checked_path(name: str, value: str | os.PathLike[str] | None) -> Path | None:
    """Return a path that was passed as text or as any path object; None: none was passed.

    Raises:
        SettingsError: It is neither.
    """
    wanted, is_right = _OPTIONS["ca_file"]
    check_value(name, value, wanted, is_right=is_right(value))
    return None if value is None else Path(value)


def checked_timeouts(timeout: float | Timeouts | None, others: Timeouts | None) -> Timeouts:
    """Return the timeouts of an attempt.

    Args:
        timeout: Seconds for a whole attempt, or all timeouts; None: as in ``others``.
        others: The timeouts that a number leaves as they are; None: the default ones.

    Raises:
        SettingsError: A timeout is not above 0.
    """
    if isinstance(timeout, Timeouts):
        return timeout
    others = others or Timeouts()
    return others if timeout is None else replace(others, total_s=timeout)


def check_unnamed(*, accept_unnamed: bool, require_echo: bool) -> bool:
    """Return ``accept_unnamed``; ``require_echo`` says what is the default without it.

    Raises:
        SettingsError: Both are set.
    """
    if accept_unnamed and require_echo:
        raise SettingsError(
            "accept_unnamed and require_echo contradict each other: leave require_echo out to "
            "accept answers that name nobody, or accept_unnamed to refuse them"
        )
    return accept_unnamed
