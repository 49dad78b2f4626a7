"""What a run against a real gateway imports: the client alone, never the sandbox's server."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.night import DAY

RUN = """
import json, sys
sys.argv = ["palm-reconcile", *sys.argv[1:]]
from jobs.commands.reconcile import main
try:
    main()
finally:
    print(json.dumps(sorted(sys.modules)))
"""
SERVER = ("palm.sandbox.gateway", "palm.sandbox.serving", "palm.sandbox.credentials", "aiohttp.web")


def modules_of(*arguments):
    """Return the modules that a whole run has imported."""
    words = [sys.executable, "-c", RUN, *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--plan",)], ids=["run", "plan"])
def test_a_run_against_a_gateway_imports_no_server(folder, source, config, more):
    run = (source, "-o", "report.parquet", "--run-date", DAY, "--config", config, "--rate", 1000)
    modules = modules_of(*run, *more)
    assert (folder / "report.parquet").exists() is not bool(more)
    assert "palm.client" in modules or more
    assert {name for name in modules if name.startswith(SERVER)} == set()


@pytest.mark.slow
def test_a_run_with_its_own_sandbox_imports_the_server(folder, source):
    modules = modules_of(source, "-o", "report.parquet", "--run-date", DAY, "--sandbox")
    assert set(SERVER) <= modules


STAGES = """
import json, sys
heavy = ["aiohttp", "anyio", "asyncio", "cryptography", "pandas", "pyarrow", "pydantic", "tenacity"]
found = lambda: sorted({name.partition(".")[0] for name in sys.modules} & set(heavy))
import palm
first = found()
from palm import PalmError, Pair, Merchant
second = found()
from palm import AsyncPalm, Palm, Retry
print(json.dumps([first, second, found()]))
"""


def test_each_name_of_the_client_imports_only_what_it_needs():
    """``import palm`` alone is quick; settings, and what reads them, come with from_env."""
    done = subprocess.run(
        [sys.executable, "-c", STAGES], capture_output=True, text=True, check=True
    )
    package, values, clients = json.loads(done.stdout)
    assert package == []
    assert values == ["cryptography"]
    assert clients == ["aiohttp", "anyio", "asyncio", "cryptography", "tenacity"]
