"""The peak of memory of a command and of its workers, for millions of pairs.

Run: ``python -m tests.benchmarks.worker_memory``. A scheduler, two workers and the command are
processes of their own. The first pairs are asked at a sandbox; the workers make all other answers
up (``made_up_answers``), so that a million pairs take a minute. Each size is two nights: the
second one has a baseline of its own size. Memory is a process's highest resident size.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.command import run_to_end
from tests.benchmarks.gateway import running_gateway
from tests.benchmarks.parts import FIRST, write_input
from tests.benchmarks.result import finish, markdown, options
from tests.workers import running_cluster

_COMMAND: Final = str(Path(sys.executable).with_name("palm-reconcile"))
_DAYS: Final = (0, 1)
SIZES: Final = (1_000_000, 3_000_000)


def measure(pairs: int) -> dict[str, Any]:
    """Return the peaks of both nights, in bytes, and the seconds of the second one."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        preload = "tests.benchmarks.made_up_answers"
        root = {"PYTHONPATH": str(Path(__file__).parents[2])}
        with (
            running_gateway(day=FIRST) as keys,
            running_cluster(folder, env=root, preload=preload) as cluster,
        ):
            for day in _DAYS:
                write_input(folder / f"{day}.csv", pairs, day)
                begun = time.perf_counter()
                command = _run(folder, day, keys / "palm.toml", cluster.address)
                found["seconds"] = time.perf_counter() - begun
                found["command"] = max(command, found.get("command", 0))
            found["workers"] = [_peak(worker.pid) for worker in cluster.workers]
    return found


def _run(folder: Path, day: int, config: Path, address: str) -> int:
    """Run a night; return the highest resident size of the command, in bytes."""
    words = [
        _COMMAND, str(folder / f"{day}.csv"), "-o", f"{folder / 'reports'}/", "--cluster", address,
        "--config", str(config), "--rate", "100000", "--run-date", str(FIRST + timedelta(days=day)),
        "--progress", "off", "--max-unknown", "0",
    ]  # fmt: skip
    return run_to_end(words).ru_maxrss * 1024


def _peak(pid: int) -> int:
    """Return the highest resident size of a running process, in bytes (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("this system does not tell the highest resident size of a process")


def main() -> None:
    parser = options(__doc__, rounds=None)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, metavar="PAIRS")
    given = parser.parse_args()
    found = {}
    for size in given.sizes:
        found[size] = measure(size)
        print(f"{size:,}: {found[size]}", file=sys.stderr)
    rows = [
        ["command", *(f"{found[size]['command'] / 1e6:,.0f}" for size in given.sizes)],
        [
            "worker with the most",
            *(f"{max(found[size]['workers']) / 1e6:,.0f}" for size in given.sizes),
        ],
        [
            "seconds of the second night",
            *(f"{found[size]['seconds']:,.0f}" for size in given.sizes),
        ],
    ]
    names = [f"{size:,} pairs" for size in given.sizes]
    text = (
        "Two workers; the answers are made up. Wanted: memory at three million pairs within 10 % "
        f"of that at one million.\n\n{markdown(['highest resident size, MB', *names], rows)}"
    )
    finish(given, text, {"sizes": {str(size): each for size, each in found.items()}})


if __name__ == "__main__":
    main()
