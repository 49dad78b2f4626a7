"""Parses the texts of options; an error names the option."""

from __future__ import annotations

from datetime import date, datetime, tzinfo
from typing import TYPE_CHECKING

from jobs.errors import UsageError
from jobs.parsed_options import ParsedOptions
from palm.text.printable import shown_value

if TYPE_CHECKING:
    from jobs.compare.fail_on import Rule
    from jobs.deadline import TimeLimit

__all__ = ["parse_fail_on", "parse_run_date", "parse_timezone", "patience_s", "time_limit"]


def parse_run_date(text: str | None, timezone: tzinfo) -> date:
    """Return the run date: that of ``--run-date``, or today in the time zone.

    Raises:
        UsageError: The text is not a date.
    """
    if text is None:
        return datetime.now(timezone).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--run-date: {shown_value(text)} is not a date such as 2026-11-21"
        ) from None


def parse_timezone(name: str) -> tzinfo:
    """Return the time zone of ``--timezone``.

    Raises:
        UsageError: There is no time zone of this name.
    """
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - not needed for --help

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(
            f"--timezone: no time zone is called {shown_value(name)}; e.g. Asia/Shanghai",
        ) from None


def parse_fail_on(text: str) -> Rule:
    """Return a rule of ``--fail-on``.

    Raises:
        UsageError: The text is not a rule.
    """
    from jobs.compare.fail_on import RuleError, parse_rule  # noqa: PLC0415 - not needed for --help

    try:
        return parse_rule(text)
    except RuleError as error:
        raise UsageError(f"--fail-on: {error}") from None


def time_limit(params: ParsedOptions, timezone: tzinfo) -> TimeLimit:
    """Return the time limit of ``--deadline`` or ``--max-duration``.

    Raises:
        UsageError: The text is neither a time nor a duration.
    """
    from jobs.deadline import TimeLimit, parse_deadline  # noqa: PLC0415 - not needed for --help

    if params["deadline"] is not None:
        return TimeLimit(parse_deadline(params["deadline"], datetime.now(timezone)))
    seconds = _duration_s(params["max_duration"], "--max-duration")
    return TimeLimit() if seconds is None else TimeLimit.of_duration(seconds)


def patience_s(params: ParsedOptions) -> float | None:
    """Return the seconds of ``--patience``, or None for the default.

    Raises:
        UsageError: The text is not a duration.
    """
    return _duration_s(params["patience"], "--patience")


def _duration_s(text: str | None, option: str) -> float | None:
    from jobs.deadline import parse_duration  # noqa: PLC0415 - not needed for --help

    return None if text is None else parse_duration(text, option)
