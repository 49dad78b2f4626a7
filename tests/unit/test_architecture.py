"""Imports point one way: pure in the middle, the world at the edge."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PURE = [
    "palm/signing.py",
    "palm/template.py",
    "palm/authorization.py",
    "palm/response.py",
    "palm/replay.py",
    "palm/scrub.py",
    "palm/printable.py",
    "palm/keys.py",
    "palm/diagnosis.py",
    "jobs/changes.py",
    "jobs/summary.py",
    "jobs/controls.py",
    "jobs/frames.py",
]
NETWORK = {"aiohttp", "asyncio", "http", "requests", "socket", "ssl", "urllib.request", "yarl"}
CLOCK = {"time"}
FILES = {"io", "os", "pathlib", "shutil", "tempfile"}
WORLD = NETWORK | CLOCK | FILES | {"random", "secrets", "subprocess", "uuid"}


def imported(path: Path) -> set[str]:
    """Return every module that a file imports, wherever in it, with the packages they are in."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {
        ".".join(name.split(".")[:depth])
        for name in names
        for depth in range(1, name.count(".") + 2)
    }


def sources(package: str, *, besides: str = "/nothing/") -> list[Path]:
    found = [path for path in (ROOT / package).rglob("*.py") if besides not in path.as_posix()]
    assert found
    return found


def importers(of: str, paths: list[Path]) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in paths if of in imported(path)}


def test_palm_never_imports_jobs():
    assert importers("jobs", sources("palm")) == set()


def test_the_client_never_imports_the_sandbox_but_to_run_it():
    allowed = {"palm/cli.py"}
    assert importers("palm.sandbox", sources("palm", besides="palm/sandbox/")) <= allowed


def test_only_the_transport_and_its_connections_know_the_http_client():
    assert importers("aiohttp", sources("palm", besides="palm/sandbox/")) == {
        "palm/connections.py",
        "palm/transport.py",
    }
    assert importers("aiohttp", sources("jobs")) == set()


def test_only_one_file_knows_tenacity():
    assert importers("tenacity", sources("palm") + sources("jobs")) == {"palm/retrying.py"}


@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_knows_neither_network_nor_clock_nor_files(module):
    assert imported(ROOT / module) & WORLD == set()


@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_asks_nobody_else_for_the_world(module):
    """Nor do the modules of ours that it imports, other than for what is pure in them."""
    reached, todo = set(), {module}
    while todo:
        name = todo.pop()
        reached.add(name)
        for wanted in imported(ROOT / name):
            path = f"{wanted.replace('.', '/')}.py"
            if wanted.startswith(("palm.", "jobs.")) and (ROOT / path).is_file():
                todo |= {path} - reached
    world = {name for name in reached if imported(ROOT / name) & (NETWORK | FILES)}
    assert world == set()


@pytest.mark.parametrize("package", ["palm", "jobs"])
def test_no_file_is_named_after_nothing(package):
    vague = {"utils", "util", "helpers", "helper", "manager", "common", "misc", "data", "process"}
    assert {path.stem for path in sources(package)} & vague == set()
