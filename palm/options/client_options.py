"""The options of a client, as its constructors take them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Final, TypedDict

from palm.clock import Clock, ReadTime, Sleep
from palm.crypto.keys import Merchant, PlatformKeys
from palm.crypto.signing import Signer, Verifier
from palm.http.request.attempts import Attempt
from palm.http.request.timeouts import Timeouts
from palm.resilience.adaptive_rate import Adaptation, AdaptationRules
from palm.resilience.breaker import Breaker, BreakerRules
from palm.resilience.failover import HostRules
from palm.resilience.rate_limiter import RateLimiter
from palm.resilience.retry import Retry

__all__ = ["BASE_URLS", "ClientOptions", "CopyOptions", "SettingsOptions"]

BASE_URLS: Final = ("https://api.mch.weixin.qq.com", "https://api2.mch.weixin.qq.com")
"""The gateway's main host, then its backup: https://pay.weixin.qq.com/doc/v3/partner/4014482017"""


class _Options(TypedDict, total=False):
    """The options of :class:`AsyncPalm` other than the keys."""

    base_url: str | Sequence[str]
    rate: float | None
    pacer: RateLimiter | None
    retry: Retry | None
    timeout: float | Timeouts | None
    timeouts: Timeouts | None
    adaptation: AdaptationRules | Adaptation | None
    hosts: HostRules | None
    breaker: BreakerRules | Breaker | None
    proxy: str | None
    ca_file: str | PathLike[str] | None
    connections: int | None
    accept_unnamed: bool
    require_echo: bool
    on_attempt: Callable[[Attempt], None] | None
    nonce: Callable[[], str]
    clock: Clock | ReadTime | None
    steady: ReadTime | None
    sleep: Sleep | None


class ClientOptions(_Options):
    """The arguments of :class:`AsyncPalm`."""

    merchant: Merchant | Signer
    keys: PlatformKeys | Verifier


class SettingsOptions(_Options, total=False):
    """The arguments of :meth:`AsyncPalm.from_env`, each instead of a setting."""

    merchant: Merchant | Signer
    keys: PlatformKeys | Verifier


class CopyOptions(TypedDict, total=False):
    """The arguments of :meth:`AsyncPalm.with_options`."""

    timeout: float | Timeouts | None
    retry: Retry | None
