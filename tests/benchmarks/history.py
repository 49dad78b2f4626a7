"""How long ``palm-report FOLDER`` takes over many nights, and how much memory.

The reports are made up once (that takes minutes), and are not counted. Each measurement is the
whole command in a process of its own: every report is read and verified, and the page is written.

    python -m tests.benchmarks.history [--nights 10 90] [--pairs 100000] [--folder FOLDER]

``--folder`` keeps the reports, so that a second time they need not be made.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

from tests.benchmarks.result import Spread, finish, markdown, options
from tests.many_nights import FIRST, People, write_nights

TARGETS: Final = {10: 3.0, 90: 60.0}
"""Seconds, by the number of nights."""
PEAK_GB: Final = 1.5
_COMMAND: Final = Path(sys.executable).with_name("palm-report")


def measure(folder: Path, nights: int) -> tuple[float, float, float]:
    """Return wall seconds, CPU seconds and peak gigabytes of the command over so many nights."""
    until = FIRST + timedelta(days=nights - 1)
    with tempfile.TemporaryDirectory() as made:
        words = [_COMMAND, folder, "--until", str(until), "-o", f"{made}/history.html"]
        started = time.perf_counter()
        with subprocess.Popen(words) as process:
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"palm-report ended with {process.returncode}")
    scale = 1 if sys.platform == "darwin" else 1024
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss * scale / 1e9


def main() -> None:
    parser = options(__doc__, rounds=3, counts="of each number of nights")
    parser.add_argument("--nights", type=int, nargs="+", default=list(TARGETS))
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--organizations", type=int, default=200)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = given.folder or Path(made)
        if not any(folder.glob("run_date=*")):
            people = People.of(given.pairs, given.organizations, away=0.005, unknown=0.003)
            write_nights(folder, people, max(given.nights))
        found = {
            nights: [measure(folder, nights) for _ in range(given.rounds)]
            for nights in given.nights
        }
    header = [f"{given.pairs:,} pairs", *(f"{nights} nights" for nights in found)]
    rows = [
        [name, *(Spread.of(each[at] for each in own).text() for own in found.values())]
        for at, name in enumerate(("wall, s", "CPU, s", "peak memory, GB"))
    ]
    wanted = ", ".join(f"{nights} nights in {seconds:g} s" for nights, seconds in TARGETS.items())
    text = (
        f"Median of {given.rounds} (least to most), {given.organizations} organizations; the page "
        f"is written.\nWanted: {wanted}, at most {PEAK_GB:g} GB.\n\n{markdown(header, rows)}"
    )
    finish(given, text, {"targets_s": TARGETS, "peak_gb": PEAK_GB, "nights": found})


if __name__ == "__main__":
    main()
