"""The public names, as a user's type checker sees them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

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


def test_a_program_that_uses_every_public_name_is_strictly_typed():
    done = checked(PROGRAM)
    assert (done.stdout, done.returncode) == ("Success: no issues found in 1 source file\n", 0)


def test_a_program_that_misuses_them_is_not(tmp_path):
    """Else the test above would prove nothing."""
    program = tmp_path / "program.py"
    program.write_text(
        "from palm import AsyncPalm, Palm, Pair, PalmAuthorization, Answer\n"
        "def f(p: Palm, a: AsyncPalm) -> None:\n"
        "    x: int = p.authorizations.get('o', '1')\n"
        "    r: Answer = a.v3.foo.get()\n"
        "    p.authorizations.get('o', 1)\n"
        "    Pair('o')\n"
        "    p.nothing\n"
        "    Palm(merchnt=1)\n"
        "async def g(a: AsyncPalm) -> None:\n"
        "    a.v3.foo.get()\n"
        "    Palm.from_env(5)\n"
        "    Palm.from_env(rate='50')\n"
        "    a.with_options(retry=3)\n"
        "    AsyncPalm.from_env(tiemout=3)\n"
        "    a.v3.foo.getAsync()\n"
        "    Palm.from_env().v3.foo.getAsync({})\n"
    )
    wrong = {line.split(":")[1] for line in checked(program).stdout.splitlines()[:-1]}
    assert wrong >= {"3", "4", "5", "6", "7", "8", "10", "11", "12", "13", "14", "15", "16"}


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
