"""Single options of a command line that cannot be parsed as a whole."""

from __future__ import annotations

import pytest

from jobs.observe.usage_errors import unparsed_option

OPTION = "--log-format"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PALM_LOG_FORMAT", raising=False)


@pytest.mark.parametrize(
    "typed",
    [
        ["--rate", "x", OPTION, "json"],
        [f"{OPTION}=json", "--no-such-option"],
        [OPTION, "text", OPTION, "json"],
    ],
)
def test_the_last_one_typed_counts(typed):
    assert unparsed_option(typed, OPTION) == "json"


def test_an_option_without_its_value_is_not_there():
    assert unparsed_option(["a.csv", OPTION], OPTION) is None


def test_the_environment_comes_second_and_the_file_last(tmp_path, monkeypatch):
    assert unparsed_option([], OPTION) is None
    (tmp_path / "palm.toml").write_text('[reconcile]\nlog-format = "json"\n')
    assert unparsed_option([], OPTION) == "json"
    monkeypatch.setenv("PALM_LOG_FORMAT", "auto")
    assert unparsed_option([], OPTION) == "auto"
    assert unparsed_option([OPTION, "text"], OPTION) == "text"


def test_a_file_that_is_named_is_read_and_a_bad_one_is_passed_over(tmp_path):
    (tmp_path / "other.toml").write_text('[reconcile]\nlog_format = "json"\n')
    assert unparsed_option(["--config", "other.toml"], OPTION) == "json"
    for bad in ("log_format = [", "[reconcile]\nlog_format = 7\n", "unknown = 1\n"):
        (tmp_path / "other.toml").write_text(bad)
        assert unparsed_option(["--config=other.toml"], OPTION) is None
