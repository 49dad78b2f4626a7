"""Imports point one way: pure in the middle, the world at the edge."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PURE = [
    "palm/crypto/signature_headers.py",
    "palm/crypto/signing.py",
    "palm/http/template.py",
    "palm/models.py",
    "palm/http/answer.py",
    "palm/crypto/replay.py",
    "palm/text/redact.py",
    "palm/text/scrub.py",
    "palm/text/printable.py",
    "palm/crypto/keys.py",
    "palm/errors/remedies.py",
    "jobs/cluster/dask_settings.py",
    "jobs/cluster/quota/ledger.py",
    "jobs/cluster/quota/messages.py",
    "jobs/cluster/quota/rules.py",
    "jobs/compare/changes.py",
    "jobs/compare/summary.py",
    "jobs/compare/controls/check.py",
    "jobs/compare/controls/row_kinds.py",
    "jobs/json_dataclass.py",
    "jobs/plurals.py",
    "jobs/schema/column_types.py",
    "jobs/schema/columns.py",
    "jobs/schema/frames.py",
    "jobs/schema/values.py",
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


ENGINE = "jobs/cluster/dask_engine.py"
PLUGIN = {"palm/testing/pytest_plugin.py"}
"""What pytest loads by itself where the package is installed."""
ORDER = {
    "palm": [
        "clock", "forks", "text", "errors", "strict_json", "files", "crypto", "resilience", "http",
        "options", "settings", "chain", "models", "pairs", "palmservice", "notifications", "client",
        "sync", "doctor", "sandbox", "testing", "commands",
    ],
    "jobs": [
        "errors", "loggers", "schema", "json_dataclass", "parsed_options", "person", "plurals",
        "freed_memory", "partitions", "deadline", "compare", "input", "sweep", "report", "extract",
        "history", "render", "store", "evidence", "show", "journal", "observe", "cluster", "run",
        "commands",
    ],
}  # fmt: skip
"""Modules and packages of the top, each of which may import only what stands before it."""


@pytest.mark.parametrize("package", ORDER)
def test_each_stage_knows_only_what_stands_before_it(package):
    order, wrong = ORDER[package], []
    for path in sources(package):
        parts = path.relative_to(ROOT / package).with_suffix("").parts
        if parts[0] == "__init__":
            continue
        stages = {
            name.split(".")[1]
            for name in imported(path)
            if name.startswith(f"{package}.") and name.split(".")[1] in order
        }
        assert parts[0] in order, f"{path}: name its stage in ORDER"
        later = {each for each in stages if order.index(each) > order.index(parts[0])}
        wrong += [f"{'/'.join(parts)} imports {each}" for each in sorted(later)]
    assert wrong == []


@pytest.mark.parametrize("package", ["palm", "jobs"])
def test_a_package_says_what_it_is_and_is_not_a_drawer(package):
    for folder in {path.parent for path in sources(package)}:
        init = folder / "__init__.py"
        assert ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))), folder
        assert len(list(folder.glob("*.py"))) <= (12 if folder != ROOT / package else 10), folder


def test_palm_never_imports_jobs():
    assert importers("jobs", sources("palm")) == set()


def test_the_client_never_imports_the_sandbox_but_to_run_it():
    allowed = {"palm/commands/main.py", "palm/testing/palm_sandbox.py", *PLUGIN}
    assert importers("palm.sandbox", sources("palm", besides="palm/sandbox/")) <= allowed


@pytest.mark.slow
def test_only_pytest_itself_leads_to_the_plugin():
    assert importers("pytest", sources("palm") + sources("jobs")) == PLUGIN
    paths = [*sources("jobs"), *sources("palm", besides="palm/testing/")]
    assert importers("palm.testing", paths) == set()


def test_only_the_option_sandbox_leads_to_the_sandboxs_server():
    """Its identity may be known elsewhere; that module imports nothing of the server."""
    paths = [*sources("jobs"), *sources("palm", besides="palm/sandbox/")]
    server = {
        path.relative_to(ROOT).as_posix()
        for path in paths
        if {name for name in imported(path) if name.startswith("palm.sandbox.")}
        - {"palm.sandbox.identity", "palm.sandbox.identity.SANDBOX_MCHID"}
    }
    testing = {"palm/testing/palm_sandbox.py", *PLUGIN}
    assert server == {"jobs/run/sandbox_endpoint.py", "palm/commands/main.py", *testing}
    assert importers("jobs.run.sandbox_endpoint", paths) == {"jobs/commands/options/run_options.py"}
    identity = imported(ROOT / "palm/sandbox/identity.py")
    assert not {name for name in identity if name.startswith(("palm", "aiohttp"))}


def test_only_the_transport_its_connections_and_failures_know_the_http_client():
    assert importers("aiohttp", sources("palm", besides="palm/sandbox/")) == {
        "palm/http/connections.py",
        "palm/http/failures.py",
        "palm/http/transport.py",
    }
    assert importers("aiohttp", sources("jobs")) == set()


def test_only_one_file_knows_tenacity():
    assert importers("tenacity", sources("palm") + sources("jobs")) == {"palm/resilience/retry.py"}


@pytest.mark.slow
def test_only_one_file_knows_dask_and_only_those_that_ask_by_workers_know_it():
    assert importers("distributed", sources("palm") + sources("jobs")) == {ENGINE}
    assert importers("dask", sources("palm") + sources("jobs")) == {ENGINE}
    assert importers("jobs.cluster.dask_engine", sources("palm") + sources("jobs")) == {
        "jobs/commands/check_cluster.py",
        "jobs/run/asking/by_workers.py",
    }


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


LONGEST_FILE, LONGEST_FUNCTION = 300, 60
BEHAVIOURS = {
    "jobs/input/test_waiting.py",
    "jobs/observe/log/test_injection.py",
    "jobs/report/test_damaged_reports.py",
    "jobs/sweep/test_throttled.py",
    "palm/test_renamed.py",
}
"""Tests of what several modules of a package do together."""


@pytest.mark.parametrize("package", ["palm", "jobs"])
def test_a_file_and_a_function_are_short_enough_to_be_read_at_once(package):
    too_long = []
    for path in sources(package):
        text, name = path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()
        if (lines := len(text.splitlines())) > LONGEST_FILE:
            too_long.append(f"{name}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    too_long.append(f"{name}: {node.name} has {lines} lines")
    assert too_long == []


def test_the_unit_tests_mirror_the_tree():
    """A test file has the name and the folder of the module or package that it tests."""
    unit = ROOT / "tests/unit"
    names = {
        path.relative_to(unit).as_posix()
        for package in ("palm", "jobs")
        for path in (unit / package).rglob("test_*.py")
    }
    without_module = {
        name
        for name in names
        if not (module := ROOT / name.replace("test_", "", 1)).is_file()
        and not module.with_suffix("").is_dir()
    }
    assert without_module == BEHAVIOURS


def test_one_file_knows_the_modes_of_files_on_disk():
    """Names, patterns and modes of files beside a report stand in jobs/store/locations.py."""
    mode = re.compile(r"\b0o[0-7]{3}\b|\.suffix == |\.with_name\(f?\"\.")
    found = {
        path.relative_to(ROOT).as_posix()
        for path in sources("jobs")
        if mode.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"jobs/store/locations.py"}
