"""The table [reconcile] of the file of settings."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from jobs.commands.options.config_defaults import config_path, read_defaults
from jobs.errors import UsageError


@pytest.fixture
def context() -> click.Context:
    """A command with an option of one value, and one that may be repeated."""
    options = [click.Option(["--rate"], type=float), click.Option(["--by"], multiple=True)]
    return click.Context(click.Command("job", params=list(options)))


def settings(folder: Path, text: str) -> Path:
    path = folder / "nightly.toml"
    path.write_text(text)
    return path


def test_the_table_becomes_the_defaults_and_the_rest_comes_back(context, tmp_path):
    path = settings(tmp_path, 'mchid = "19"\n[reconcile]\nrate = 5\nby = "class"\n')
    assert read_defaults(context, path) == {"mchid": "19"}
    assert context.default_map == {"rate": 5, "by": ["class"]}
    assert config_path(context) == path


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("raet = 5", "unknown option 'raet'; did you mean 'rate'?"),
        ("rate = [5, 6]", "rate takes one value"),
    ],
)
def test_a_mistake_is_told_with_the_file_that_was_named(context, tmp_path, line, wrong):
    path = settings(tmp_path, f"[reconcile]\n{line}\n")
    with pytest.raises(UsageError) as caught:
        read_defaults(context, path)
    assert str(caught.value) == f"{path}: [reconcile]: {wrong}"
