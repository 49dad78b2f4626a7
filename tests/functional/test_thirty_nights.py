"""Thirty nights of 5,000 pairs against a history that knows nothing of the job.

The history is written first, all of it: who opened, closed and was cleared at which second. Each
night then looks at it, but for the pairs that are missing from the input and those without an
answer, and its report, chained to the one before through the real files of a folder, has to tell
what the history holds: no more, and no less than a nightly look can see.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import duckdb
import openpyxl
import pandas as pd
import pytest

from jobs.compare.changes import classify
from jobs.compare.freshness import freshness
from jobs.compare.summary import summarize
from jobs.compare.verdict import Verdict
from jobs.input.pairs import parse_pairs
from jobs.report.compose import compose
from jobs.report.info import RunInfo
from jobs.report.model import GatewayId
from jobs.report.parquet import read_parquet
from jobs.report.request_info import RequestInfo
from jobs.schema import ROWS, Change, State, conform
from jobs.store.baseline import find_baseline
from jobs.store.days import dated_reports
from jobs.store.outputs import parse_outputs
from jobs.store.publish import publish
from jobs.sweep.answers import AnswerTable
from jobs.sweep.stats import RequestStats
from palm import AuthorizationState, PalmAuthorization, TimedOutError
from tests.night import PACE

pytestmark = pytest.mark.slow

PEOPLE, NIGHTS, FIRST = 5_000, 30, date(2026, 10, 23)
UNANSWERED, LEAVE, STAY_AWAY = 0.01, 0.0103, 2 / 3  # 3 % are missing, for three nights each
ORGANIZATIONS = ("0042", "1001", "1002", "学校", "=5")
GATEWAY = GatewayId("other", "1900000001")
STEPS = {
    "ON": ((("close",), 0.010), (("close", "open"), 0.005), (("clear",), 0.003)),
    "OFF": ((("open",), 0.020), (("open", "close"), 0.010), (("clear",), 0.005)),
    "NONE": ((("open",), 0.020), (("open", "close"), 0.005), (("open", "clear"), 0.005)),
}
"""What may happen to a pair between two nights, and how often."""


@dataclass
class Life:
    """One pair's own story: every moment at which it opened, closed or was cleared."""

    state: str
    opened: datetime | None
    events: list[tuple[datetime, str]] = field(default_factory=list)

    def state_on(self, at):
        """Return the state at a moment, and the time that an answer then shows."""
        state, opened = self.state, self.opened
        for when, kind in self.events:
            if when > at:
                break
            state, opened = {
                "open": ("ON", when),
                "close": ("OFF", opened),
                "clear": ("NONE", None),
            }[kind]
        return state, opened

    def opened_between(self, since, until):
        return any(kind == "open" and since < when <= until for when, kind in self.events)


def moment(night):
    """Return when a night asks."""
    return datetime.combine(FIRST + timedelta(days=night), time(2), UTC)


def write_history(chance):
    """Return everybody's story, under organization and openid."""
    lives = {}
    for number in range(PEOPLE):
        state = chance.choices(["ON", "OFF", "NONE"], [60, 15, 25])[0]
        opened = moment(-chance.randint(2, 400)) if state != "NONE" else None
        life = Life(state, opened)
        for night in range(1, NIGHTS):
            now = life.state_on(moment(night))[0]
            kinds, weights = zip(*STEPS[now], strict=True)
            steps = chance.choices([(), *kinds], [1 - sum(weights), *weights])[0]
            seconds = sorted(chance.sample(range(3_600, 82_800), len(steps)))
            since = moment(night - 1)
            life.events += [
                (since + timedelta(seconds=at), kind)
                for at, kind in zip(seconds, steps, strict=True)
            ]
        lives[ORGANIZATIONS[number % len(ORGANIZATIONS)], f"o{number:027}"] = life
    return lives


NAMED = {
    ("NONE", "ON"): "OPENED",
    ("OFF", "ON"): "REOPENED",
    ("ON", "OFF"): "CLOSED",
    ("NONE", "OFF"): "CYCLED",
    ("ON", "NONE"): "CLEARED",
    ("OFF", "NONE"): "CLEARED",
}
AGAIN = {"ON": "REAUTHORIZED", "OFF": "CYCLED"}
"""Opened since the last look, and yet in the same state; with NONE no time is left to tell it."""


class Witness:
    """Watches the same nights by the history alone, and says what each report has to tell."""

    def __init__(self, lives):
        self.lives = lives
        self.looked = {}
        self.here = set()

    def tell(self, night, listed, unanswered):
        """Return each pair's class and state before, of all pairs that a report has to have."""
        told = {}
        for key, life in self.lives.items():
            last = self.looked.get(key)
            before = None if last is None else life.state_on(last)[0]
            if key not in listed:
                if key in self.here:
                    told[key] = "DROPPED", before
                elif last is not None:
                    told[key] = "ABSENT", before
            elif key in unanswered:
                told[key] = "UNKNOWN", before
            elif last is None:
                told[key] = "FIRST_SEEN", None
            else:
                told[key] = self.change(life, last, moment(night)), before
        self.looked |= dict.fromkeys(listed - unanswered, moment(night))
        self.here = listed
        return told

    @staticmethod
    def change(life, last, now):
        was, becomes = life.state_on(last)[0], life.state_on(now)[0]
        if was != becomes:
            return NAMED[was, becomes]
        return AGAIN.get(was, "UNCHANGED") if life.opened_between(last, now) else "UNCHANGED"

    def closing(self):
        """Return how many pairs of the last input are known to be in each state."""
        known = (self.looked.get(key) for key in self.here)
        states = zip(self.here, known, strict=True)
        return Counter(
            self.lives[key].state_on(last)[0] for key, last in states if last is not None
        )


def answers_of(pairs, lives, night, unanswered):
    """Return the frame of answers that a sweep of that night would have returned."""
    book, at = AnswerTable(len(pairs)), int(moment(night).timestamp() * 1000)
    keys = zip(pairs["organization_id"], pairs["openid"], strict=True)
    for place, key in enumerate(keys):
        if key in unanswered:
            book.fail(place, TimedOutError("too late"))
            continue
        state, opened = lives[key].state_on(moment(night))
        answer = PalmAuthorization(
            organization_id=key[0],
            openid=key[1],
            state=AuthorizationState[state],
            authorize_time=opened,
            echoed=True,
            request_id="r",
            verified_by="PUB_KEY_ID_1",
            attempts=1,
        )
        book.answer(place, answer, at)
    return book.frame(pairs.index)


def publish_night(folder, night, lives, listed, unanswered):
    """Do what a run does once it has its answers; the last night writes every format."""
    day = FIRST + timedelta(days=night)
    lines = "".join(f"{organization},{openid}\n" for organization, openid in listed)
    source = parse_pairs(f"organization_id,openid\n{lines}".encode(), name=f"{day}.csv")
    more = (str(folder / "last.xlsx"),) if night == NIGHTS - 1 else ()
    outputs = parse_outputs((f"{folder}/reports/", *more), None, day)
    found = find_baseline(
        outputs.primary, run_date=day, gateway=GATEWAY, named=None, folder=outputs.folder
    )
    before = found.report.run_date if found.report else None
    rows = classify(
        source.pairs,
        answers_of(source.pairs, lives, night, unanswered),
        found.report.rows if found.report else conform(pd.DataFrame(), ROWS),
        run_date=day,
        baseline_run_date=before,
    )
    summary = summarize(rows, baseline_run_date=before)
    report = compose(
        rows,
        summary,
        run=RunInfo.ended(
            Verdict(),
            id=f"night-{night:02}",
            date=day,
            timezone="Asia/Shanghai",
            started=moment(night),
            finished=moment(night),
        ),
        gateway=GATEWAY,
        source=source,
        baseline=found.report,
        baseline_file=found.path,
        asking=RequestInfo.of(RequestStats(), PACE, (), freshness(rows, moment(night))),
    )
    publish(report, outputs, baseline=found.report, replaced=found.replaced)


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    """Return the folder, and of each night what the witness told and its closing counts."""
    folder = tmp_path_factory.mktemp("nights")
    (folder / "reports").mkdir()
    chance = random.Random(20261121)
    lives = write_history(chance)
    witness, told, away = Witness(lives), [], set()
    for night in range(NIGHTS):
        away = {key for key in lives if chance.random() < (STAY_AWAY if key in away else LEAVE)}
        listed = [key for key in lives if key not in away]
        chance.shuffle(listed)
        unanswered = {key for key in listed if chance.random() < UNANSWERED}
        publish_night(folder, night, lives, listed, unanswered)
        told.append((witness.tell(night, set(listed), unanswered), witness.closing()))
    return folder, told


@pytest.fixture(scope="module")
def reports(nights):
    """Return all thirty, the first night's first."""
    found = dated_reports(nights[0] / "reports")
    return [read_parquet(path) for _, path in reversed(found)]


def test_every_change_that_a_look_can_see_is_found_and_none_is_invented(nights, reports):
    assert len(reports) == NIGHTS
    for report, (told, _) in zip(reports, nights[1], strict=True):
        rows = report.rows
        keys = zip(rows["organization_id"], rows["openid"], strict=True)
        previous = rows["previous_state"].astype(object).where(rows["previous_state"].notna(), None)
        said = zip(rows["change"], previous, strict=True)
        assert dict(zip(keys, said, strict=True)) == told, report.run_date


def test_the_controls_balance_on_every_night_and_chain_from_one_to_the_next(nights, reports):
    before = Counter()
    for report, (_, closing) in zip(reports, nights[1], strict=True):
        assert [control.name for control in report.controls if not control.holds] == []
        flows = report.summary.roll_forward
        assert {state: flow.opening for state, flow in flows.items()} == {
            state: before[state] for state in flows
        }
        assert {state: flow.closing for state, flow in flows.items()} == dict(closing)
        before = closing


def test_the_nights_hold_every_class_but_anomaly(nights):
    """So that the test above speaks of something."""
    seen = Counter(change for told, _ in nights[1] for change, _ in told.values())
    assert set(Change) - seen.keys() == {Change.ANOMALY}
    assert min(seen.values()) > 100


def test_who_was_away_for_nights_returns_with_what_happened_meanwhile(nights):
    """And is no first-seen: their last state is remembered while they are ABSENT."""
    absent, back = set(), Counter()
    for told, _ in nights[1]:
        back.update(told[key][0] for key in absent & told.keys() if told[key][0] != "ABSENT")
        absent = {key for key, (change, _) in told.items() if change == "ABSENT"}
    assert back["UNCHANGED"] > 500
    assert "FIRST_SEEN" not in back
    assert min(back[change] for change in ("CLOSED", "OPENED", "REOPENED", "REAUTHORIZED")) > 1


def test_the_history_of_the_last_report_has_all_nights(nights, reports):
    history = reports[-1].about["history"]
    assert [run["run_id"] for run in history] == [report.run_id for report in reports]
    for run, (told, _) in zip(history, nights[1], strict=True):
        changes = Counter(change for change, _ in told.values())
        cleared = sum(one == ("CLEARED", "ON") for one in told.values())
        assert run["gain"] == changes["OPENED"] + changes["REOPENED"]
        assert run["loss"] == changes["CLOSED"] + cleared


# --- the same numbers, counted by others


@pytest.fixture(scope="module")
def base(nights):
    """Return DuckDB over the folder, as the page of the job has it."""
    with duckdb.connect() as base:
        path = nights[0] / "reports" / "*" / "report.parquet"
        base.execute(f"CREATE VIEW rows AS FROM read_parquet('{path}', hive_partitioning=true)")
        base.execute(f"CREATE VIEW about AS FROM parquet_kv_metadata('{path}')")
        yield base


def test_duckdb_counts_what_the_metadata_says(base, reports):
    """By date and state, by date and change, and by date, organization and both."""

    def counted(*columns):
        names = ", ".join(columns)
        query = f"SELECT run_date, {names}, count(*) FROM rows GROUP BY ALL"  # noqa: S608 - ours
        found = base.execute(query)
        counts = {}
        for day, *values, count in found.fetchall():
            counts[day, *values] = count
        return counts

    states, changes, by_state, by_change = {}, {}, {}, {}
    for report in reports:
        day, summary = report.run_date, report.summary
        states |= {(day, name): count for name, count in summary.states.items() if count}
        states[day, None] = summary.changes["DROPPED"] + summary.changes["ABSENT"]
        changes |= {(day, name): count for name, count in summary.changes.items() if count}
        for name, own in summary.by_organization.items():
            by_state |= {(day, name, state): n for state, n in own.states.items() if n}
            by_change |= {(day, name, change): n for change, n in own.changes.items()}
    assert counted("state") == {key: count for key, count in states.items() if count}
    assert counted("change") == changes
    assert counted("organization_id", "change") == by_change
    found = counted("organization_id", "state")
    assert {key: count for key, count in found.items() if key[-1] is not None} == by_state


def test_duckdb_reads_the_metadata_itself(base, reports):
    texts = base.execute(
        "SELECT decode(value) FROM about WHERE decode(key) = 'palm_reconcile' ORDER BY file_name"
    ).fetchall()
    assert [json.loads(text) for (text,) in texts] == [report.about for report in reports]


def test_openpyxl_finds_the_same_numbers_in_the_workbook(nights, reports):
    book = openpyxl.load_workbook(nights[0] / "last.xlsx", read_only=True)
    summary, lines = reports[-1].summary, list(book["Summary"].iter_rows(values_only=True))

    def block(heading):
        start = next(at for at, line in enumerate(lines) if line[0] == heading)
        found = {}
        for name, count, *_ in lines[start + 1 :]:
            if name is None:
                return found
            found[name] = count
        return found

    assert {name: count for name, count in block("state").items() if name in list(State)} == (
        summary.states
    )
    assert block("change") == {name: count for name, count in summary.changes.items() if count}
    assert block("unknown_reason") == summary.unknown_reasons
    head, *rows = book["Organizations"].iter_rows(values_only=True)
    own = {row[0]: dict(zip(head, row, strict=True)) for row in rows}
    assert own.keys() == summary.by_organization.keys()
    for name, counts in summary.by_organization.items():
        assert own[name]["pairs"] == counts.pairs
        assert {state: own[name][state] for state in State} == counts.states
        assert {change: own[name][change] for change in counts.changes if change != "UNKNOWN"} == {
            change: count for change, count in counts.changes.items() if change != "UNKNOWN"
        }
    matrix = list(book["Transitions"].iter_rows(values_only=True))
    words = {"never known": "never", "not in the input": "not_in_input"}
    names = [words.get(name, name) for name in matrix[0][1:-1]]
    for line in matrix[1:5]:
        was = words.get(line[0], line[0])
        assert dict(zip(names, line[1:-1], strict=True)) == summary.transitions[was]
    changed = list(book["Changes"].iter_rows(values_only=True, min_row=2))
    told = Counter(line[2] for line in changed)
    quiet = {"UNCHANGED", "ABSENT", "UNKNOWN"}
    assert told == {k: n for k, n in summary.changes.items() if n and k not in quiet}
