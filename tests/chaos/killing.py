"""A run of the command that is killed at random moments, and begun again, until it is done."""

from __future__ import annotations

import random
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.gateway import Served
from tests.chaos.machine import Machine
from tests.night import DAY, SCRIPTS, write_pairs

PEOPLE_PER_KILL = 250
"""So that the run does not come to its end before the last kill."""


@dataclass
class Ended:
    """How it ended.

    Attributes:
        kills: When each of the kills was, in monotonic seconds.
        queries: What the gateway was asked, as it tells.
        code: Exit code of the run that was not killed,
        said: and its standard error.
    """

    folder: Path
    kills: list[float] = field(default_factory=list)
    queries: list[list[Any]] = field(default_factory=list)
    code: int | None = None
    said: str = ""


def kill_again_and_again(
    gateway: Served, folder: Path, machine: Machine, count: int, parts: int
) -> Ended:
    """Kill a run so many times, at seeded moments, then let it go to its end."""
    drawn = random.Random(5)
    gateway.tell(latency_s=0.02)  # so that there is always something in flight
    pairs = write_pairs(folder / "pairs.csv", PEOPLE_PER_KILL * count)
    command = [str(SCRIPTS / "palm-reconcile"), str(pairs)]
    command += ["-o", str(folder / "report.parquet"), "--partitions", str(parts)]
    command += ["--run-date", str(DAY), "--rate"]
    command += [f"{machine.rate(400):.0f}"]
    command += ["--config", str(gateway.config()), "--progress", "off"]
    ended = Ended(folder)
    while len(ended.kills) < count:
        asked = gateway.tell()["asked"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            if len(ended.kills) % 4:  # while it asks; every fourth anywhere, also while it starts
                at = asked + drawn.randint(1, 200)
                while gateway.tell()["asked"] < at:
                    time.sleep(0.005)
            else:
                time.sleep(drawn.uniform(0.0, 1.5))
            assert process.poll() is None, "it came to its end before the last kill"
            ended.kills.append(time.monotonic())
            process.kill()
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    ended.code, ended.said = done.returncode, done.stderr
    ended.queries = gateway.tell(tell=True)["queries"]
    return ended
