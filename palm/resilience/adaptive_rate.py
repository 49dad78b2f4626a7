"""Adapts the request rate to throttling: lowers it at once and raises it again step by step.

WeChat Pay publishes no quota for this query, and all programs of a merchant share one, so the
allowed rate must be learned: https://pay.weixin.qq.com/doc/v3/merchant/4012081717 (429: lower the
frequency and try again).
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

from palm.errors.values import check_rules

__all__ = ["Adaptation", "AdaptationRules", "AdjustablePacer"]

_log: Final = logging.getLogger("palm")


class AdjustablePacer(Protocol):
    """The pacer whose rate is adapted: a :class:`palm.resilience.pacer.Pacer`."""

    @property
    def rate(self) -> float:
        """Requests per second."""

    @rate.setter
    def rate(self, rate: float) -> None: ...

    def pause(self, seconds: float) -> None:
        """Let no request through for a number of seconds."""


@dataclass(frozen=True, slots=True)
class AdaptationRules:
    """When throttled requests lower the rate, and how it is raised again.

    Attributes:
        window: How many of the latest answers are examined.
        least: How many throttled requests among them are needed, at least, to lower the rate.
        share: Which part of them must be throttled, at least, to lower the rate.
        pause_s: How many seconds all requests pause, at least, before the lower rate begins;
            Retry-After may ask for more.
        factor: The rate is multiplied by this number, once per pause.
        floor: The rate never falls below this part of the configured rate.
        step: The part of the configured rate by which the rate is raised again.
        every_s: How many seconds pass between two such steps. After each interval without a
            throttled request the step doubles; a throttled request sets it back.

    Raises:
        SettingsError: One of them is not a number, or is too small or too large.
    """

    window: int = 100
    least: int = 3
    share: float = 0.05
    pause_s: float = 1.0
    factor: float = 0.7
    floor: float = 0.05
    step: float = 0.02
    every_s: float = 10.0

    def __post_init__(self) -> None:
        parts = ("share", "factor", "floor", "step")
        check_rules(self, whole=("window", "least"), seconds=("pause_s", "every_s"), parts=parts)


class Adaptation:
    """Lowers and raises a pacer's rate. Times are passed in, as the pacer's clock shows them.

    Args:
        pacer: The pacer whose rate is adapted. Its rate at this moment is the configured rate.
        rules: When the rate is lowered and raised.

    Attributes:
        pacer: The pacer whose rate is adapted.
        pauses: How many times all requests paused.
        paused_s: For how many seconds all requests paused, in total.
    """

    def __init__(self, pacer: AdjustablePacer, rules: AdaptationRules | None = None) -> None:
        self.pacer = pacer
        self._rules = rules or AdaptationRules()
        self._configured = pacer.rate
        self._recent: deque[bool] = deque(maxlen=self._rules.window)
        self._paused_until = float("-inf")
        self._grow_at = float("-inf")
        self._step = self._rules.step
        self._clean = True
        self.pauses: int = 0
        self.paused_s: float = 0.0

    def answered(
        self, *, sent: float, now: float, throttled: bool, retry_after_s: float | None = None
    ) -> None:
        """Record the answer to a request.

        Args:
            sent: When the request was written.
            now: The time now.
            throttled: Whether the request was throttled.
            retry_after_s: The pause that the answer asks for; None: it asks for none.
        """
        if sent < self._paused_until:
            return  # it was sent before the pause ended, so it is part of the same event
        self._recent.append(throttled)
        if throttled:
            self._clean = False
            throttles = sum(self._recent)
            if throttles >= max(self._rules.least, self._rules.share * len(self._recent)):
                self._slow_down(now, retry_after_s)
        elif self.pacer.rate < self._configured and now >= self._grow_at:
            if not self._clean:
                self._step = self._rules.step
            self.pacer.rate = min(self._configured, self.pacer.rate + self._step * self._configured)
            self._step *= 2
            self._clean = True
            self._grow_at = now + self._rules.every_s

    def _slow_down(self, now: float, retry_after_s: float | None) -> None:
        rules = self._rules
        pause = max(rules.pause_s, retry_after_s or 0)
        self.pacer.rate = max(self._configured * rules.floor, self.pacer.rate * rules.factor)
        self.pacer.pause(pause)
        self._paused_until = now + pause
        self._step = rules.step
        self._grow_at = self._paused_until + rules.every_s
        self._recent.clear()
        _log.warning("throttled: pausing %.1f s, then %.1f requests/s", pause, self.pacer.rate)
        self.pauses += 1
        self.paused_s += pause
