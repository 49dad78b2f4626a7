"""Whether memory, descriptors and threads stay level over many calls of one ``Palm`` in threads.

Run: ``python -m tests.benchmarks.soak``. The sandbox runs in a process of its own. Memory is read
after each tenth of the calls; descriptors and threads before the client is made, in the middle, and
after it was closed. Needs Linux's ``/proc``.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Final

from palm import Palm
from tests.benchmarks.clients import question
from tests.benchmarks.gateway import running_gateway
from tests.benchmarks.result import finish, markdown, options

TENTHS: Final = 10
WANTED_GROWTH_MB: Final = 2.0
_DAY: Final = date(2026, 11, 21)


@dataclass(frozen=True)
class Open:
    """What this process holds open."""

    descriptors: int
    threads: int

    @classmethod
    def now(cls) -> Open:
        """Return what is open now."""
        return cls(len(list(Path("/proc/self/fd").iterdir())) - 1, threading.active_count())


@dataclass(frozen=True)
class Soak:
    """What was measured.

    Attributes:
        resident_mb: Resident memory after each tenth of the calls, in MB.
        before: What was open before the client was made.
        busy: The same after the last call, before the client was closed.
        after: The same after it was closed, and the caller's own threads had ended.
        wrong: How many answers were about another person.
        wall_s: Time of all calls.
    """

    resident_mb: list[float]
    before: Open
    busy: Open
    after: Open
    wrong: int
    wall_s: float

    @property
    def growth_mb(self) -> float:
        """How much memory grew from the first tenth to the end, in MB."""
        return self.resident_mb[-1] - self.resident_mb[0]


def soak(config: Path, calls: int, threads: int) -> Soak:
    """Ask ``calls`` questions in ``threads`` threads, and return what was measured."""
    before = Open.now()
    resident, wrong, started = [], 0, time.perf_counter()
    with Palm.from_env(config, rate=1_000_000) as palm:

        def ask(number: int) -> bool:
            pair = question(number)
            answer = palm.authorizations.get(*pair)
            return (answer.openid, answer.organization_id) != pair

        with ThreadPoolExecutor(threads) as pool:
            for tenth in range(TENTHS):
                numbers = range(tenth * calls // TENTHS, (tenth + 1) * calls // TENTHS)
                wrong += sum(pool.map(ask, numbers))
                resident.append(_resident_mb())
            busy = Open.now()
    wall_s = time.perf_counter() - started
    return Soak(resident, before, busy, Open.now(), wrong, wall_s)


def _resident_mb() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    parser = options(__doc__, rounds=None)
    parser.add_argument("--calls", type=int, default=100_000, metavar="N")
    parser.add_argument("--threads", type=int, default=16, metavar="N")
    given = parser.parse_args()
    with running_gateway(day=_DAY) as folder:
        found = soak(folder / "palm.toml", given.calls, given.threads)
    text = f"{given.calls:,} calls of one Palm in {given.threads} threads: {found.wall_s:,.0f} s, "
    text += f"{found.wrong} wrong answers.\nMemory after the first tenth of the calls "
    text += f"{found.resident_mb[0]:.1f} MB, after the last {found.resident_mb[-1]:.1f} MB; "
    text += f"wanted: a growth of at most {WANTED_GROWTH_MB:.0f} MB.\n\n"
    rows = [
        [name, str(each.descriptors), str(each.threads)]
        for name, each in {
            "before the client is made": found.before,
            "after the last call": found.busy,
            "after the client is closed": found.after,
        }.items()
    ]
    text += markdown(["open in the process", "descriptors", "threads"], rows)
    finish(given, text, asdict(found))


if __name__ == "__main__":
    main()
