"""The command that goes on where a run stopped: whole, and without a secret."""

from __future__ import annotations

import shlex
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import pytest

from jobs.commands.options.typed_options import typed_options
from jobs.commands.reconcile import command
from jobs.deadline import TimeLimit, parse_deadline
from jobs.run.resumption import remedy as remedies
from jobs.store.outputs import parse_outputs
from palm import Clock
from tests.night import DAY, options

SHANGHAI = ZoneInfo("Asia/Shanghai")
NIGHT = datetime(2026, 11, 26, 1, 30, tzinfo=SHANGHAI)
HIDDEN = "0c1a8e5b-secret"


def run(*typed, deadline=None, now=NIGHT, **given):
    """Return the options of a run that was typed so; ``deadline`` is also a file's."""
    if deadline is not None:
        given["time"] = TimeLimit(parse_deadline(deadline, NIGHT))
    return options(
        "people.csv", Path("r.parquet"), DAY, typed=tuple(typed_options(typed)),
        clock=Clock(wall=now.timestamp), **given,
    )  # fmt: skip


def remedy(chosen, *args, **given):
    return remedies.remedy(chosen.command, chosen.run, *args, **given)


def test_it_is_what_was_typed_for_the_date_of_the_run():
    typed = ("people.csv", "-o", "reports/", "--keep", "400", "-v")
    assert remedy(run(*typed), retry_unanswered=True) == (
        "Run: palm-reconcile people.csv -o reports/ --keep 400 -v --run-date 2025-03-03 "
        "--retry-unanswered"
    )


def test_what_held_for_that_run_only_is_left_out():
    typed = (
        "--fresh", "people.csv", "--run-date", "2020-01-01", "-o", "r.parquet", "--plan",
        "--run-date=2020-01-02", "--openid-column", "--fresh",
    )  # fmt: skip
    assert remedy(run(*typed), "to go on") == (
        "to go on: palm-reconcile people.csv -o r.parquet --openid-column --fresh "
        "--run-date 2025-03-03"
    )


def test_a_correcting_run_that_was_interrupted_goes_on_as_one():
    said = remedy(run("people.csv", "--retry-unanswered", "-o", "r/", retry_unanswered=True))
    assert said.endswith("people.csv -o r/ --run-date 2025-03-03 --retry-unanswered")


@pytest.mark.parametrize("typed", [("--deadline", "06:00"), ("--deadline=06:00",)])
@pytest.mark.parametrize(("hour", "shown"), [(3, True), (9, False)])
def test_a_deadline_is_left_out_once_it_has_passed(typed, hour, shown):
    now = NIGHT.replace(hour=hour)
    words = shlex.split(remedy(run("p.csv", "-o", "r/", *typed, deadline="06:00", now=now)))
    assert (words[-2 - len(typed) : -2] == list(typed)) is shown
    assert any("06:00" in word for word in words) is shown


def test_a_passed_deadline_of_a_file_is_replaced_by_the_next_such_time():
    """Else the command would find it in palm.toml again, and ask nobody."""
    said = remedy(run("p.csv", "-o", "r/", deadline="06:00", now=NIGHT.replace(hour=9)))
    assert "--deadline 2026-11-27T06:00 --run-date" in said


def test_a_duration_is_kept_but_where_it_is_no_time_at_all():
    said = remedy(
        run("p.csv", "--max-duration", "7h", "-o", "r/", time=TimeLimit.of_duration(25_200))
    )
    assert "--max-duration 7h" in said
    assert "--max-duration" not in remedy(
        run("p.csv", "--max-duration", "0s", time=TimeLimit.of_duration(0))
    )


@pytest.mark.parametrize(
    "typed",
    [
        ("--ping-url", f"https://hc.example/{HIDDEN}"),
        (f"--ping-url=https://hc.example/{HIDDEN}",),
        ("--proxy", f"http://job:{HIDDEN}@proxy:3128"),
        (f"--proxy=http://job:{HIDDEN}@proxy:3128",),
        ("--base-url", f"https://job:{HIDDEN}@gateway.example"),
        ("--base-url", f"https://gateway.example/?key={HIDDEN}"),
    ],
)
def test_what_may_be_a_secret_is_not_shown_but_that_it_was_there_is(typed):
    said = remedy(run("people.csv", *typed, "-o", "reports/"))
    name = typed[0].partition("=")[0]
    assert said == (
        "Run: palm-reconcile people.csv -o reports/ --run-date 2025-03-03 "
        f"(and {name}, not shown here)"
    )


def test_no_option_shows_a_url_with_a_password():
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.is_flag:
            for name in parameter.opts:
                typed = (name, f"https://user:{HIDDEN}@host.example/")
                assert HIDDEN not in remedy(run("people.csv", *typed)), name
    assert HIDDEN not in remedy(run(f"https://user:{HIDDEN}@host.example/people.csv"))


def test_options_do_not_show_what_was_typed():
    assert HIDDEN not in repr(run("people.csv", "--ping-url", f"https://hc.example/{HIDDEN}"))


def test_what_needs_quotes_has_them():
    words = ("a b.csv", "-o", "it's/")
    assert shlex.split(remedy(run(*words)))[2:5] == ["a b.csv", "-o", "it's/"]


def test_a_run_from_python_is_shown_as_it_would_be_typed():
    outputs = parse_outputs(("r.parquet", "r.html"), None, DAY)
    assert remedy(run(outputs=outputs)) == (
        "Run: palm-reconcile people.csv -o r.parquet -o r.html --run-date 2025-03-03"
    )
