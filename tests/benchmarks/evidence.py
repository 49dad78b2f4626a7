"""Evidence: bytes a row, what keeping it costs, and how fast a report is checked against it.

Run: ``python -m tests.benchmarks.evidence``. Keys, openids, nonces and signatures are made when it
starts, all real ones. In each round every signature is verified by a bare loop, then the report is
checked in one process, then on all cores, so that a busy machine is busy for all of them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import pandas as pd
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from jobs.evidence.folder import EvidenceDay
from jobs.evidence.kept import EvidenceCollector
from jobs.evidence.options import EvidenceScope
from jobs.evidence.outcomes import Outcome
from jobs.evidence.read import EvidenceFiles
from jobs.evidence.verify.check import check_report
from jobs.evidence.verify.rows import Period
from jobs.evidence.verify.trust import Trust
from jobs.evidence.write import EvidenceRun, EvidenceWriter
from jobs.report.info import GatewayId
from jobs.schema import ROWS, conform
from palm import Pair, SignedMessage
from palm.crypto.thread_signer import usable_cores
from palm.sandbox import SandboxKeys
from tests.benchmarks.result import Spread, finish, markdown, options
from tests.evidence import body_of, signed

TARGETS: Final = {"bytes_a_row": 330, "over_verify": 1.4, "keeping_share": 0.04}
_RUN_US: Final = 480.0
"""CPU of a whole run per pair; see the benchmark ``whole``."""
_AT: Final = datetime(2026, 11, 21, 2, tzinfo=UTC)
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class Night(NamedTuple):
    """A night, made up.

    Attributes:
        rows: The report's rows.
        kept: What was signed of each.
        keys: The keys of both sides.
    """

    rows: pd.DataFrame
    kept: list[tuple[Pair, SignedMessage]]
    keys: SandboxKeys


def make_night(count: int) -> Night:
    """Return a night of so many states."""
    chance, keys = Random(20261121), SandboxKeys.generate()
    rows = pd.DataFrame(
        {
            "organization_id": [str(1000 + number % 200) for number in range(count)],
            "openid": ["o" + "".join(chance.choices(_LETTERS, k=27)) for _ in range(count)],
            "state": chance.choices(("ON", "OFF", "NONE"), (80, 12, 8), k=count),
            "change": "UNCHANGED",
            "answered_at": [_AT + timedelta(milliseconds=number) for number in range(count)],
            "authorize_time": [
                _AT - timedelta(seconds=chance.randrange(60_000_000)) for _ in range(count)
            ],
        }
    )
    rows = conform(rows, ROWS)
    kept = [
        (
            Pair(row["openid"], row["organization_id"]),
            signed(keys, body_of(row), row["answered_at"]),
        )
        for row in rows.to_dict("records")
    ]
    return Night(rows, kept, keys)


def keep(night: Night, folder: Path) -> tuple[EvidenceDay, float]:
    """Write the evidence as a run does; return where it is, and microseconds of CPU a row."""
    run = EvidenceRun(
        run_id="20261121T020000Z-00000000",
        run_date=_AT.date(),
        gateway=GatewayId("sandbox", night.keys.mchid),
        scope=EvidenceScope.ALL,
        first_started=_AT,
    )
    day = EvidenceDay.of(folder, _AT.date())
    started = time.process_time()
    own = Path(tempfile.mkdtemp(dir=folder))
    collector = EvidenceCollector(night.keys.platform_keys, own)
    for pair, message in night.kept:
        collector.add(0, pair, message)
    with EvidenceWriter(day, run) as writer:
        writer.write(night.rows, collector.finish().of(0))
        writer.finish()
        writer.publish([], None)
    return day, (time.process_time() - started) / len(night.kept) * 1e6


def bare(night: Night) -> Callable[[], None]:
    """Return a function that does nothing but verify every signature."""
    key = night.keys.public_key_pair.public_key()
    rows = [(message.signature, message.message) for _, message in night.kept]

    def verify() -> None:
        padding, digest = PKCS1v15(), SHA256()
        for signature, message in rows:
            key.verify(signature, message, padding, digest)

    return verify


def check(night: Night, day: EvidenceDay, processes: int) -> None:
    """Check the report."""
    with EvidenceFiles(day.parts()) as files:
        found = check_report(
            [night.rows],
            files,
            EvidenceScope.ALL,
            trust=Trust(),
            period=Period.of(_AT, _AT + timedelta(hours=1)),
            processes=processes,
        )
    if found.counts != {Outcome.BACKED: len(night.rows)}:
        raise SystemExit(f"the check found {found.counts}")


def timed(work: Callable[[], None], rows: int) -> tuple[float, float]:
    """Return microseconds of CPU of this process, and of wall time, a row."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    spent = time.process_time() - cpu, time.perf_counter() - wall
    return spent[0] / rows * 1e6, spent[1] / rows * 1e6


def measure(given: argparse.Namespace, night: Night, folder: Path) -> dict[str, Any]:
    """Return each round's numbers by name."""
    names = ("keep", "bare", "check", "cores", "one")
    found: dict[str, list[float]] = {name: [] for name in names}
    verify, cores = bare(night), usable_cores()
    for _ in range(given.rounds):
        day, keeping = keep(night, folder)
        found["keep"].append(keeping)
        found["bare"].append(timed(verify, given.rows)[0])
        cpu, wall = timed(lambda: check(night, day, 1), given.rows)  # noqa: B023
        found["check"].append(cpu)
        found["one"].append(1e6 / wall)
        found["cores"].append(1e6 / timed(lambda: check(night, day, cores), given.rows)[1])  # noqa: B023
    size = sum(path.stat().st_size for path in day.parts()) / given.rows
    return {"bytes_a_row": size, **found}


def main() -> None:
    parser = options(__doc__, rounds=5)
    parser.add_argument("--rows", type=int, default=40_000)
    given = parser.parse_args()
    night = make_night(given.rows)
    with tempfile.TemporaryDirectory() as made:
        found = measure(given, night, Path(made))
    over = Spread.of(a / b for a, b in zip(found["check"], found["bare"], strict=True))
    share = Spread.of(each / _RUN_US for each in found["keep"])
    rows = [
        ["bytes a row", f"{found['bytes_a_row']:.1f}", f"{TARGETS['bytes_a_row']}"],
        ["keeping and writing, us CPU", Spread.of(found["keep"]).text(1), ""],
        [f"/ a run's {_RUN_US:.0f} us", share.text(3), f"{TARGETS['keeping_share']}"],
        ["one verification, us CPU", Spread.of(found["bare"]).text(1), ""],
        ["checking, us CPU", Spread.of(found["check"]).text(1), ""],
        ["/ one verification", over.text(2), f"{TARGETS['over_verify']}"],
        ["rows/s, one process", Spread.of(found["one"]).text(0), ""],
        ["rows/s, all cores, start included", Spread.of(found["cores"]).text(0), ""],
    ]
    text = (
        f"Per row, median of {given.rounds} rounds (least to most) of {given.rows:,} rows.\n\n"
        f"{markdown(['', 'measured', 'wanted at most'], rows)}"
    )
    finish(given, text, {"targets": TARGETS, "rows": given.rows, **found})


if __name__ == "__main__":
    main()
