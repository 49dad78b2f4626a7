"""People who open, close and move away, and the report of each night about them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pandas as pd

from jobs.compare.changes import classify
from jobs.compare.freshness import freshness
from jobs.compare.summary import summarize
from jobs.compare.verdict import Verdict
from jobs.input.pairs import parse_pairs
from jobs.report.compose import compose
from jobs.report.info import GatewayId, RunInfo
from jobs.report.model import Report
from jobs.report.request_info import RequestInfo
from jobs.schema import ANSWERS, ROWS, conform
from jobs.sweep.stats import RequestStats
from tests.night import PACE

FIRST = date(2025, 3, 3)
SANDBOX = GatewayId("sandbox", "0000000000")


@dataclass
class Person:
    """One pair, as it really is."""

    openid: str
    organization_id: str
    carried: str
    state: str
    authorized: datetime | None
    here: bool = True


@dataclass
class Night:
    """What was answered on a night: the state and time of each pair with a good answer."""

    report: Report
    heard: dict[tuple[str, str], tuple[str, datetime | None]] = field(default_factory=dict)


def report_of_night(lines, answers, day, *, baseline=None, path=None, gateway=SANDBOX):
    """Return a report.

    Args:
        lines: The input: openid, organization_id, class.
        answers: ``(organization_id, openid)`` to state and authorize_time; the others failed.
        day: The run date; all is answered at 02:00 UTC.
        baseline: The report before.
        path: Its file.
        gateway: Who answered.
    """
    text = "".join(f'"{a}","{b}","{c}"\n' for a, b, c in lines)
    source = parse_pairs(f"openid,organization_id,class\n{text}".encode(), name="/home/x/pairs.csv")
    at = datetime.combine(day, time(2), UTC)
    pairs = source.pairs
    told = [answers.get(key) for key in zip(pairs["organization_id"], pairs["openid"], strict=True)]
    heard = pd.DataFrame(
        {
            "state": [each[0] if each else "UNKNOWN" for each in told],
            "authorize_time": pd.to_datetime([each and each[1] for each in told], utc=True),
            "answered_at": pd.to_datetime([at if each else None for each in told], utc=True),
            "unknown_reason": [None if each else "TIMEOUT" for each in told],
            "attempts": [1 if each else 5 for each in told],
            "request_id": [f"r{day:%d}-{place}" for place in range(len(told))],
        },
        index=pairs.index,
    )
    before = baseline.run_date if baseline else None
    rows = classify(
        pairs,
        conform(heard, ANSWERS),
        conform(pd.DataFrame(), ROWS) if baseline is None else baseline.rows,
        run_date=day,
        baseline_run_date=before,
    )
    end = at + timedelta(minutes=1)
    stats = RequestStats(pairs=len(pairs))
    return compose(
        rows,
        summarize(rows, baseline_run_date=before),
        run=RunInfo.ended(
            Verdict(), id=f"{day:%Y%m%d}T020000Z-00000000", date=day, timezone="Asia/Shanghai",
            started=at, finished=end,
        ),
        gateway=gateway,
        source=source,
        baseline=baseline,
        baseline_file=path,
        asking=RequestInfo.of(stats, PACE, (), freshness(rows, end)),
    )  # fmt: skip


def several_nights(seed, *, people=30, nights=5, bad=(), unanswered=0.1):
    """Return nights in a row, oldest first.

    Args:
        seed: Of what happens.
        people: How many there are.
        nights: How many.
        bad: Numbers of the nights on which nine in ten have no answer.
        unanswered: How many have none on the others.
    """
    chance = random.Random(seed)
    everybody = [
        Person(f"o{i:027}", chance.choice(["0042", "1001", "1002"]), f"class {i % 4}", "NONE", None)
        for i in range(people)
    ]
    made, baseline = [], None
    for number in range(nights):
        day = FIRST + timedelta(days=number)
        for person in everybody:
            _live(person, day, chance, first=number == 0)
        here = [person for person in everybody if person.here] or everybody[:1]
        failing = 0.9 if number in bad else unanswered
        heard = {
            (each.organization_id, each.openid): (each.state, each.authorized)
            for each in here
            if chance.random() >= failing
        }
        lines = [(each.openid, each.organization_id, each.carried) for each in here]
        report = report_of_night(lines, heard, day, baseline=baseline, path=Path(__file__))
        made.append(Night(report, heard))
        baseline = report
    return made


def _live(person, day, chance, *, first):
    """Let a day pass."""
    if chance.random() < 0.1:
        person.here = not person.here
    if chance.random() < (0.6 if first else 0.3):
        if person.state == "ON":
            person.state = chance.choice(["OFF", "OFF", "NONE"])
            person.authorized = None if person.state == "NONE" else person.authorized
        else:
            person.state = "ON"
            person.authorized = datetime.combine(day, time(1), UTC)
