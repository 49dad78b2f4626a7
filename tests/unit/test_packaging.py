"""What the package says of itself to those who install it."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tests import readme

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_text_of_the_licence_comes_along():
    project, packed = PROJECT["project"], PROJECT["tool"]["hatch"]["build"]["targets"]
    (name,) = project["license-files"]
    assert (ROOT / name).read_text(encoding="utf-8").startswith(f"{project['license']} License\n")
    assert name.split("/")[0] in packed["wheel"]["packages"]
    assert name.split("/")[0] in packed["sdist"]["include"]


def test_the_pages_of_documentation_come_along():
    assert PROJECT["project"]["readme"] == "README.md"
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    for page in (*readme.PAGES, *readme.TWINS.values()):
        assert page.is_file()
        assert {page.relative_to(ROOT).parts[0], page.name} & set(included), page
