"""What every worker has to know of a run, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from jobs.cluster.quota.rules import LeaseRules
from jobs.cluster.tasks.introduction import Introduction
from jobs.report.model import GatewayId
from palm import HostRules, Retry, Timeouts
from palm.settings import Settings, load_settings, read_config

__all__ = ["Job", "WorkerSettings"]


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Where a worker finds its settings: paths, and options that are no secret.

    Attributes:
        config: The path of ``palm.toml``; None: that of the worker's current folder, if it has one.
        options: Settings that were typed on the command line.
        alone: Whether ``palm.toml`` alone counts, and no variable.
    """

    config: Path | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    alone: bool = False

    def load(self) -> Settings:
        """Read the settings on this machine.

        Raises:
            palm.SettingsError: They cannot be read.
        """
        config = read_config(self.config)
        if self.alone:
            return Settings.model_validate(config)
        return load_settings(config, **self.options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run, as its workers know it. It holds no secret and no pair.

    Attributes:
        id: Hex digits that no other run has.
        run_date: Of the run.
        gateway: The gateway that is asked, and the merchant that asks.
        settings: Where a worker finds its settings.
        own: What the command says about itself: a worker that differs asks nobody.
        base_url: The hosts: main, then backup.
        journals: The folder for the journals of the run date, which every worker sees.
        bits: How many bits of a pair's hash are the number of its partition.
        in_flight: Requests that one worker has in flight at most.
        accept_unnamed: Whether answers that do not name their pair are accepted.
        keep_signed: Whether what is signed of the answers goes into the journals.
        finish_s: After a cancel, queries in flight have this many seconds to finish.
        retry: How a pair is asked again.
        throttled_again: How a pair that was throttled repeatedly is asked in the last round.
        timeouts: Of a request.
        hosts: When the other host is asked.
        leases: The waiting times of leases on the quota.
    """

    id: str
    run_date: date
    gateway: GatewayId
    settings: WorkerSettings
    own: Introduction
    base_url: tuple[str, ...]
    journals: Path
    bits: int
    in_flight: int
    accept_unnamed: bool
    keep_signed: bool
    finish_s: float
    retry: Retry
    throttled_again: Retry
    timeouts: Timeouts
    hosts: HostRules
    leases: LeaseRules = field(default_factory=LeaseRules)
