"""A folder of reports that is made up, chained from night to night as the job chains them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from jobs.compare.changes import classify
from jobs.compare.freshness import freshness
from jobs.compare.summary import summarize
from jobs.compare.verdict import Verdict
from jobs.input.pairs import Input
from jobs.partitions.partitioned import FrameInMemory
from jobs.report.compose import compose
from jobs.report.info import RunInfo
from jobs.report.model import GatewayId, Report
from jobs.report.parquet import write_parquet
from jobs.report.request_info import RequestInfo
from jobs.schema import ANSWERS, PAIRS, ROWS, State, UnknownReason, conform
from jobs.store.days import dated_report
from jobs.sweep.stats import RequestStats
from tests.night import PACE

FIRST = date(2026, 8, 3)
GATEWAY = GatewayId("sandbox", "0000000000")
_ON, _OFF, _NONE = range(3)
_MINUTE_MS = 60_000


@dataclass(frozen=True)
class People:
    """Pairs whose states move by chance; the same for the same seed.

    Attributes:
        organizations: Of each pair.
        openids: Of each pair.
        away: Share of the pairs that a night's input lacks.
        unknown: Share without an answer, of a night.
        moves: Share that moves between two nights, in each way that there is.
        carried: Names of carried columns, by night; the last one's hold from then on.
    """

    organizations: Sequence[str]
    openids: Sequence[str]
    seed: int = 1
    away: float = 0.03
    unknown: float = 0.02
    moves: float = 0.02
    carried: dict[int, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, pairs: int, organizations: int, **chances: object) -> People:
        """Return so many pairs, spread over so many organizations."""
        names = [f"{1000 + number % organizations:04}" for number in range(pairs)]
        return cls(names, [f"o{number:027}" for number in range(pairs)], **chances)


def write_nights(
    folder: Path,
    people: People,
    nights: int,
    *,
    first: date = FIRST,
    without: Iterable[int] = (),
    bad: Iterable[int] = (),
    quiet: Iterable[int] = (),
    gateway: GatewayId = GATEWAY,
    timezone: str = "Asia/Shanghai",
) -> list[Path]:
    """Write the reports of so many nights, and return their files.

    Args:
        folder: Into which.
        people: About whom.
        nights: How many.
        first: The first run date.
        without: Nights on which no run takes place, by number.
        bad: Nights on which half of the pairs have no answer.
        quiet: Nights since whose eve nothing has moved.
        gateway: Of the reports.
        timezone: Of the runs.
    """
    chance = np.random.default_rng(people.seed)
    size = len(people.openids)
    states = chance.choice(3, size, p=(0.6, 0.15, 0.25)).astype(np.int8)
    opened = np.where(states == _NONE, 0, _ms(first, -30))
    arrives = np.where(chance.random(size) < 0.8, 0, chance.integers(0, max(nights, 1), size))
    before: Report | None = None
    path: Path | None = None
    written, carried = [], ()
    skipped, worse, still = set(without), set(bad), set(quiet)
    for night in range(nights):
        day = first + timedelta(days=night)
        if night and night not in still:
            _move(chance, states, opened, people.moves, _ms(day, -0.5))
        carried = people.carried.get(night, carried)
        here = (arrives <= night) & (chance.random(size) >= people.away)
        here[0] = True  # no run has an input without a pair
        lost = chance.random(size) < (0.5 if night in worse else people.unknown)
        if night in skipped:
            continue
        listed = np.flatnonzero(here)
        options = {"carried": carried, "gateway": gateway, "timezone": timezone}
        report = _report(people, listed, states, opened, lost, day, before, path, **options)
        path = dated_report(folder, day)
        path.parent.mkdir(parents=True)
        write_parquet(report, path)
        written.append(path)
        before = report
    return written


def _ms(day: date, days: float) -> int:
    """Return the moment of a night's run, and so many days after it, in milliseconds."""
    at = datetime.combine(day, time(18), UTC) - timedelta(days=1) + timedelta(days=days)
    return int(at.timestamp() * 1000)


def _move(chance, states, opened, moves, at):
    """Let some open, close, be cleared, and some do two of these."""
    drawn = chance.random(len(states))
    was = states.copy()
    once = drawn < moves
    states[once] = np.array([_OFF, _ON, _ON], dtype=np.int8)[was[once]]
    cleared = (drawn >= moves) & (drawn < 1.2 * moves) & (was != _NONE)
    states[cleared] = _NONE
    again = (drawn >= 1.2 * moves) & (drawn < 1.5 * moves) & (was != _NONE)
    cycled = (drawn >= 1.5 * moves) & (drawn < 1.8 * moves) & (was == _NONE)
    states[cycled] = _OFF
    opened[again | cycled | (once & (was != _ON))] = at
    opened[states == _NONE] = 0


def _report(people, listed, states, opened, lost, day, before, path, *, carried, gateway, timezone):
    at = datetime.fromtimestamp(_ms(day, 0) / 1000, UTC)
    organizations = np.asarray(people.organizations, dtype=object)[listed]
    openids = np.asarray(people.openids, dtype=object)[listed]
    columns = {"organization_id": organizations, "openid": openids}
    columns |= {name: [f"{name} {n % 7}" for n in listed.tolist()] for name in carried}
    columns |= {"input_line": np.arange(2, len(listed) + 2), "input_duplicates": 0}
    pairs = conform(pd.DataFrame(columns), PAIRS)
    state = np.where(lost[listed], 3, states[listed])
    good = state < 3
    times = np.where(good & (state != _NONE), opened[listed], np.iinfo(np.int64).min)
    answered = np.where(good, _ms(day, 0) + np.arange(len(listed)) % _MINUTE_MS,
                        np.iinfo(np.int64).min)  # fmt: skip
    answers = conform(
        pd.DataFrame(
            {
                "state": np.array([each.value for each in State], dtype=object)[state],
                "authorize_time": pd.to_datetime(times.view("datetime64[ms]"), utc=True),
                "answered_at": pd.to_datetime(answered.view("datetime64[ms]"), utc=True),
                "unknown_reason": np.where(good, None, UnknownReason.TIMEOUT),
                "attempts": 1,
            },
            index=pairs.index,
        ),
        ANSWERS,
    )
    since = before.run_date if before else None
    baseline = before.rows if before else conform(pd.DataFrame(), ROWS)
    rows = classify(pairs, answers, baseline, run_date=day, baseline_run_date=since)
    ended = at + timedelta(minutes=2)
    return compose(
        rows,
        summarize(rows, baseline_run_date=since),
        run=RunInfo.ended(
            Verdict(),
            id=f"{day:%Y%m%d}T180000Z-{len(listed):08x}",
            date=day,
            timezone=timezone,
            started=at,
            finished=ended,
        ),
        gateway=gateway,
        source=_source(pairs),
        baseline=before,
        baseline_file=path,
        asking=RequestInfo.of(RequestStats(pairs=len(pairs)), PACE, (), freshness(rows, ended)),
    )


def _source(pairs: pd.DataFrame) -> Input:
    return Input(
        name="people.csv",
        sha256=hashlib.sha256(b"").hexdigest(),
        encoding="utf-8",
        delimiter=",",
        partitions=FrameInMemory(pairs),
        lines=len(pairs),
        duplicates=0,
        invalid=0,
        invalid_lines=(),
        invalid_by_reason={},
        continuation_lines=0,
        unusual_openids=0,
        decorated=0,
        first_decorated=0,
        damaged=(),
    )
