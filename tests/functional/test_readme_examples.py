"""The pages' examples of the client run as they stand, against ``palm sandbox``."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from datetime import date

import pytest

from palm.settings import Settings
from tests import readme
from tests.benchmarks.gateway import running_gateway
from tests.forkserver import COMMANDS

PLUGIN = "palm_sandbox"
FRAMEWORK = re.compile(r"^from (fastapi|django|celery)[. ]|wsgi\.input", re.MULTILINE)
"""Matches what tests/functional/test_readme_frameworks.py runs."""
CLIENT = [
    block
    for page in (readme.PALM, readme.SANDBOX)
    for block in re.findall(r"```python\n(.*?)```", readme.text_of(page), re.DOTALL)
    if "from palm import" in block and PLUGIN not in block and not FRAMEWORK.search(block)
]


@pytest.fixture(scope="module")
def keys():
    with running_gateway(day=date(2026, 11, 21), palm=COMMANDS / "palm") as folder:
        yield folder


def run(command, folder, **more):
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PALM_")}
    return subprocess.run(
        command,
        cwd=folder,
        env=variables | more,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def run_block(keys, monkeypatch, capsys):
    """Run an example in the folder of the gateway's settings; return what it prints."""
    for name in [name for name in os.environ if name.startswith("PALM_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(keys)
    # its exporter keeps the standard output that there was when it was imported
    monkeypatch.delitem(sys.modules, "opentelemetry.sdk.trace.export", raising=False)

    def run_block(block):
        code = compile(block.replace("keys/palm.toml", "palm.toml"), "<example>", "exec")
        exec(code, {"__name__": "__main__"})  # noqa: S102 - our own page
        out, err = capsys.readouterr()
        assert not err
        return out

    return run_block


@pytest.mark.parametrize("block", CLIENT, ids=range(len(CLIENT)))
def test_a_python_example_runs_against_the_sandbox(block, run_block):
    assert run_block(block).strip()


def test_the_spans_have_the_route_and_the_callers_span_and_never_the_person(run_block):
    [block] = [block for block in CLIENT if "opentelemetry" in block]
    shown = run_block(block)
    spans = shown.replace("}\n{", "},{")
    request, whole = json.loads(f"[{spans}]")
    assert request["name"] == "GET /v3/palmservice/authorization/openid/{openid}"
    assert request["attributes"]["http.response.status_code"] == 200
    assert (whole["name"], request["parent_id"]) == ("morning", whole["context"]["span_id"])
    assert "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" not in shown


@pytest.mark.slow
def test_the_example_of_the_fixture_passes(tmp_path):
    page = readme.text_of(readme.SANDBOX)
    [block] = [
        each for each in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if PLUGIN in each
    ]
    (tmp_path / "test_example.py").write_text(block)
    plugins = ["-p", "no:asyncio", "-p", "palm.testing.pytest_plugin"]
    words = ["-m", "pytest", "-q", "-W", "error", *plugins, "."]
    done = run([sys.executable, *words], tmp_path)
    assert (done.returncode, done.stdout.splitlines()[-1][:8]) == (0, "3 passed")


def test_there_are_examples_of_every_way():
    shown = "\n".join(CLIENT)
    for way in ("Palm.from_env", "AsyncPalm.from_env", "get_many"):
        assert way in shown
    for way in ("palm.v3.", "palm.chain(", 'palm["v3/'):
        assert re.search(rf"(?<!await ){re.escape(way)}", shown)
        assert f"await {way}" in shown


@pytest.mark.slow
def test_the_node_example_runs_against_the_sandbox(keys, node_modules):
    code = re.search(r"```js\n(.*?)```", readme.text_of(readme.SANDBOX), re.DOTALL)[1]
    code = code.replace("'keys/", f"'{keys}/")
    done = run(["node", "-e", code], keys, NODE_PATH=str(node_modules))
    assert done.returncode == 0, done.stderr
    assert "AUTHORIZATION_STATE_" in done.stdout


def test_the_toml_of_the_sandbox_is_what_the_readme_says_of_settings(keys):
    known = set(re.findall(r"\| `PALM_\w+` \| `(\w+)", readme.text_of(readme.README)))
    assert set(tomllib.loads((keys / "palm.toml").read_text())) <= known


def test_every_setting_is_named_with_its_variable_or_in_what_is_proved():
    pages = readme.text_of(readme.README) + readme.section(readme.JOBS, "## What is proved")
    for name in Settings.model_fields:
        assert re.search(rf"`(PALM_{name.upper()}|{name})", pages), name


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this machine")
def test_systemd_accepts_the_unit(tmp_path):
    page = readme.text_of(readme.JOBS)
    unit = re.search(r"```ini\n(.*?)# /etc/systemd/system/palm-reconcile.timer", page, re.DOTALL)[1]
    path = tmp_path / "palm-reconcile.service"
    path.write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", unit))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False
    )
    assert "Unknown" not in done.stderr
