"""``palm check --cluster``: the same checks on each worker, and whether all have the same keys.

``palm`` finds this function as the entry point ``cluster`` of the group ``palm.checks``.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import click

from jobs.cluster.options import ClusterOptions, worker_command
from jobs.cluster.tasks.introduction import Introduction, differences, introduce
from jobs.cluster.tasks.job import WorkerSettings
from jobs.errors import RunError, UsageError
from palm import SettingsError
from palm.crypto.thread_signer import usable_cores
from palm.doctor.checks import Finding, Level
from palm.settings import CONFIG_NAME, Settings

__all__ = ["check_workers"]

_SILENT: Final = Finding(Level.FAIL, "worker", "it does not answer; start it again")


def check_workers(
    settings: Settings,
    *,
    config: Path | None,
    base_url: tuple[str, ...],
    target: str,
    plain: bool,
    work: Path | None,
) -> AsyncIterator[Finding]:
    """Return what is found on each worker of a cluster; nothing is asked before the first.

    Args:
        settings: The settings of this process, which the workers must have, too.
        config: The path of ``palm.toml``; None: that of the current folder.
        base_url: The hosts, where they were typed.
        target: ``local:N``, or the address of a scheduler.
        plain: Whether ``tcp://`` is allowed beyond this machine.
        work: The absolute path of the folder that all workers must see; None: it is not looked for.

    Raises:
        click.UsageError: The target cannot be used, or the package for it is not installed.
    """
    path = Path(CONFIG_NAME) if config is None else config
    options = {"base_url": base_url} if base_url else {}
    found_by = WorkerSettings(path.resolve() if path.exists() else None, options)
    try:
        cluster = ClusterOptions.of(target, cores=usable_cores(), plain=plain)
    except UsageError as error:
        raise click.UsageError(str(error)) from None
    return _findings(settings, found_by, cluster, work)


async def _findings(
    settings: Settings, found_by: WorkerSettings, cluster: ClusterOptions, work: Path | None
) -> AsyncIterator[Finding]:
    """Yield what is found on one worker after the other, so that few requests are sent at once."""
    from jobs.cluster.dask_engine import open_engine  # noqa: PLC0415 - imports Dask

    try:
        own = introduce(settings.merchant(), settings.verifying_keys())
    except SettingsError as error:
        yield Finding(Level.FAIL, "workers", f"not asked, since here {error}")
        return
    try:
        async with open_engine(cluster.address, cluster.workers) as engine:
            workers = sorted(await engine.workers())
            if not workers:
                start = f": {worker_command(cluster.address)}" if cluster.address else ""
                line = f"none has joined {cluster.target}; start one{start}"
                yield Finding(Level.FAIL, "workers", line)
            for worker in workers:
                began = time.time()
                other = await engine.introduce(worker, found_by)
                found = [_same(own, other, began)]
                if other is not None and other.error is None:
                    found += await engine.examine(worker, found_by, work) or [_SILENT]
                for each in found:
                    yield Finding(each.level, f"{worker}, {each.what}", each.detail)
    except RunError as error:
        yield Finding(Level.FAIL, "cluster", str(error))


def _same(own: Introduction, other: Introduction | None, began: float) -> Finding:
    """Return whether a worker has the command's keys, version and time."""
    if other is None:
        return _SILENT
    now = time.time()
    reasons = differences(own, other, now_s=began, waited_s=now - began)
    if reasons:
        return Finding(Level.FAIL, "same as here", "; ".join(reasons))
    ahead = max(0.0, other.wall_s - now) - max(0.0, began - other.wall_s)
    return Finding(
        Level.OK,
        "same as here",
        f"version {other.version}, key {own.merchant_key[:16]}…, clock {ahead:+.1f} s",
    )
