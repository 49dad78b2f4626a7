"""The public names, as a user's type checker sees them."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jedi
import pytest

import palm

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tests" / "typing" / "program.py"


def checked(program: Path) -> subprocess.CompletedProcess[str]:
    """Run mypy as a user would, with nobody's settings."""
    cache = ROOT / ".mypy_cache" / "user"
    return subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict"),
            *("--config-file=", f"--cache-dir={cache}", str(program)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_a_program_that_uses_every_public_name_is_strictly_typed():
    done = checked(PROGRAM)
    assert (done.stdout, done.returncode) == ("Success: no issues found in 1 source file\n", 0)


MISUSED = """\
from palm import AsyncPalm, Palm, Pair, PalmAuthorization, Answer
def f(p: Palm, a: AsyncPalm) -> None:
    x: int = p.authorizations.get('o', '1')
    r: Answer = a.v3.foo.get()
    p.authorizations.get('o', 1)
    Pair('o')
    p.nothing
    Palm(merchnt=1)
async def g(a: AsyncPalm) -> None:
    a.v3.foo.get()
    Palm.from_env(5)
    Palm.from_env(rate='50')
    a.with_options(retry=3)
    AsyncPalm.from_env(tiemout=3)
    a.v3.foo.getAsync()
    Palm.from_env().v3.foo.getAsync({})
"""
WRONG_LINES = {3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16}


@pytest.mark.slow
def test_a_program_that_misuses_them_is_not(tmp_path):
    """Else the test above would prove nothing."""
    program = tmp_path / "program.py"
    program.write_text(MISUSED)
    wrong = {int(line.split(":")[1]) for line in checked(program).stdout.splitlines()[:-1]}
    assert wrong == WRONG_LINES


def pyright(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run the type checker of editors as a user would; return its report."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "basedpyright", "--outputjson", *arguments],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout)


@pytest.mark.slow
def test_pyright_agrees_about_both_programs(tmp_path):
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "standard"}')
    (tmp_path / "right.py").write_text(PROGRAM.read_text())
    (tmp_path / "wrong.py").write_text(MISUSED)
    errors = [
        (Path(each["file"]).name, each["range"]["start"]["line"] + 1)
        for each in pyright(tmp_path, "right.py", "wrong.py")["generalDiagnostics"]
        if each["severity"] == "error"
    ]
    assert {line for name, line in errors if name == "wrong.py"} == WRONG_LINES
    assert [line for name, line in errors if name == "right.py"] == []


@pytest.mark.slow
def test_every_type_is_known(tmp_path):
    report = pyright(tmp_path, "--verifytypes", "palm", "--ignoreexternal")["typeCompleteness"]
    assert report["packageName"] == "palm"
    unknown = [each["name"] for each in report["symbols"] if not each["isTypeKnown"]]
    assert unknown == []
    assert report["completenessScore"] == 1.0


PALMSERVICE = {"palmservice", "authorization", "openid", "_openid_", "preauthorize"}
VERBS = {"get", "post", "put", "patch", "delete", "chain"}
ASYNC_VERBS = {"getAsync", "postAsync", "putAsync", "patchAsync", "deleteAsync"}


def script(line: str) -> tuple[jedi.Script, int, int]:
    """Return what jedi knows at the end of a line, whose ``p`` and ``a`` are clients."""
    code = f"from palm import AsyncPalm, Palm\ndef f(p: Palm, a: AsyncPalm):\n    {line}"
    return jedi.Script(code), 3, 4 + len(line)


def completed(line: str) -> set[str]:
    made, row, column = script(line)
    return {each.name for each in made.complete(row, column)}


@pytest.mark.slow
def test_a_notebook_completes_chains_and_clients():
    """IPython and several editors complete with jedi."""
    for node in ("p.v3", "p.v3.palmservice.authorization", "p.v3.pay._id_", "p['v3/pay']"):
        assert completed(f"{node}.") >= PALMSERVICE | VERBS
        assert completed(f"{node}.") & ASYNC_VERBS == set()
    for node in ("a.v3", "a.v3.palmservice.authorization.openid", "a.v3.pay._id_", "a['v3/pay']"):
        assert completed(f"{node}.") >= PALMSERVICE | VERBS | ASYNC_VERBS
    assert completed("p.authorizations.") >= {"get", "get_many", "preauthorize"}
    assert completed("Palm.from_env().") >= {"authorizations", "v3", "with_options", "close"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("p.v3", "The first node of a chain"),
        ("p.v3.palmservice", "the palm service (微信刷掌)"),
        ("p.v3.palmservice.authorization.openid._openid_", "/doc/v3/partner/4014482017"),
        ("p.v3.pay.transactions", "A path, or its beginning: it has five HTTP methods"),
        ("a.v3.pay.transactions", "A path of an ``AsyncPalm``, or its beginning"),
        ("a.v3.pay.getAsync", "Send a GET"),
        ("p.authorizations.get", "Args:"),
    ],
)
def test_hovering_over_a_chain_says_what_it_is(line, said):
    made, row, column = script(line)
    column -= 1
    texts = [each.docstring() for each in made.help(row, column) + made.infer(row, column)]
    assert any(said in text for text in texts)


def test_the_program_uses_every_public_name():
    tree = ast.parse(PROGRAM.read_text())
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    named |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert set(palm.__all__) - named == set()


def _order(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest, as ruff's RUF022 has it."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def test_the_public_names_are_sorted_and_there():
    assert palm.__all__ == sorted(set(palm.__all__), key=_order)
    for name in palm.__all__:
        assert getattr(palm, name) is not None


@pytest.mark.parametrize("name", palm.__all__)
def test_a_public_class_or_function_is_documented(name):
    public = getattr(palm, name)
    if callable(public) and getattr(public, "__module__", "").startswith("palm"):
        assert public.__doc__


def test_the_package_says_that_it_is_typed():
    assert (Path(palm.__file__).parent / "py.typed").is_file()
