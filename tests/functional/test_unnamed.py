"""Answers that name nobody, answers that come twice, and refusals of all that is asked."""

from __future__ import annotations

import json
import subprocess

import pytest

from jobs.report.parquet import read_parquet
from palm.sandbox import Population
from tests.benchmarks.gateway import running_gateway
from tests.forkserver import COMMANDS
from tests.night import DAY, write_pairs


@pytest.fixture
def run(tmp_path):
    """Return a function that runs the command against a gateway with these options."""

    def run(*given, pairs=300, faults=None, change=lambda text: text):
        options = ["--faults", faults] if faults else []
        source = write_pairs(tmp_path / "pairs.csv", pairs)
        with running_gateway(*options, day=DAY, palm=COMMANDS / "palm") as keys:
            config = keys / "palm.toml"
            config.write_text(change(config.read_text()))
            return subprocess.run(
                [COMMANDS / "palm-reconcile", source, "-o", "report.parquet", "--config", config,
                 "--run-date", str(DAY), "--rate", "2000", "--concurrency", "64", *given],
                cwd=tmp_path, capture_output=True, text=True, check=False,
            )  # fmt: skip

    return run


def false_states(path):
    rows = read_parquet(path).rows
    rows = rows[rows["state"] != "UNKNOWN"]
    look = Population().state_on
    pairs = zip(rows["openid"], rows["organization_id"], rows["state"], strict=True)
    return [openid for openid, own, state in pairs if look(openid, own, DAY).state != state]


def test_a_gateway_that_names_nobody_is_stopped_at_the_canary_and_the_option_is_named(
    run, tmp_path
):
    done = run("-q", faults="unnamed=1")
    (line,) = done.stderr.splitlines()
    assert done.returncode == 4
    assert "answers do not name the person or the organization and are not accepted" in line
    assert "--accept-unnamed" in line
    assert not (tmp_path / "report.parquet").exists()


@pytest.mark.slow
def test_accepted_unnamed_answers_are_counted_on_every_surface(run, tmp_path):
    done = run(
        "--accept-unnamed", "--metrics", "palm.prom", "-o", "r.html", "-o", "r.json",
        faults="unnamed=1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    sentence = "300 accepted answers do not name the person or the organization"
    assert sentence in " ".join(done.stderr.split())
    assert false_states(tmp_path / "report.parquet") == []
    assert json.loads((tmp_path / "r.json").read_text())["asking"]["answers_without_echo"] == 300
    assert sentence in (tmp_path / "r.html").read_text()
    assert (
        'palm_reconcile_answers_without_echo{report="report"} 300.0'
        in (tmp_path / "palm.prom").read_text()
    )
    told = run("--accept-unnamed", "--log-format", "json", "--fresh", faults="unnamed=1").stderr
    events = [json.loads(line) for line in told.splitlines()]
    assert events[-1]["answers_without_echo"] == 300
    assert any(sentence in event["event"] for event in events)


def test_both_options_at_once_contradict_each_other(run):
    done = run("-q", "--accept-unnamed", "--require-echo")
    assert done.returncode == 2
    assert "contradict" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "setting"),
    [("--require-echo", "accept_unnamed"), ("--accept-unnamed", "require_echo")],
)
def test_an_option_and_palm_toml_that_contradict_each_other_are_refused(run, option, setting):
    """The option had won without a word."""
    done = run("-q", option, change=lambda text: f"{setting} = true\n{text}", pairs=30)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert "accept_unnamed and require_echo contradict each other" in line


@pytest.mark.parametrize(
    ("option", "variable"),
    [("--require-echo", "PALM_ACCEPT_UNNAMED"), ("--accept-unnamed", "PALM_REQUIRE_ECHO")],
)
def test_an_option_and_a_variable_that_contradict_each_other_are_refused(
    run, monkeypatch, option, variable
):
    monkeypatch.setenv(variable, "true")
    done = run("-q", option, pairs=30)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert "contradict each other" in line


@pytest.mark.slow
def test_a_variable_that_says_no_outdoes_palm_toml(run, monkeypatch):
    monkeypatch.setenv("PALM_ACCEPT_UNNAMED", "false")
    change = "accept_unnamed = true\n{}".format
    assert run("-q", "--require-echo", change=change, pairs=30).returncode == 0


@pytest.mark.slow
def test_the_option_that_is_the_default_now_is_still_accepted(run):
    assert run("-q", "--require-echo", pairs=30).returncode == 0


@pytest.mark.slow
def test_a_wrong_public_key_id_ends_with_77_after_fifty_refusals_and_leaves_no_journal(
    run, tmp_path
):
    """The whole quota was burnt on HTTP 400, and the exit code was 3."""

    def change(text):
        return "\n".join(
            'public_key_id = "PUB_KEY_ID_0000000000000000000000000000000009"'
            if line.startswith("public_key_id") else line for line in text.splitlines()
        )  # fmt: skip

    done = run("-q", change=change)
    assert done.returncode == 77
    (line,) = done.stderr.splitlines()
    assert "HTTP 400: PARAM_ERROR" in line
    assert "check public_key_id" in line
    assert list(tmp_path.glob(".report.*.journal")) == []
    assert run("-q").returncode == 0
