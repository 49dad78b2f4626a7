"""All of a run that is not asking: seconds and peak memory, by stage and by row.

Run: ``python -m tests.benchmarks.report``. Each size is a process of its own that runs the very
function of ``palm-reconcile`` over a CSV file and a baseline of the same size; but the gateway is
replaced by answers that are made up. Making them up counts as asking, so its time is left out.
Memory is the process's highest resident size, less that of the same process over a single pair.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import wraps
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

from tests.benchmarks.result import Spread, finish, markdown, options
from tests.night import PACE

SIZES: Final = (10_000, 100_000, 1_000_000)
LARGE: Final = 5_000_000
TARGETS: Final = {"us_per_row": 12.0, "growth": 1.3, "bytes_per_pair": 900.0}
STAGES: Final = {
    "read_pairs": "read the input",
    "find_baseline": "read the baseline",
    "frame": "frame the answers",
    "classify": "classify",
    "summarize": "count",
    "compose": "compose",
    "write": "write",
    "check": "read back, check",
    "rest": "rest",
}

_CLEAR: Final = Path("/proc/self/clear_refs")
_STATUS: Final = Path("/proc/self/status")

P = ParamSpec("P")
T = TypeVar("T")


class Watch:
    """Seconds, CPU seconds and peak memory by stage; a stage within another is none of its."""

    def __init__(self) -> None:
        self.wall: defaultdict[str, float] = defaultdict(float)
        self.cpu: defaultdict[str, float] = defaultdict(float)
        self.peak: defaultdict[str, int] = defaultdict(int)
        self._open: list[str] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what happens while this lasts."""
        outer = self._open[-1] if self._open else None
        self._note_peak()
        self._open.append(name)
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self._note_peak()
            self._open.pop()
            spent = time.perf_counter() - wall, time.process_time() - cpu
            for counts, seconds in zip((self.wall, self.cpu), spent, strict=True):
                counts[name] += seconds
                if outer is not None:
                    counts[outer] -= seconds

    def _note_peak(self) -> None:
        """Note the highest resident size since the last time, and begin anew."""
        if self._open:
            self.peak[self._open[-1]] = max(self.peak[self._open[-1]], peak_bytes())
        if _CLEAR.exists():
            _CLEAR.write_text("5")

    def around(self, holder: Any, name: str, stage: str) -> None:
        """Count every call of the function that ``holder`` calls ``name`` as ``stage``."""
        setattr(holder, name, self._counted(getattr(holder, name), stage))

    def _counted(self, function: Callable[P, T], stage: str) -> Callable[P, T]:
        @wraps(function)
        def counted(*args: P.args, **kwargs: P.kwargs) -> T:
            with self.stage(stage):
                return function(*args, **kwargs)

        return counted


def peak_bytes() -> int:
    """Return the highest resident size of this process; on Linux, since it was last cleared."""
    if _STATUS.exists():
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run_night(folder: Path, pairs: int, day: int) -> dict[str, Any]:
    """Run one night in this process; return its stages, and the process's peak memory."""
    from rich.console import Console  # noqa: PLC0415 - the process that prints stays small

    from jobs.compare.options import CompareOptions  # noqa: PLC0415
    from jobs.input.options import InputOptions  # noqa: PLC0415
    from jobs.partitions.partitioned import FrameInMemory  # noqa: PLC0415
    from jobs.report.model import GatewayId  # noqa: PLC0415
    from jobs.run import pipeline as night  # noqa: PLC0415
    from jobs.run import preparation  # noqa: PLC0415
    from jobs.run.asking.session import Asked  # noqa: PLC0415
    from jobs.run.config import Options  # noqa: PLC0415
    from jobs.run.endpoint import Endpoint  # noqa: PLC0415
    from jobs.run.options import RunOptions  # noqa: PLC0415
    from jobs.run.rows import composition  # noqa: PLC0415
    from jobs.store import publish  # noqa: PLC0415
    from jobs.store.options import StoreOptions  # noqa: PLC0415
    from jobs.store.outputs import Outputs  # noqa: PLC0415
    from jobs.sweep.answers import AnswerTable  # noqa: PLC0415
    from jobs.sweep.stats import RequestStats  # noqa: PLC0415
    from palm import AuthorizationState, PalmAuthorization, TimedOutError  # noqa: PLC0415
    from tests.benchmarks import night as made_up  # noqa: PLC0415

    watch = Watch()
    asking = watch.stage("asking")
    states = [AuthorizationState.ON, AuthorizationState.OFF, AuthorizationState.NONE]
    gateway = GatewayId("sandbox", "0000000000")

    class Nobody:
        files_per_request = 1

        @asynccontextmanager
        async def open(self, _: Any) -> AsyncIterator[Any]:
            yield Endpoint(gateway, None, None, [])  # type: ignore[arg-type] # nobody is asked

    async def ask_all(_: Any, partitioned: Any, *__: Any, **___: Any) -> Asked:
        frame = partitioned.frame(0)
        book = AnswerTable(len(frame))
        with asking:
            _answer(book, frame)
        with watch.stage("frame"):
            return Asked(FrameInMemory(book.frame(frame.index)), RequestStats(), PACE)

    def _answer(book: AnswerTable, frame: Any) -> None:
        answers = made_up.Night.of(pairs, day)
        at = int(time.mktime(made_up.DAYS[day].timetuple()) * 1000)
        organization_ids, openids = frame["organization_id"].array, frame["openid"].array
        for place, state in enumerate(answers.states.tolist()):
            if state == made_up.UNKNOWN:
                error = TimedOutError("no complete answer in time")
                error.attempts = 5
                book.fail(place, error)
                continue
            answer = PalmAuthorization(
                openid=openids[place],
                organization_id=organization_ids[place],
                state=states[state],
                authorize_time=answers.time_of(place),
                echoed=True,
                request_id=f"08{place:030X}-0",
                verified_by="PUB_KEY_ID_0000000000000000000000000001",
                attempts=1,
            )
            book.answer(place, answer, at + place)

    night.ask_all = ask_all  # type: ignore[assignment]
    for holder, name, stage in (
        (preparation, "find_baseline", "find_baseline"),
        (night, "read_input", "read_pairs"),
        (composition, "classify", "classify"),
        *(
            (composition, n, "summarize")
            for n in ("summarize_part", "answer_ages", "refused_kinds")
        ),
        (composition, "compose", "compose"),
        (publish, "_write_primary", "write"),
        (publish, "_check", "check"),
    ):
        watch.around(holder, name, stage)
    opt = Options(
        input=InputOptions(source=str(folder / f"{day}.csv")),
        store=StoreOptions(outputs=Outputs.to(folder / "report.parquet")),
        compare=CompareOptions(max_unknown=1.0),
        # The usual case: an unfinished run is looked for.
        run=RunOptions(run_date=made_up.DAYS[day], date_given=False, partitions=1),
        endpoint=Nobody(),
    )
    with watch.stage("rest"):
        report = night.run(opt, Console(file=sys.stderr)).report
    return {
        "rows": len(report.rows),
        "unchanged": report.summary.changes["UNCHANGED"] / len(report.rows),
        "wall_s": {stage: watch.wall[stage] for stage in STAGES},
        "cpu_s": {stage: watch.cpu[stage] for stage in STAGES},
        "peak_bytes": {stage: watch.peak[stage] for stage in (*STAGES, "asking")},
    }


def measure(pairs: int, rounds: int) -> list[dict[str, Any]]:
    """Return what each round over so many pairs took; the nights before are not counted."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        _in_a_process("--inputs", folder, pairs, 0)
        for day in (0, 1):
            _in_a_process("--night", folder, pairs, day)
        before = (folder / "report.parquet").read_bytes()
        found = []
        for _ in range(rounds):
            (folder / "report.parquet").write_bytes(before)
            found.append(json.loads(_in_a_process("--night", folder, pairs, 2)))
        return found


def _in_a_process(what: str, folder: Path, pairs: int, day: int) -> str:
    command = [sys.executable, "-m", "tests.benchmarks.report", what, str(folder)]
    command += ["--pairs", str(pairs), "--day", str(day)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def _write_inputs(folder: Path, pairs: int) -> None:
    from tests.benchmarks import night as made_up  # noqa: PLC0415

    for day in range(len(made_up.DAYS)):
        made_up.write_input(folder / f"{day}.csv", pairs, day)


def main() -> None:
    parser = options(__doc__, rounds=5, counts="of each size")
    parser.add_argument("--large", action="store_true", help=f"{LARGE:,} pairs too")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    for name in ("--inputs", "--night"):
        parser.add_argument(name, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--pairs", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--day", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inputs:
        _write_inputs(given.inputs, given.pairs)
    elif given.night:
        print(json.dumps(run_night(given.night, given.pairs, given.day)))
        sys.stdout.flush()
        os._exit(0)
    else:
        _compare(given)


def _compare(given: argparse.Namespace) -> None:
    sizes = [*given.sizes, *([LARGE] if given.large else [])]
    empty = Spread.of(_peak(each) for each in measure(1, 3)).median
    found = {}
    for pairs in sizes:
        found[pairs] = measure(pairs, given.rounds)
        each = _us_per_row(found[pairs], "wall_s")
        print(f"{pairs:,} pairs: {each.text()} us a row", file=sys.stderr)
    header = ["us a row"] + [f"{pairs:,} pairs" for pairs in sizes]
    rows = [
        [label, *(_us_per_row(found[pairs], "wall_s", stage).text() for pairs in sizes)]
        for stage, label in STAGES.items()
    ]
    totals = {pairs: _us_per_row(found[pairs], "wall_s") for pairs in sizes}
    peaks = {
        pairs: Spread.of((_peak(each) - empty) / pairs for each in found[pairs]) for pairs in sizes
    }
    rows += [
        ["**all**", *(f"**{totals[pairs].text()}**" for pairs in sizes)],
        ["CPU, all cores", *(_us_per_row(found[pairs], "cpu_s").text() for pairs in sizes)],
        ["growth from the size before", "", *_growth([totals[p].median for p in sizes])],
        ["all, s", *(Spread.of(sum(e["wall_s"].values()) for e in found[p]).text() for p in sizes)],
        ["peak memory, MB", *(f"{peaks[p].median * p / 1e6:,.0f}" for p in sizes)],
        ["peak memory, bytes a pair", *(peaks[p].text(0) for p in sizes)],
    ]
    memory = [
        [
            label,
            *(
                f"{statistics.median((_peak(e, stage) - empty) / p for e in found[p]):,.0f}"
                for p in sizes
            ),
        ]
        for stage, label in {**STAGES, "asking": "hold the answers"}.items()
    ]
    unchanged = found[sizes[-1]][0]["unchanged"]
    text = (
        f"Wall time, median of {given.rounds} (least to most), {unchanged:.0%} of the rows "
        f"UNCHANGED.\nMemory over that of a run of one pair ({empty / 1e6:.0f} MB). Wanted: at "
        f"most {TARGETS['us_per_row']:.0f} us a row\nand {TARGETS['bytes_per_pair']:.0f} bytes a "
        f"pair at a million, and at most {TARGETS['growth']} times that per row at 5 million.\n\n"
        f"{markdown(header, rows)}\n\n{markdown(['bytes a pair', *header[1:]], memory)}"
    )
    finish(given, text, {"targets": TARGETS, "empty_bytes": empty, "sizes": found})


def _peak(each: dict[str, Any], stage: str | None = None) -> int:
    peaks: dict[str, int] = each["peak_bytes"]
    return peaks[stage] if stage else max(peaks.values())


def _us_per_row(found: list[dict[str, Any]], of: str, stage: str | None = None) -> Spread:
    return Spread.of(
        (each[of][stage] if stage else sum(each[of].values())) / each["rows"] * 1e6
        for each in found
    )


def _growth(totals: list[float]) -> list[str]:
    return [f"{now / before:.2f}" for before, now in pairwise(totals)]


if __name__ == "__main__":
    main()
