"""All of a run that is not asking, beside the same of an earlier version, measured in turn.

Run: ``git worktree add --detach ../before COMMIT``, then ``python -m tests.benchmarks.against
../before``. Each run is a process of its own that imports ``jobs``, ``palm`` and what measures
them, :mod:`tests.benchmarks.report`, from one of the two folders. The two take turns, so that
whatever else the machine does meets both; a ratio is that of two runs that follow each other.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from tests.benchmarks.report import STAGES
from tests.benchmarks.result import Spread, finish, markdown, options

TARGET: Final = 0.6
_HERE: Final = Path(__file__).parents[2]
_CHILD: Final = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from tests.benchmarks.report import main
main()
"""

_Run: TypeAlias = Mapping[str, Mapping[str, float]]
"""What :func:`tests.benchmarks.report.run_night` returns."""


def measure(checkouts: tuple[Path, Path], pairs: int, rounds: int) -> list[tuple[_Run, _Run]]:
    """Return what each round took in each folder; the nights before are not counted."""
    with tempfile.TemporaryDirectory() as made:
        folders = [Path(made) / name for name in ("before", "now")]
        for checkout, folder in zip(checkouts, folders, strict=True):
            folder.mkdir()
            _in_a_process(checkout, "--inputs", folder, pairs, 0)
            for day in (0, 1):
                _in_a_process(checkout, "--night", folder, pairs, day)
        earlier = [(folder / "report.parquet").read_bytes() for folder in folders]
        found = []
        for _ in range(rounds):
            for folder, report in zip(folders, earlier, strict=True):
                (folder / "report.parquet").write_bytes(report)
            first, second = (
                json.loads(_in_a_process(checkout, "--night", folder, pairs, 2))
                for checkout, folder in zip(checkouts, folders, strict=True)
            )
            found.append((first, second))
        return found


def _in_a_process(checkout: Path, what: str, folder: Path, pairs: int, day: int) -> str:
    command = [sys.executable, "-c", _CHILD, str(checkout), what, str(folder)]
    command += ["--pairs", str(pairs), "--day", str(day)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    parser = options(__doc__, rounds=5)
    parser.add_argument("before", type=Path, help="a folder with the earlier version")
    parser.add_argument("--pairs", type=int, default=1_000_000)
    given = parser.parse_args()
    found = measure((given.before.resolve(), _HERE), given.pairs, given.rounds)
    _print(given, found)


def _print(given: argparse.Namespace, found: list[tuple[_Run, _Run]]) -> None:
    def row(label: str, number: Callable[[_Run], float]) -> list[str]:
        pairs = [(number(before), number(now)) for before, now in found]
        return [
            label,
            Spread.of(before for before, _ in pairs).text(),
            Spread.of(now for _, now in pairs).text(),
            Spread.of(now / before for before, now in pairs).text(),
        ]

    rows = [
        row(label, lambda run, stage=stage: run["cpu_s"][stage] / given.pairs * 1e6)
        for stage, label in STAGES.items()
    ]
    for label, of in (("**all, CPU**", "cpu_s"), ("**all, wall**", "wall_s")):
        rows.append(row(label, lambda run, of=of: sum(run[of].values()) / given.pairs * 1e6))
    rows.append(row("peak memory, MB", lambda run: max(run["peak_bytes"].values()) / 1e6))
    text = (
        f"us a row, {given.pairs:,} pairs; CPU time of all cores unless the line says otherwise;\n"
        f"median of {given.rounds} (least to most). Wanted: at most {TARGET} of what it was.\n\n"
        + markdown(["", "before", "now", "now / before"], rows)
    )
    finish(given, text, {"target": TARGET, "pairs": given.pairs, "rounds": found})


if __name__ == "__main__":
    main()
