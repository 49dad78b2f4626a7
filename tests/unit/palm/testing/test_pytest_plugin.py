"""The plugin: found where the package is installed, and of no weight where nobody uses it."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import palm.testing

PYPROJECT = Path(__file__).parents[4] / "pyproject.toml"
LOADED = """
import json, sys
import palm.testing.pytest_plugin
print(json.dumps(sorted(sys.modules)))
"""


def test_the_entry_point_names_the_plugin():
    """Its name is the module's, so that ``-p`` and the entry point do not load it twice."""
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    [(name, module)] = project["entry-points"]["pytest11"].items()
    assert name == module
    plugin = importlib.import_module(module)
    assert {"palm_sandbox", "palm_sandbox_keys"} <= set(vars(plugin))


def test_to_load_the_plugin_imports_no_server():
    words = [sys.executable, "-W", "error", "-c", LOADED]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    modules = set(json.loads(done.stdout))
    assert "pytest" in modules
    heavy = ("palm.sandbox", "palm.testing.palm_sandbox", "palm.client", "aiohttp", "cryptography")
    assert {name for name in modules if name.startswith(heavy)} == set()


def test_the_names_of_the_package_are_those_of_its_module():
    from palm.testing import palm_sandbox  # noqa: PLC0415 - what is compared

    assert palm.testing.PalmSandbox is palm_sandbox.PalmSandbox
    assert palm.testing.serving is palm_sandbox.serving
    with pytest.raises(AttributeError, match="no attribute 'Sandbox'"):
        palm.testing.Sandbox  # noqa: B018 - it raises


def test_each_test_has_a_gateway_of_its_own_with_the_sessions_keys(palm_sandbox, palm_sandbox_keys):
    assert palm_sandbox.gateway.keys is palm_sandbox_keys
    assert palm_sandbox.gateway.stats.requests == 0
