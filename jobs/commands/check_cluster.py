"""``palm check --cluster``: the same checks on each worker, and whether all have the same keys.

``palm`` finds this function as the entry point ``cluster`` of the group ``palm.checks``.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

from jobs.cluster.options import ClusterOptions
from jobs.cluster.tasks.introduction import Introduction, differences, introduce
from jobs.cluster.tasks.job import WorkerSettings
from jobs.errors import RunError
from palm.crypto.thread_signer import usable_cores
from palm.doctor.checks import Finding, Level
from palm.settings import CONFIG_NAME, Settings

__all__ = ["check_workers"]


async def check_workers(
    settings: Settings,
    *,
    config: Path | None,
    base_url: tuple[str, ...],
    target: str,
    plain: bool,
    work: Path | None,
) -> AsyncIterator[Finding]:
    """Yield what is found on each worker of a cluster.

    Args:
        settings: The settings of this process, which the workers must have, too.
        config: The path of ``palm.toml``; None: that of the current folder.
        base_url: The hosts, where they were typed.
        target: ``local:N``, or the address of a scheduler.
        plain: Whether ``tcp://`` is allowed beyond this machine.
        work: The absolute path of the folder that all workers must see; None: it is not looked for.
    """
    path = Path(CONFIG_NAME) if config is None else config
    options = {"base_url": base_url} if base_url else {}
    found_by = WorkerSettings(path.resolve() if path.exists() else None, options)
    try:
        chosen = ClusterOptions.of(target, cores=usable_cores(), plain=plain)
        from jobs.cluster.dask_engine import open_engine  # noqa: PLC0415 - imports Dask

        own = introduce(settings.merchant(), settings.verifying_keys())
        async with open_engine(chosen.address, chosen.workers) as engine:
            workers = sorted(await engine.workers())
            if not workers:
                yield Finding(Level.FAIL, "workers", f"none has joined {target}; start one")
            for worker in workers:
                began = time.time()
                other = await engine.introduce(worker, found_by)
                findings = [_same(worker, own, other, began)]
                findings += await engine.examine(worker, found_by, work) or []
                for each in findings:
                    yield Finding(each.level, f"{worker}, {each.what}", each.detail)
    except RunError as error:
        yield Finding(Level.FAIL, "cluster", str(error))


def _same(worker: str, own: Introduction, other: Introduction | None, began: float) -> Finding:
    """Return whether a worker has the command's keys, version and time."""
    if other is None:
        return Finding(Level.FAIL, "worker", f"{worker} does not answer; start it again")
    now = time.time()
    reasons = differences(own, other, now_s=began, waited_s=now - began)
    if reasons:
        return Finding(Level.FAIL, "same as here", "; ".join(reasons))
    fingerprint = own.merchant_key[:16]
    return Finding(
        Level.OK,
        "same as here",
        f"version {other.version}, key {fingerprint}…, clock {other.wall_s - now:+.1f} s",
    )
