"""``palm-reconcile`` from start to exit: its CPU per pair, where it goes, and its memory.

Run: ``python -m tests.benchmarks.whole``. The gateway runs in a process of its own. The rate is one
that nobody reaches, so that the processor is the limit: with 64 questions in flight, and with 1024,
which is what such a rate has by default. The unit is one RSA-2048 signature plus one verification,
measured before and after each run. Where CPU goes is found out in a run of its own by py-spy, where
that is installed. Memory is the highest resident size at a gateway that holds each answer back.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from shutil import which
from typing import Final

from palm import Pair
from palm.settings import Settings, read_config
from tests.benchmarks.command import run_to_end
from tests.benchmarks.crypto import crypto_us
from tests.benchmarks.gateway import running_gateway
from tests.benchmarks.result import Spread, finish, markdown, options

TARGETS: Final = {"over_crypto": 1.8, "growth_mb": 30.0}
RATE: Final = 100_000
IN_FLIGHT: Final = (64, 1024)
DAY: Final = date(2026, 11, 21)
_COMMAND: Final = str(Path(sys.executable).with_name("palm-reconcile"))
_ORGANIZATIONS: Final = 40

# The innermost function that is one of these says what a sample is spent on; the first that fits.
_PARTS: Final = (
    ("crypto", ("palm/crypto/signing.py", "cryptography/")),
    ("pacing", ("palm/resilience/pacer.py", "palm/resilience/adaptive_rate.py")),
    ("journal", ("jobs/journal/journal.py", "sqlite3/")),
    ("HTTP", ("aiohttp/", "palm/http/transport.py", "yarl/", "multidict/", "aiohappyeyeballs/")),
    ("imports", ("<frozen importlib", "importlib/")),
    ("the client's rest", ("palm/", "tenacity/")),
    (
        "the sweep",
        (
            "jobs/sweep/engine.py",
            "jobs/sweep/answers.py",
            "jobs/sweep/stats.py",
            "jobs/sweep/abort.py",
        ),
    ),
    ("pandas, report", ("pandas/", "pyarrow/", "numpy/", "jobs/")),
    ("event loop", ("asyncio/", "selectors.py", "uvloop")),
)


def write_pairs(path: Path, pairs: int) -> None:
    """Write an input."""
    with path.open("w") as file:
        file.write("organization_id,openid\n")
        for openid, organization_id in map(pair_of, range(pairs)):
            file.write(f"{organization_id},{openid}\n")


def pair_of(number: int) -> Pair:
    """Return one of the pairs of the input."""
    return Pair(f"o{number:027}", str(1000 + number % _ORGANIZATIONS))


def run_command(folder: Path, config: Path, *more: str) -> dict[str, float]:
    """Run the command; return its CPU seconds, wall time aside, and its highest resident size."""
    used = run_to_end([*_words(folder, config), *more])
    return {
        "user_s": used.ru_utime,
        "system_s": used.ru_stime,
        "peak_mb": used.ru_maxrss / 1024,
    }


def _words(folder: Path, config: Path) -> list[str]:
    report = folder / "report.parquet"
    report.unlink(missing_ok=True)
    return [
        _COMMAND, str(folder / "pairs.csv"), "-o", str(report), "--config", str(config),
        "--rate", str(RATE), "--run-date", DAY.isoformat(), "--max-unknown", "0",
        "--progress", "off",
    ]  # fmt: skip


def shares(folder: Path, config: Path) -> dict[str, float]:
    """Return the part of the CPU samples that each part of the program has; empty: no py-spy."""
    spy = which("py-spy") or which("py-spy", path=str(Path(sys.executable).parent))
    if spy is None:
        print("py-spy is not installed: where CPU goes is left out", file=sys.stderr)
        return {}
    stacks = folder / "stacks.txt"
    command = [
        spy,
        "record",
        "--format",
        "raw",
        "--rate",
        "200",
        "--nonblocking",
        "--full-filenames",
    ]
    command += ["--output", str(stacks), "--", *_words(folder, config)]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    if ran.returncode or not stacks.exists():
        print(f"py-spy failed: {ran.stderr[-300:]}", file=sys.stderr)
        return {}
    counts: Counter[str] = Counter()
    for line in stacks.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        counts[_part_of(stack.split(";"))] += int(count)
    return {part: count / counts.total() for part, count in counts.most_common()}


def _part_of(stack: list[str]) -> str:
    for frame in reversed(stack):
        for part, places in _PARTS:
            if any(place in frame for place in places):
                return part
    return "the rest"


def measure_cpu(
    given: argparse.Namespace, folder: Path
) -> tuple[dict[int, list[dict[str, float]]], dict[str, float]]:
    """Return each run's CPU by how many questions are in flight, and where it goes by default."""
    write_pairs(folder / "pairs.csv", given.pairs)
    found: dict[int, list[dict[str, float]]] = {number: [] for number in IN_FLIGHT}
    with running_gateway(day=DAY) as keys:
        config = keys / "palm.toml"
        key = Settings(**read_config(config)).merchant().private_key
        unit = crypto_us(key)
        for _ in range(given.rounds):
            for number in IN_FLIGHT:
                used = run_command(folder, config, "--concurrency", str(number))
                before, unit = unit, crypto_us(key)
                used["crypto_us"] = (before + unit) / 2
                used["cpu_us"] = (used["user_s"] + used["system_s"]) / given.pairs * 1e6
                found[number].append(used)
        return found, shares(folder, config)


def measure_memory(given: argparse.Namespace, folder: Path) -> dict[int, list[float]]:
    """Return the peaks, in MB, by how many questions are in flight."""
    write_pairs(folder / "pairs.csv", given.memory_pairs)
    peaks: dict[int, list[float]] = {number: [] for number in IN_FLIGHT}
    with running_gateway("--latency", str(given.latency), day=DAY) as keys:
        for _ in range(given.memory_rounds):
            for number in IN_FLIGHT:
                used = run_command(folder, keys / "palm.toml", "--concurrency", str(number))
                peaks[number].append(used["peak_mb"])
    return peaks


_SHOWN: Final[tuple[tuple[Callable[[dict[str, float]], float], int], ...]] = (
    (lambda run: run["cpu_us"] / run["crypto_us"], 2),
    (lambda run: run["cpu_us"], 0),
    (lambda run: run["cpu_us"] * run["system_s"] / (run["user_s"] + run["system_s"]), 0),
    (lambda run: run["crypto_us"], 0),
)


def main() -> None:
    parser = options(__doc__, rounds=5)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--latency", type=float, default=0.1, help="of each answer, for memory")
    parser.add_argument("--memory-pairs", type=int, default=20_000, metavar="N")
    parser.add_argument("--memory-rounds", type=int, default=3, metavar="N")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        runs, parts = measure_cpu(given, Path(made))
        peaks = measure_memory(given, Path(made))
    rows = [
        [
            f"{number:,}",
            *(Spread.of(map(value, runs[number])).text(digits) for value, digits in _SHOWN),
        ]
        for number in IN_FLIGHT
    ]
    header = [
        "in flight",
        "CPU / (sign + verify)",
        "us CPU",
        "of it in the kernel",
        "sign + verify, us",
    ]
    few, many = IN_FLIGHT
    growth = Spread.of(b - a for a, b in zip(peaks[few], peaks[many], strict=True))
    memory = [[f"{number:,}", Spread.of(peaks[number]).text(0)] for number in IN_FLIGHT]
    memory.append(["growth", growth.text(0)])
    text = (
        f"Per pair, start-up included; median of {given.rounds} runs (least to most) over "
        f"{given.pairs:,} pairs.\nWanted: at most {TARGETS['over_crypto']}.\n\n"
        f"{markdown(header, rows)}\n\n"
    )
    if parts:
        shown = [[part, f"{share:.1%}"] for part, share in parts.items()]
        text += f"{markdown(['where CPU goes', 'share'], shown)}\n\n"
    text += (
        f"{given.memory_pairs:,} pairs, a gateway that answers after {given.latency:g} s. "
        f"Wanted: a growth of at most {TARGETS['growth_mb']:.0f} MB.\n\n"
        f"{markdown(['in flight', 'peak memory, MB'], memory)}"
    )
    numbers = {"targets": TARGETS, "pairs": given.pairs, "runs": runs, "shares": parts}
    finish(given, text, {**numbers, "peaks_mb": peaks, "latency_s": given.latency})


if __name__ == "__main__":
    main()
