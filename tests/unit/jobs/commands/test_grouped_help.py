"""``palm-reconcile --help``: groups, and defaults that stand in one place."""

from __future__ import annotations

import re
from dataclasses import fields

import click
import pytest
from click.testing import CliRunner

from jobs.commands.options.groups import GROUPS
from jobs.commands.reconcile import command
from jobs.compare.options import CompareOptions
from jobs.input.content.size_limit import parse_size
from jobs.input.options import InputOptions
from jobs.observe.options import ObserveOptions
from jobs.render.language import RenderOptions
from jobs.run.options import RunOptions
from jobs.store.options import StoreOptions
from jobs.sweep.abort.thresholds import AbortThresholds
from jobs.sweep.options import PATIENCE_S, SweepOptions


@pytest.fixture(scope="module")
def sections():
    """Return the lines that begin an option, by the heading above them."""
    said = CliRunner().invoke(command, ["--help"]).output.partition("Exit codes:")[0]
    found, heading = {}, None
    for line in said.splitlines():
        if re.match(r"[A-Z][a-z ]+:$", line):
            heading = line.rstrip(":")
        elif heading and line.startswith("  -"):
            found.setdefault(heading, []).append(line)
    return found


def test_the_ten_that_people_need_stand_first(sections):
    first, *others = sections
    names = [re.findall(r"--[a-z-]+", line)[0] for line in sections[first]]
    assert names == [
        "--output", "--baseline", "--run-date", "--rate", "--deadline", "--retry-unanswered",
        "--keep", "--plan", "--sandbox", "--config",
    ]  # fmt: skip
    assert first == "Most needed"
    assert others == ["Input", "Asking", "Time", "Report", "Large inputs", "Telling"]


def test_every_option_stands_in_one_group(sections):
    shown = [name for lines in sections.values() for line in lines
             for name in re.findall(r"--[a-z-]+", line[:32])]  # fmt: skip
    options = [each for each in command.params if isinstance(each, click.Option)]
    assert sorted(shown) == sorted(["--help", *(each.opts[-1] for each in options)])


def test_descriptions_of_all_groups_begin_in_one_column(sections):
    lines = [
        line
        for each in sections.values()
        for line in each
        if len(line) > 34 and "--format" not in line
    ]
    assert {re.match(r"  -.*?  +(?=[A-Za-z(])", line).end() for line in lines} == {34}


@pytest.mark.parametrize(
    ("name", "options", "field"),
    [
        ("max_dropped", StoreOptions, "max_dropped"),
        ("lang", RenderOptions, "language"),
        ("timezone", RunOptions, "timezone"),
        ("progress", ObserveOptions, "progress"),
        ("log_format", ObserveOptions, "log_format"),
        ("max_unknown", CompareOptions, "max_unknown"),
        ("forget_after", CompareOptions, "forget_after_days"),
        ("quota_share", SweepOptions, "quota_share"),
        ("openid_column", InputOptions, "openid_column"),
        ("organization_column", InputOptions, "organization_column"),
    ],
)
def test_what_help_shows_is_the_default_of_the_stage(name, options, field):
    (option,) = [each for group in GROUPS for each in group.options if each.name == name]
    assert option.default == {each.name: each.default for each in fields(options)}[field]


def test_sizes_and_times_that_help_shows_are_those_of_the_stages():
    (size,) = [each for group in GROUPS for each in group.options if each.name == "max_input_size"]
    assert parse_size(size.default, "") == InputOptions(source="-").max_size
    assert AbortThresholds().patience_s == PATIENCE_S == 15 * 60
