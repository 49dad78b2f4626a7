"""Reports of many nights, read one after the other, and what they show together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

from jobs.errors import InputError, UsageError
from jobs.history.arrivals import ArrivalDates
from jobs.history.durations import OpenAuthorizations
from jobs.history.model import Gap, History, Night, Unreadable
from jobs.history.night_rows import COLUMNS, night_rows
from jobs.history.organizations import OrganizationTotals
from jobs.history.pair_numbers import PairNumbers
from jobs.history.turns import TurnCounts
from jobs.report.model import Report, ReportError
from jobs.report.parquet import read_parquet
from jobs.schema import Change, State

__all__ = ["read_history"]


def read_history(reports: Iterable[tuple[date, Path]]) -> History:
    """Return what the reports of many nights show together.

    A report that cannot be used is listed in the result, and its night is missing.

    Args:
        reports: The date and the file of each, in any order; no date twice.

    Raises:
        InputError: None of them can be used.
        UsageError: They are of different merchants or gateways.
    """
    nights: list[Night] = []
    unreadable: list[Unreadable] = []
    everybody = _Everybody()
    last: Report | None = None
    for report, path in _readable(sorted(reports), unreadable):
        if last is not None and report.gateway != last.gateway:
            raise UsageError(
                f"{path} is a report of {report.gateway}, and that of {last.run_date} is of "
                f"{last.gateway}: one history is of one merchant at one gateway. Move the others "
                "to a folder of their own, or choose nights with --since and --until"
            )
        try:
            everybody.observe(report, path)
        except ReportError as error:
            unreadable.append(Unreadable(report.run_date, str(error)))
            continue
        nights.append(_night(report, nights))
        last = report
    if last is None:
        reasons = "; ".join(each.reason for each in unreadable[:3])
        raise InputError(f"no report can be used: {reasons or 'there is none of these dates'}")
    return everybody.history(nights, unreadable, last)


class _Everybody:
    """All that is followed from night to night."""

    def __init__(self) -> None:
        self._numbers = PairNumbers()
        self._open = OpenAuthorizations()
        self._turns = TurnCounts()
        self._organizations = OrganizationTotals()
        self._arrivals: ArrivalDates | None = None

    def observe(self, report: Report, path: Path) -> None:
        """Take one more night.

        Raises:
            ReportError: Its rows are not to be used; nothing of them is kept but their names.
        """
        rows = night_rows(report, self._numbers, str(path))
        if self._arrivals is None:
            self._arrivals = ArrivalDates(report.run.finished)
        pairs = len(self._numbers)
        self._open.observe(rows, pairs)
        self._turns.observe(rows, pairs)
        self._arrivals.observe(rows, pairs)
        self._organizations.observe(rows, len(self._numbers.organizations))

    def history(
        self, nights: Sequence[Night], unreadable: Sequence[Unreadable], last: Report
    ) -> History:
        """Return what has been seen."""
        numbers, timezone = self._numbers, last.timezone
        never_back = self._turns.never_back()
        names = numbers.organizations
        return History(
            gateway=last.gateway,
            timezone=timezone,
            nights=tuple(nights),
            missing=tuple(_gaps([night.run_date for night in nights])),
            unreadable=tuple(sorted(unreadable, key=lambda each: each.run_date)),
            organizations=self._organizations.organizations(
                names, numbers.organizations_of()[: len(never_back)][never_back]
            ),
            turns=self._turns.turns(numbers),
            durations=self._open.durations(),
            arrivals=self._arrivals.arrivals(timezone, last.run_date),  # type: ignore[union-attr] # a night was seen
        )


def _readable(
    reports: Sequence[tuple[date, Path]], unreadable: list[Unreadable]
) -> Iterator[tuple[Report, Path]]:
    """Yield the reports that can be read and are whole; the others are noted."""
    for day, path in reports:
        try:
            report = read_parquet(path, COLUMNS)
            if (what := report.metadata.not_a_night) is not None:
                raise ReportError(f"{path} {what}")  # noqa: TRY301
            if report.run_date != day:
                raise ReportError(  # noqa: TRY301
                    f"{path} is a report of {report.run_date}, not of the date of its folder"
                )
        except ReportError as error:
            unreadable.append(Unreadable(day, str(error)))
            continue
        yield report, path


def _night(report: Report, before: Sequence[Night]) -> Night:
    summary, baseline, run = report.summary, report.metadata.baseline, report.run
    return Night(
        run_date=run.date,
        run_id=run.id,
        pairs=summary.pairs,
        on=summary.known[State.ON],
        off=summary.known[State.OFF],
        none=summary.known[State.NONE],
        answered_on=summary.states[State.ON],
        unknown=summary.states[State.UNKNOWN],
        gained=summary.gain,
        lost=summary.loss,
        hidden=summary.hidden,
        first_seen=summary.changes[Change.FIRST_SEEN],
        dropped=summary.changes[Change.DROPPED],
        exit_code=run.exit_code or 0,
        compared_with=baseline.run_date if baseline else None,
        follows=not before or (baseline is not None and baseline.run_id == before[-1].run_id),
    )


def _gaps(dates: Sequence[date]) -> Iterator[Gap]:
    for before, after in pairwise(dates):
        if (after - before).days > 1:
            yield Gap(before + timedelta(days=1), after - timedelta(days=1))
