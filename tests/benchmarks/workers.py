"""``palm-reconcile --cluster local:2`` beside one process: pairs a second, and CPU per pair.

Run: ``python -m tests.benchmarks.workers``. The rate is one that nobody reaches. The gateway's
answers are signed before it listens, so that it takes little of the machine. Seconds are those of
the sweep; CPU is that of the command with its start and of its workers. Each round runs both.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from shutil import rmtree
from typing import Final

from jobs.report.parquet import read_parquet
from tests.benchmarks.command import run_to_end
from tests.benchmarks.result import Spread, finish, markdown, options
from tests.benchmarks.signed_before import running_signed_before
from tests.benchmarks.whole import DAY, RATE, write_pairs

_COMMAND: Final = str(Path(sys.executable).with_name("palm-reconcile"))
KINDS: Final = {"one process": (), "local:1": ("--cluster", "local:1"),
                "local:2": ("--cluster", "local:2")}  # fmt: skip


def run(folder: Path, config: Path, *more: str) -> dict[str, float]:
    """Run the command; return pairs a second, and CPU a pair."""
    reports = folder / "reports"
    rmtree(reports, ignore_errors=True)
    words = [
        _COMMAND, str(folder / "pairs.csv"), "-o", f"{reports}/", "--config", str(config),
        "--rate", str(RATE), "--run-date", DAY.isoformat(), "--max-unknown", "0",
        "--progress", "off", "--partitions", "8", *more,
    ]  # fmt: skip
    used = run_to_end(words)
    report = read_parquet(reports / f"run_date={DAY}")
    assert report.metadata.asking is not None
    pairs = report.row_count
    return {
        "pairs_a_second": pairs / report.metadata.asking.seconds,
        "cpu_us": (used.ru_utime + used.ru_stime) / pairs * 1e6,
    }


def main() -> None:
    parser = options(__doc__, rounds=3)
    parser.add_argument("--pairs", type=int, default=20_000)
    given = parser.parse_args()
    found: dict[str, list[dict[str, float]]] = {name: [] for name in KINDS}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_pairs(folder / "pairs.csv", given.pairs)
        for _ in range(given.rounds):
            for name, more in KINDS.items():
                with running_signed_before(folder / "keys", given.pairs):
                    found[name].append(run(folder, folder / "keys" / "palm.toml", *more))
                print(f"{name}: {found[name][-1]}", file=sys.stderr)
    alone = found["one process"]
    rows = [
        [
            name,
            Spread.of(each["pairs_a_second"] for each in runs).text(0),
            Spread.of(each["cpu_us"] for each in runs).text(0),
            Spread.of(
                each["cpu_us"] / one["cpu_us"] for each, one in zip(runs, alone, strict=True)
            ).text(),
        ]
        for name, runs in found.items()
    ]
    text = (
        f"{given.pairs:,} pairs in a run; median of {given.rounds} (least to most). Wanted: CPU at "
        "most 1.15 of one process's.\n\n"
        f"{markdown(['', 'pairs/s', 'CPU us a pair', '/ one process'], rows)}"
    )
    finish(given, text, {"pairs": given.pairs, "runs": found})


if __name__ == "__main__":
    main()
