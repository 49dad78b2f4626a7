"""Several hundred thousand pairs asked in one run, beside the same of an earlier version.

Run: ``git worktree add --detach ../before COMMIT``, then ``python -m tests.benchmarks.asked
../before``. The rate is one that two cores cannot reach. The sandbox runs in a process of its own,
the same one for all runs; each run is the whole command of one of the two folders, the present one
also with its pairs in parts. CPU is that of the command with its start, seconds are those of the
sweep, as the report's metadata has them.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

from jobs.report.parquet import read_parquet
from tests.benchmarks.command import run_to_end
from tests.benchmarks.gateway import running_gateway
from tests.benchmarks.result import Spread, finish, markdown, options
from tests.benchmarks.whole import DAY, RATE, write_pairs

_HERE: Final = Path(__file__).parents[2]
_CHILD: Final = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from jobs.commands.reconcile import main
sys.exit(main())
"""


def run(checkout: Path, folder: Path, config: Path, *more: str) -> dict[str, float]:
    """Run the command of a checkout; return pairs a second, CPU a pair and peak memory."""
    report = folder / "report.parquet"
    report.unlink(missing_ok=True)
    words = [
        sys.executable, "-c", _CHILD, str(checkout), str(folder / "pairs.csv"), "-o", str(report),
        "--config", str(config), "--rate", str(RATE), "--run-date", DAY.isoformat(),
        "--max-unknown", "0", "--progress", "off", *more,
    ]  # fmt: skip
    used = run_to_end(words)
    made = read_parquet(report)
    assert made.metadata.asking is not None
    pairs = len(made.rows)
    return {
        "pairs_a_second": pairs / made.metadata.asking.seconds,
        "cpu_us": (used.ru_utime + used.ru_stime) / pairs * 1e6,
        "peak_mb": used.ru_maxrss / 1024,
    }


def main() -> None:
    parser = options(__doc__, rounds=1)
    parser.add_argument("before", type=Path, help="a checkout of the earlier version")
    parser.add_argument("--pairs", type=int, default=300_000)
    given = parser.parse_args()
    kinds: dict[str, tuple[Path, tuple[str, ...]]] = {
        "before": (given.before.resolve(), ()),
        "now": (_HERE, ()),
        "now, 8 parts": (_HERE, ("--partitions", "8")),
    }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in kinds}
    with tempfile.TemporaryDirectory() as made, running_gateway(day=DAY) as keys:
        folder = Path(made)
        write_pairs(folder / "pairs.csv", given.pairs)
        for number in range(given.rounds):
            names = list(kinds) if number % 2 == 0 else list(kinds)[::-1]
            for name in names:
                checkout, more = kinds[name]
                found[name].append(run(checkout, folder, keys / "palm.toml", *more))
                print(f"{name}: {found[name][-1]}", file=sys.stderr)
    digits = {"pairs_a_second": 0, "cpu_us": 0, "peak_mb": 0}
    rows = [
        [name, *(Spread.of(each[what] for each in runs).text(digits[what]) for what in digits)]
        for name, runs in found.items()
    ]
    text = (
        f"{given.pairs:,} pairs asked in one run at --rate {RATE:,}, {given.rounds} of each; the "
        f"sandbox fills the other core.\n\n"
        f"{markdown(['', 'pairs/s', 'CPU us a pair', 'peak MB'], rows)}"
    )
    finish(given, text, {"pairs": given.pairs, "runs": found})


if __name__ == "__main__":
    main()
