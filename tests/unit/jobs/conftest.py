"""Small inputs, answers and reports, made in the way in which the job makes them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

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
from jobs.report.parquet import write_parquet
from jobs.report.request_info import RequestInfo
from jobs.schema import PAIRS, ROWS, conform
from jobs.sweep.answers import AnswerTable
from jobs.sweep.stats import RequestStats
from palm import AuthorizationState, PalmAuthorization, PalmError, TimedOutError
from tests.night import PACE

OPENED = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)


def _pairs_of(*keys):
    organizations, openids = (
        zip(*(key.split("/") for key in keys), strict=True) if keys else ((), ())
    )
    frame = pd.DataFrame({"organization_id": organizations, "openid": openids})
    frame["input_line"] = range(2, len(frame) + 2)
    frame["input_duplicates"] = 0
    return conform(frame, PAIRS)


def _answer_of(openid, organization_id, state="ON", **fields):
    given = {
        "authorize_time": OPENED,
        "echoed": True,
        "request_id": f"request-{openid}",
        "verified_by": "PUB_KEY_ID_1",
        "attempts": 1,
    }
    return PalmAuthorization(
        openid=openid,
        organization_id=organization_id,
        state=AuthorizationState[state],
        **(given | fields),
    )


def _report_of(
    heard,
    run_date,
    *,
    baseline=None,
    baseline_file=None,
    gateway=GatewayId("sandbox", "0000000000"),  # noqa: B008 - a value
    run_id=None,
    name="pairs.csv",
    extra_lines="",
):
    """Return the report of a night.

    Args:
        heard: ``organization/openid`` to a state, or to an error.
        run_date: Of the run; it was answered at 02:00 UTC of that date.
        extra_lines: Further lines of the input, e.g. invalid ones.
    """
    lines = "".join(f"{openid},{org},k-{openid}\n" for org, openid in (k.split("/") for k in heard))
    source = parse_pairs(f"openid,organization_id,class\n{lines}{extra_lines}".encode(), name=name)
    at = datetime.combine(run_date, time(2), UTC)
    book, stats = AnswerTable(len(source.pairs)), RequestStats(pairs=len(source.pairs))
    for place, (key, told) in enumerate(heard.items()):
        organization, openid = key.split("/")
        error = TimedOutError("too late") if told == "UNKNOWN" else told
        if isinstance(error, PalmError):
            error.attempts = 5
            book.fail(place, error)
        else:
            book.answer(place, _answer_of(openid, organization, told), int(at.timestamp() * 1000))
    rows = classify(
        source.pairs,
        book.frame(source.pairs.index),
        conform(pd.DataFrame(), ROWS) if baseline is None else baseline.rows,
        run_date=run_date,
        baseline_run_date=baseline.run_date if baseline else None,
    )
    return compose(
        rows,
        summarize(rows, baseline_run_date=baseline.run_date if baseline else None),
        run=RunInfo.ended(
            Verdict(),
            id=run_id or f"{run_date:%Y%m%d}T020000Z-{len(heard):08x}",
            date=run_date,
            timezone="Asia/Shanghai",
            started=at,
            finished=at + timedelta(minutes=1),
        ),
        gateway=gateway,
        source=source,
        baseline=baseline,
        baseline_file=baseline_file,
        asking=RequestInfo.of(stats, PACE, (), freshness(rows, at + timedelta(minutes=1))),
    )


@pytest.fixture(scope="session")
def pairs_of():
    """Return pairs, columns ``PAIRS``, from ``organization/openid`` texts."""
    return _pairs_of


@pytest.fixture(scope="session")
def answer_of():
    """Return a good answer about a pair."""
    return _answer_of


@pytest.fixture(scope="session")
def report_of():
    """Return the report of a night from what was heard about each pair."""
    return _report_of


@pytest.fixture(scope="session")
def nights():
    """Return three run dates in a row."""
    return date(2025, 3, 3), date(2025, 3, 4), date(2025, 3, 5)


@pytest.fixture
def after(report_of, nights, tmp_path):
    """Return the second night's report, from what was answered on both nights."""

    def after(before, now, **options):
        path = tmp_path / "before.parquet"
        first = report_of(before, nights[0])
        write_parquet(first, path)
        return report_of(now, nights[1], baseline=first, baseline_file=path, **options)

    return after
