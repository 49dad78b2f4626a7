"""How the pace answers to throttling: slower at once, faster again by and by.

WeChat Pay publishes no quota for this query and shares a merchant's among all its programs, so
the allowed rate is learned: https://pay.weixin.qq.com/doc/v3/merchant/4012081717 (429: lower the
frequency and try again).
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

__all__ = ["Adaptation", "AdaptationRules", "AdjustablePacer"]

_log: Final = logging.getLogger("palm")


class AdjustablePacer(Protocol):
    """What is slowed down: a :class:`palm.resilience.pacer.Pacer`."""

    rate: float

    def pause(self, seconds: float) -> None:
        """Let nobody through for so long."""


@dataclass(frozen=True, slots=True)
class AdaptationRules:
    """When throttles are more than strays, and what follows.

    Attributes:
        window: So many of the latest answers are looked at.
        least: This many throttles among them, and
        share: this part of them, slow everybody down.
        pause_s: Pause for everybody, at least; Retry-After may ask for more.
        factor: The rate is multiplied by this, once per pause,
        floor: but never falls below this part of the configured rate.
        step: It grows back by this part of the configured rate
        every_s: every so many seconds; each such time without a throttle doubles the step, one
            with a stray makes it small again.
    """

    window: int = 100
    least: int = 3
    share: float = 0.05
    pause_s: float = 1.0
    factor: float = 0.7
    floor: float = 0.05
    step: float = 0.02
    every_s: float = 10.0


class Adaptation:
    """Watches every answer and sets the pace. Times are the caller's, on the pacer's clock."""

    def __init__(self, pacer: AdjustablePacer, rules: AdaptationRules | None = None) -> None:
        self.pacer = pacer
        self._rules = rules or AdaptationRules()
        self._configured = pacer.rate
        self._recent: deque[bool] = deque(maxlen=self._rules.window)
        self._paused_until = float("-inf")
        self._grow_at = float("-inf")
        self._step = self._rules.step
        self._clean = True
        self.pauses = 0
        self.paused_s = 0.0

    def answered(
        self, *, sent: float, now: float, throttled: bool, retry_after_s: float | None = None
    ) -> None:
        """Note an answer to a request that was sent at ``sent``."""
        if sent < self._paused_until:
            return  # it was under way when the pause began: the same event, not a new one
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
