"""What a worker process says about itself: its keys and clock, its gateway, the shared folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from pathlib import Path

from jobs.cluster.tasks.introduction import Introduction, introduce, unable
from jobs.cluster.tasks.job import WorkerSettings
from jobs.store.files.filesystem import reason_of
from jobs.store.locations import UNFINISHED
from palm import SettingsError
from palm.doctor.checks import Finding, Level, check

__all__ = ["examine_here", "introduce_here"]


async def introduce_here(settings: WorkerSettings) -> Introduction:
    """Return what this process says about itself."""

    def read() -> Introduction:
        try:
            loaded = settings.load()
            return introduce(loaded.merchant(), loaded.verifying_keys())
        except SettingsError as error:
            return unable(str(error))

    return await asyncio.to_thread(read)


async def examine_here(settings: WorkerSettings, work: Path | None) -> list[Finding]:
    """Return what ``palm check`` finds in this process, and whether it can use the shared folder.

    Args:
        settings: Where this process finds its settings.
        work: The folder that all workers must see; None: it is not looked for.
    """
    try:
        found = [each async for each in check(settings.load())]
    except SettingsError as error:
        found = [Finding(Level.FAIL, "settings", str(error))]
    if work is not None:
        found.append(await asyncio.to_thread(_try_folder, work))
    return found


def _try_folder(folder: Path) -> Finding:
    """Write a file into a folder, and rename it."""
    name = f".{os.uname().nodename}.{os.getpid()}.{secrets.token_hex(4)}"
    written = folder / f"{name}{UNFINISHED}"
    renamed = folder / f"{name}.renamed{UNFINISHED}"
    try:
        try:
            written.write_bytes(b"x")
            written.replace(renamed)
        finally:
            for each in (written, renamed):
                with contextlib.suppress(FileNotFoundError):
                    each.unlink()
    except OSError as error:
        remedy = "make it, or mount it at this path, writable for this user"
        detail = f"{folder}: {reason_of(error)}; {remedy}"
        return Finding(Level.FAIL, "work folder", detail)
    return Finding(Level.OK, "work folder", f"{folder} can be written to")
