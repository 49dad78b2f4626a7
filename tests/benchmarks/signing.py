"""``palm-reconcile`` with and without threads that sign: pairs a second, and CPU per pair.

Run: ``python -m tests.benchmarks.signing``. The rate is one that nobody reaches, so that the
processor is the limit. Each round runs the command once with each number of threads, at a gateway
in a process of its own: the sandbox, which verifies each request and signs each answer and so fills
a core, and one whose answers were signed before, as a remote gateway's cost this machine nothing.
Seconds are those of the sweep, CPU that of the whole command with its start.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from jobs.plurals import counted
from jobs.report.parquet import read_parquet
from tests.benchmarks.gateway import running_gateway
from tests.benchmarks.result import Spread, finish, markdown, options
from tests.benchmarks.signed_before import running_signed_before
from tests.benchmarks.whole import DAY, RATE, write_pairs

THREADS: Final = (0, 1, 2)
_COMMAND: Final = """
import sys
from jobs.run.endpoint import Endpoint
from palm import ThreadSigner
count = int(sys.argv.pop(1))
signers = {True: lambda self, rate: ThreadSigner(self.merchant, threads=count),
           False: lambda self, rate: self.merchant}
Endpoint.signer = signers[count > 0]
from jobs.commands.reconcile import main
sys.exit(main())
"""


def run_command(folder: Path, config: Path, threads: int, pairs: int) -> dict[str, float]:
    """Run the command with so many threads that sign; return what it took per pair."""
    report = folder / "report.parquet"
    report.unlink(missing_ok=True)
    words = [
        sys.executable, "-c", _COMMAND, str(threads), str(folder / "pairs.csv"), "-o", str(report),
        "--config", str(config), "--rate", str(RATE), "--run-date", DAY.isoformat(),
        "--concurrency", "64", "--max-unknown", "0", "--progress", "off",
    ]  # fmt: skip
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"palm-reconcile ended with {process.returncode}")
    asking = read_parquet(report).asking
    return {
        "pairs_per_second": pairs / asking.seconds,
        "cpu_us": (used.ru_utime + used.ru_stime) / pairs * 1e6,
    }


@contextmanager
def _sandbox(pairs: int) -> Iterator[Path]:
    with running_gateway(day=DAY) as folder:
        yield folder


@contextmanager
def _signed_before(pairs: int) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "keys"
        with running_signed_before(folder, pairs):
            yield folder


GATEWAYS: Final = {"answers signed before": _signed_before, "the sandbox": _sandbox}


def measure(given: argparse.Namespace) -> dict[str, dict[int, list[dict[str, float]]]]:
    """Return each run's numbers by gateway and number of threads."""
    found: dict[str, dict[int, list[dict[str, float]]]] = {
        name: {threads: [] for threads in THREADS} for name in GATEWAYS
    }
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_pairs(folder / "pairs.csv", given.pairs)
        for _ in range(given.rounds):
            for name, gateway in GATEWAYS.items():
                with gateway(given.pairs) as keys:
                    for threads in THREADS:
                        ran = run_command(folder, keys / "palm.toml", threads, given.pairs)
                        found[name][threads].append(ran)
    return found


def _cells(runs: list[dict[str, float]], without: list[dict[str, float]]) -> list[str]:
    """Return each value, and the same round's value over that without threads."""
    cells = []
    for value in ("pairs_per_second", "cpu_us"):
        cells.append(Spread.of(run[value] for run in runs).text(0))
        pairs = zip(runs, without, strict=True)
        cells.append(Spread.of(run[value] / other[value] for run, other in pairs).text(2))
    return cells


def main() -> None:
    parser = options(__doc__, rounds=5)
    parser.add_argument("--pairs", type=int, default=10_000)
    given = parser.parse_args()
    found = measure(given)
    rows = [
        [f"{gateway}, {counted(threads, 'thread')}", *_cells(runs, by_threads[0])]
        for gateway, by_threads in found.items()
        for threads, runs in by_threads.items()
    ]
    header = ["gateway, threads that sign", "pairs/s", "/ without", "us CPU a pair", "/ without"]
    text = (
        f"Median of {given.rounds} rounds (least to most) of {given.pairs:,} pairs, 64 in flight, "
        f"--rate {RATE}.\n\n{markdown(header, rows)}"
    )
    finish(given, text, {"pairs": given.pairs, "runs": found})


if __name__ == "__main__":
    main()
