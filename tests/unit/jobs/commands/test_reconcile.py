"""The command line by itself: what it offers, and what it refuses before anything is read."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from jobs.commands.exit_codes import EXIT_CODES, exit_code_of
from jobs.commands.reconcile import command
from jobs.errors import RunError
from tests.forkserver import COMMANDS


def invoke(*arguments, **environment):
    return CliRunner().invoke(command, arguments, env=environment, standalone_mode=False)


def refused(*arguments, **environment):
    """Return the error that a command line ends with."""
    error = invoke(*arguments, **environment).exception
    assert isinstance(error, click.UsageError | RunError), error
    return error


@pytest.fixture
def config(tmp_path):
    def config(text):
        path = tmp_path / "palm.toml"
        path.write_text(text)
        return str(path)

    return config


def test_the_help_names_every_exit_code():
    said = invoke("--help").output
    lines = said[said.index("Exit codes:") :].splitlines()[1:]
    listed = [code for line in lines for code in re.match(r"[0-9, ]*", line)[0].split()]
    assert [int(code.rstrip(",")) for code in listed] == [each.code for each in EXIT_CODES]


def test_every_option_is_explained():
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help or parameter.name == "version", parameter.name


@pytest.mark.usefixtures("quick_commands")
@pytest.mark.parametrize("given", ["--help", "--version", "--plan"])
def test_a_standard_output_that_is_full_ends_with_73_and_one_that_nobody_reads_with_0(
    tmp_path, given
):
    (tmp_path / "p.csv").write_text("openid,organization_id\no1,A\n")
    words = [COMMANDS / "palm-reconcile", "p.csv", "-o", "r.parquet", "--sandbox", given]
    read, write = os.pipe()
    os.close(read)
    full = os.open("/dev/full", os.O_WRONLY)
    for output, code, said in (
        (full, 73, "standard output cannot be written: No space"),
        (write, 0, ""),
    ):
        done = subprocess.run(
            words, cwd=tmp_path, stdout=output, stderr=subprocess.PIPE, check=False, text=True
        )
        os.close(output)
        assert (done.returncode, len(done.stderr.splitlines())) == (code, 1 if said else 0)
        assert said in done.stderr


def test_help_and_version_do_not_wait_for_pandas():
    """They answer at once: nothing heavy is imported for them."""
    code = (
        "import sys, jobs.commands.reconcile as r\n"
        "try:\n    r.command.main(['--help'], standalone_mode=False)\nfinally:\n"
        "    print(sorted({'pandas', 'pyarrow', 'rich', 'structlog', 'asyncio', 'logging'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_no_option_takes_a_secrets_value():
    for name in ("key", "secret", "password", "token", "apiv3"):
        assert not [p.name for p in command.params if name in (p.name or "")]


@pytest.mark.parametrize("missing", [[], ["p.csv"], ["-o", "r.parquet"]])
def test_input_and_output_are_needed(missing):
    assert isinstance(refused(*missing), click.UsageError)


@pytest.mark.parametrize(
    "option",
    [
        "--rate=0", "--rate=-1", "--rate=nan", "--rate=inf", "--rate=x", "--concurrency=0",
        "--max-unknown=1.1", "--max-unknown=-0.1", "--max-unknown=nan", "--forget-after=-1",
        "--progress=maybe", "--nonsense", "-o",
    ],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_refused(option):
    assert isinstance(refused("p.csv", "-o", "r.parquet", option), click.UsageError)


@pytest.mark.parametrize("text", ["yesterday", "21/11/2026", "2026-02-30", ""])
def test_a_run_date_that_is_none_is_refused(text):
    error = refused("p.csv", "-o", "r.parquet", "--sandbox", "--run-date", text)
    assert exit_code_of(error) == 2
    assert "not a date such as 2026-11-21" in str(error)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "/etc/localtime", "x\0y"])
def test_a_time_zone_that_is_none_is_refused(zone):
    error = refused("p.csv", "-o", "r.parquet", "--sandbox", "--timezone", zone)
    assert exit_code_of(error) == 2
    assert "no time zone is called" in str(error)


def test_a_config_that_is_not_there_is_refused():
    from palm.errors import SettingsError  # noqa: PLC0415 - here alone

    error = invoke("p.csv", "-o", "r.parquet", "--config", "none.toml").exception
    assert isinstance(error, SettingsError)
    assert "--config" in str(error)


def test_an_option_that_the_config_misspells_is_refused(config):
    error = refused("p.csv", "-o", "r", "--config", config("[reconcile]\nrat = 5\n"))
    assert exit_code_of(error) == 2
    assert "'rat'" in str(error)


@pytest.mark.parametrize("value", ["0", "'fast'", "nan"])
def test_a_value_in_the_config_is_checked_as_one_on_the_command_line(config, value):
    error = refused("p.csv", "-o", "r", "--config", config(f"[reconcile]\nrate = {value}\n"))
    assert "--rate" in error.format_message()


@pytest.mark.parametrize("line", ["rate = [1, 2]", "timezone = ['a']", "rate.x = 1"])
def test_several_values_in_the_config_where_one_is_meant_are_refused(config, line):
    error = refused("p.csv", "--config", config(f"[reconcile]\n{line}\n"))
    assert exit_code_of(error) == 2
    assert f"{line.split()[0].split('.')[0]} takes one value" in str(error)
