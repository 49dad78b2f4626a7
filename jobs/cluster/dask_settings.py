"""Dask's settings of a run. Pure.

Source: https://docs.dask.org/en/stable/configuration.html
"""

from __future__ import annotations

import logging
from typing import Any, Final

__all__ = ["CLIENT", "LOCAL", "LOCAL_CLUSTER", "LOGGERS", "QUIET"]

QUIET: Final = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.tick.limit": "1h",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.diagnostics.nvml": False,
}
"""An idle worker costs 0.5 % of a core with these, 5.8 % without."""
LOCAL: Final = {**QUIET, "distributed.scheduler.worker-ttl": "60s"}
LOGGERS: Final = ("distributed", "distributed.client", "tornado.application")
"""Those that Dask gives a level of their own; what they say is said by the command in its words."""
CLIENT: Final[dict[str, Any]] = {"asynchronous": True, "set_as_default": False}
LOCAL_CLUSTER: Final[dict[str, Any]] = {
    "threads_per_worker": 2,  # one task is asked about while the next one is prepared
    "processes": True,
    "memory_limit": 0,
    "dashboard_address": None,
    # Metrics by HTTP cannot be left out; by default they take port 8787, or warn that it is taken.
    "scheduler_kwargs": {"dashboard": False, "dashboard_address": "127.0.0.1:0"},
    "security": True,
    "protocol": "tls://",
    "asynchronous": True,
    "silence_logs": logging.CRITICAL,
}
"""Of workers that are started on this machine."""
