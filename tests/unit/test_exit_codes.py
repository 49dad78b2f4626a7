"""Exit codes: one table for each program, which errors, --help and the README agree with."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from jobs.commands import exit_codes as job
from jobs.commands.reconcile import command as reconcile
from jobs.commands.report import command as report
from jobs.compare import verdict
from jobs.errors import (
    AbortedError,
    BusyError,
    CredentialsError,
    InputError,
    OutputError,
    RunError,
    RunInterruptedError,
    RunTerminatedError,
    ShortageError,
    UnbalancedError,
    UnreachableError,
    UsageError,
)
from palm import APIError, NoStateError, PalmError, SettingsError, SignatureError, SignatureReason
from palm.commands import exit_codes as client
from palm.commands.main import command as palm
from palm.commands.runner import StandardOutputError, TerminatedError
from palm.errors import (
    ArgumentError,
    CertificateRefusedError,
    ForbiddenError,
    LocalResourceError,
    RefusedError,
    ThrottledError,
    UnauthorizedError,
)

ROOT = Path(__file__).parents[2]
TABLES = {"palm": client.EXIT_CODES, "palm-reconcile": job.EXIT_CODES}
OF_A_RUN = [
    (UsageError("x"), 2),
    (SettingsError("x"), 2),
    (click.UsageError("x"), 2),
    (AbortedError("x"), 4),
    (UnbalancedError("x"), 5),
    (InputError("x"), 65),
    (OutputError("x"), 73),
    (StandardOutputError("x"), 73),
    (BusyError("x"), 75),
    (UnreachableError("x"), 75),
    (ShortageError("x"), 75),
    (CredentialsError("x"), 77),
    (RunInterruptedError("x"), 130),
    (KeyboardInterrupt(), 130),
    (RunTerminatedError("x"), 143),
    (TerminatedError(), 143),
    (PalmError("x"), 1),
    (OSError("x"), 1),
    (ExceptionGroup("x", [UsageError("x")]), 1),
]
OF_PALM = [
    (click.UsageError("x"), 2),
    (SettingsError("x"), 2),
    (ArgumentError("x"), 2),
    (RefusedError(400), 3),
    (APIError(400), 3),
    (NoStateError("x"), 3),
    (StandardOutputError("x"), 73),
    (PermissionError("x"), 73),
    (ThrottledError(429), 75),
    (LocalResourceError("x"), 75),
    (SignatureError("x", SignatureReason.REPLAYED), 75),
    (SignatureError("x", SignatureReason.WRONG), 77),
    (UnauthorizedError(401), 77),
    (ForbiddenError(403), 77),
    (CertificateRefusedError("host", "expired", 10), 77),
    (KeyboardInterrupt(), 130),
    (TerminatedError(), 143),
    (ValueError("x"), 1),
]


@pytest.mark.parametrize(("error", "code"), OF_A_RUN, ids=lambda each: type(each).__name__)
def test_what_a_run_ends_with(error, code):
    assert job.exit_code_of(error) == code


@pytest.mark.parametrize(("error", "code"), OF_PALM, ids=lambda each: type(each).__name__)
def test_what_palm_ends_with(error, code):
    assert client.exit_code_of(error) == code


def test_every_way_to_end_has_its_code():
    todo, kinds = [RunError], set()
    while todo:
        kinds.add(kind := todo.pop())
        todo += kind.__subclasses__()
    assert [kind for kind in kinds - {RunError} if job.exit_code_of(kind("x")) == 1] == []


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_table_is_in_order_and_names_each_class_once(table):
    codes = [each.code for each in table]
    kinds = [kind for each in table for kind in each.errors]
    assert codes == sorted(set(codes))
    assert len(kinds) == len(set(kinds))


def test_what_a_verdict_records_is_in_the_table():
    codes = {each.code for each in job.EXIT_CODES}
    assert codes >= {
        verdict.DONE,
        verdict.INCOMPLETE,
        verdict.RULE_HOLDS,
        verdict.FORMAT_FAILED,
    }
    assert job.exit_code_of(OutputError("x")) == verdict.FORMAT_FAILED


@pytest.mark.parametrize("kind", [RunInterruptedError, RunTerminatedError])
def test_a_signal_ends_with_the_code_that_a_shell_gives_it(kind):
    """A second signal ends the process at once, by this rule and without the table."""
    assert job.exit_code_of(kind("x")) == 128 + kind.signal


def test_help_lists_the_table_and_joins_codes_that_mean_the_same():
    lines = client.epilog(job.EXIT_CODES).splitlines()
    assert lines[:3] == ["\b", "Exit codes:", "  0    done, within --max-unknown"]
    assert lines[-1].startswith("  130, 143  interrupted; ")


@pytest.mark.parametrize(
    ("file", "heading"), [("README.md", "## Exit codes"), ("README.zh-CN.md", "## 退出码")]
)
def test_the_readme_lists_the_codes_of_the_table(file, heading):
    text = (ROOT / file).read_text(encoding="utf-8")
    section = text[text.index(f"\n{heading}\n") :].split("\n## ")[1]
    rows = re.findall(r"^\| ([0-9, ]+) \|", section, re.MULTILINE)
    listed = [int(code) for row in rows for code in row.split(",")]
    assert listed == [each.code for each in job.EXIT_CODES]


@pytest.mark.parametrize(
    ("command", "table"),
    [
        (palm, client.EXIT_CODES),
        (palm.commands["get"], client.EXIT_CODES),
        (reconcile, job.EXIT_CODES),
        (report, job.REPORT_EXIT_CODES),
    ],
    ids=["palm", "palm get", "palm-reconcile", "palm-report"],
)
def test_help_ends_with_the_exit_codes(command, table):
    shown = CliRunner().invoke(command, ["--help"]).output
    assert [row.help for row in table if f"{row.code}" not in shown or row.help not in shown] == []
    assert shown.rstrip().endswith(table[-1].help)


def test_what_palm_report_ends_with_is_of_the_same_table():
    codes = {row.code: row.errors for row in job.EXIT_CODES}
    assert all(codes[row.code] == row.errors for row in job.REPORT_EXIT_CODES)
    assert {row.code for row in job.REPORT_EXIT_CODES} == {0, 1, 2, 3, 5, 65, 73, 77, 130, 143}
