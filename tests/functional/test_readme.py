"""What the README shows is what the program does."""

from __future__ import annotations

import re
import subprocess
import sys

import duckdb
import pandas as pd
import pyarrow.compute as pc
import pytest

from tests import readme


@pytest.mark.parametrize("name", [name for name in readme.written() if name.startswith("help")])
def test_help_stands_in_the_readme(name):
    assert readme.block(name) == readme.written()[name]


def test_the_first_command_prints_what_the_readme_shows():
    """Tables are the same to the letter; only times, ids and speeds are those of the day."""
    shown, printed = readme.written()["transcript"], readme.block("transcript")
    tables, printed_tables = (text.split("Asked ")[0] for text in (shown, printed))
    assert printed_tables == tables
    assert re.search(r"Controls: (\d+) of \1 hold", printed)


def test_the_pandas_example_runs_on_the_report(tmp_path):
    output = tmp_path / "report.parquet"
    subprocess.run(readme.run_line(output), cwd=readme.ROOT, capture_output=True, check=True)
    text = readme.README.read_text(encoding="utf-8")
    code = re.search(r"In pandas:\n\n```python\n(.*?)```", text, re.DOTALL)[1]
    names = {}
    exec(code.replace("report.parquet", str(output)), names)  # noqa: S102 - our own README
    assert names["report"]["state"].value_counts()["ON"] > 0
    assert isinstance(names["report"], pd.DataFrame)


def test_the_duckdb_example_runs_on_the_report(tmp_path):
    output = tmp_path / "report.parquet"
    subprocess.run(readme.run_line(output), cwd=readme.ROOT, capture_output=True, check=True)
    text = readme.README.read_text(encoding="utf-8")
    queries = re.search(r"```sql\n(.*?)```", text, re.DOTALL)[1].replace(
        "report.parquet", str(output)
    )
    by_state, reopened = (
        duckdb.sql(query).to_arrow_table() for query in queries.strip().splitlines()
    )
    assert pc.sum(by_state.columns[-1]).as_py() == pd.read_parquet(output)["state"].count()
    assert len(reopened)


def test_both_commands_set_up_an_environment_first():
    for command in readme.commands():
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install -q ")


def test_the_commands_run_on_this_python():
    """The README promises 3.11; the package asks for no more."""
    assert sys.version_info >= (3, 11)
    assert 'requires-python = ">=3.11"' in (readme.ROOT / "pyproject.toml").read_text()
