"""A run of millions of pairs, part by part: seconds by stage, and the peak of memory.

Run: ``python -m tests.benchmarks.parts``. Each night is a process of its own that runs the very
function of ``palm-reconcile`` over a CSV file and a baseline of the same size; but the gateway is
replaced by answers that are made up, a function of the line and of the night. Memory is the
process's highest resident size, the interpreter and its libraries included.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.report import Watch
from tests.benchmarks.result import finish, markdown, options
from tests.night import PACE

SIZES: Final = ("1000000", "1000000/16", "3000000", "10000000")
"""Pairs, and into how many parts they are divided where that is not left to the command."""
TARGET_MB: Final = 1_500
FIRST: Final = date(2025, 3, 3)
STAGES: Final = {
    "read": "read and divide the input",
    "baseline": "verify and divide the baseline",
    "asking": "make up the answers",
    "compose": "compare, count, put aside",
    "write": "put together, write",
    "check": "read back, check",
    "rest": "rest",
}
_ORGANIZATIONS: Final = 50


def write_input(path: Path, pairs: int, day: int) -> None:
    """Write an input; a hundredth of the pairs is another one each night."""
    with path.open("w", encoding="utf-8") as file:
        file.write("openid,organization_id,class\n")
        first = day * (pairs // 100)
        for start in range(first, first + pairs, 100_000):
            end = min(start + 100_000, first + pairs)
            file.write(
                "".join(
                    f"o{number:027},org-{number * 7 % _ORGANIZATIONS:02},class {number % 40}\n"
                    for number in range(start, end)
                )
            )


def run_night(folder: Path, day: int, partitions: int | None) -> dict[str, Any]:
    """Run one night in this process; return its stages, and the process's peak memory."""
    import numpy as np  # noqa: PLC0415 - the process that prints stays small
    import pandas as pd  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415

    from jobs.input.options import InputOptions  # noqa: PLC0415
    from jobs.partitions.partitioned import derived  # noqa: PLC0415
    from jobs.report.model import GatewayId  # noqa: PLC0415
    from jobs.run import pipeline, preparation  # noqa: PLC0415
    from jobs.run.asking.session import Asked  # noqa: PLC0415
    from jobs.run.config import Options  # noqa: PLC0415
    from jobs.run.endpoint import Endpoint  # noqa: PLC0415
    from jobs.run.options import RunOptions  # noqa: PLC0415
    from jobs.run.rows import composition  # noqa: PLC0415
    from jobs.schema import ANSWERS, conform  # noqa: PLC0415
    from jobs.store import publish  # noqa: PLC0415
    from jobs.store.options import StoreOptions  # noqa: PLC0415
    from jobs.store.outputs import Outputs  # noqa: PLC0415
    from jobs.sweep.stats import RequestStats  # noqa: PLC0415

    watch = Watch()
    run_date = FIRST + timedelta(days=day)

    class Nobody:
        files_per_request = 1

        @asynccontextmanager
        async def open(self, _: Any) -> AsyncIterator[Any]:
            gateway = GatewayId("sandbox", "0000000000")
            yield Endpoint(gateway, None, None, [])  # type: ignore[arg-type] # nobody is asked

    def answers(pairs: pd.DataFrame) -> pd.DataFrame:
        numbers = pairs["openid"].str[1:].astype("int64").to_numpy()
        turn = (numbers * 7919 + (numbers % 97 == day) * 31) % 100
        opened = pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(numbers % 1_000_000, "s")
        state = np.select([turn < 70, turn < 80], ["ON", "OFF"], "NONE")
        frame = pd.DataFrame(
            {
                "state": state,
                "authorize_time": opened.where(state != "NONE"),
                "answered_at": pd.Timestamp(run_date, tz="UTC") + pd.Timedelta(hours=2),
                "http_status": 200,
                "attempts": 1,
                "request_id": [f"08{number:030X}-0" for number in numbers.tolist()],
            },
            index=pairs.index,
        )
        return conform(frame, ANSWERS)

    async def ask_all(_: Any, pairs: Any, *__: Any, **___: Any) -> Asked:
        def make(number: int) -> pd.DataFrame:
            with watch.stage("asking"):
                return answers(pairs.frame(number))

        counts = [pairs.rows_of(number) for number in range(1 << pairs.bits)]
        return Asked(derived(pairs.bits, list(ANSWERS), make, counts), RequestStats(), PACE)

    pipeline.ask_all = ask_all  # type: ignore[assignment]
    watch.around(pipeline, "read_input", "read")
    watch.around(preparation, "find_baseline", "baseline")
    watch.around(preparation, "partitioned_rows", "baseline")
    watch.around(composition, "write_rows", "compose")
    watch.around(composition, "_compose", "compose")
    watch.around(publish, "_write_primary", "write")
    watch.around(publish, "_check", "check")
    chosen = Options(
        input=InputOptions(source=str(folder / f"{day}.csv")),
        store=StoreOptions(outputs=Outputs.to(folder / "report.parquet")),
        run=RunOptions(run_date=run_date, partitions=partitions),
        endpoint=Nobody(),
    )
    with watch.stage("rest"):
        report = pipeline.run(chosen, Console(file=sys.stderr)).report
    return {
        "rows": report.row_count,
        "wall_s": {stage: watch.wall[stage] for stage in STAGES},
        "peak_bytes": {stage: watch.peak[stage] for stage in STAGES},
    }


def measure(pairs: int, partitions: int | None) -> dict[str, Any]:
    """Return what a night with a baseline of the same size took."""
    with tempfile.TemporaryDirectory() as made:
        for day in (0, 1):
            write_input(Path(made, f"{day}.csv"), pairs, day)
            found = _in_a_process(Path(made), day, partitions)
        return found


def _in_a_process(folder: Path, day: int, partitions: int | None) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.parts", "--night", str(folder)]
    command += ["--day", str(day), "--partitions", str(partitions or 0)]
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def main() -> None:
    parser = options(__doc__, rounds=None)
    parser.add_argument("--sizes", nargs="+", default=SIZES, metavar="PAIRS[/PARTS]")
    parser.add_argument("--night", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--day", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--partitions", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.night:
        print(json.dumps(run_night(given.night, given.day, given.partitions or None)))
        sys.stdout.flush()
        os._exit(0)
    _compare(given)


def _compare(given: argparse.Namespace) -> None:
    found = {}
    for size in given.sizes:
        pairs, _, parts = size.partition("/")
        begun = time.perf_counter()
        found[size] = measure(int(pairs), int(parts) if parts else None)
        took = time.perf_counter() - begun
        print(f"{size}: peak {_peak_mb(found[size]):,.0f} MB, {took:.0f} s", file=sys.stderr)
    names = [_named(size) for size in given.sizes]
    seconds = [
        [label, *(f"{found[size]['wall_s'][stage]:,.1f}" for size in given.sizes)]
        for stage, label in STAGES.items()
    ]
    totals = {size: sum(found[size]["wall_s"].values()) for size in given.sizes}
    seconds += [
        ["**all**", *(f"**{totals[size]:,.1f}**" for size in given.sizes)],
        ["us a row", *(f"{totals[size] / found[size]['rows'] * 1e6:.1f}" for size in given.sizes)],
    ]
    memory = [
        [label, *(f"{found[size]['peak_bytes'][stage] / 1e6:,.0f}" for size in given.sizes)]
        for stage, label in STAGES.items()
    ]
    memory.append(["**peak**", *(f"**{_peak_mb(found[size]):,.0f}**" for size in given.sizes)])
    text = (
        "A night with a baseline of the same size, one run each; the answers are made up. Wanted: "
        f"a peak under {TARGET_MB:,} MB,\nand that of 10 million pairs within 10 % of that of 3 "
        f"million.\n\n{markdown(['seconds', *names], seconds)}\n\n"
        f"{markdown(['highest resident size, MB', *names], memory)}"
    )
    finish(given, text, {"target_mb": TARGET_MB, "sizes": found})


def _named(size: str) -> str:
    pairs, _, parts = size.partition("/")
    return f"{int(pairs):,} pairs" + (f" in {parts} parts" if parts else "")


def _peak_mb(found: dict[str, Any]) -> float:
    peaks: dict[str, int] = found["peak_bytes"]
    return max(peaks.values()) / 1e6


if __name__ == "__main__":
    main()
