"""Each label has its Chinese, with the same places; sentences fit what there is."""

from __future__ import annotations

import re
from importlib.resources import files

import jinja2
import pytest

from jobs.render.history import chinese
from jobs.render.history.chinese import HISTORY_CHINESE
from jobs.render.history.words import DEFINITIONS

SOURCES = ("words", "terminal", "page", "excel", "excel_organizations", "charts")


def labels():
    """Return every label that is translated, as the sources have them."""
    found = set()
    for name in SOURCES:
        text = files("jobs.render.history").joinpath(f"{name}.py").read_text(encoding="utf-8")
        for call in re.finditer(r"translate\(\s*((?:\"[^\"]*\"\s*)+)", text):
            found.add("".join(re.findall(r"\"([^\"]*)\"", call[1])))
    page = files("jobs.render.history").joinpath("page.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    found |= {message for _, _, message in environment.extract_translations(page) if message}
    return found | set(DEFINITIONS) | set(DEFINITIONS.values())


def test_no_label_lacks_its_chinese():
    assert len(labels()) > 60
    assert labels() - set(HISTORY_CHINESE) == set()


@pytest.mark.parametrize("english", HISTORY_CHINESE)
def test_the_chinese_has_the_same_places(english):
    places = re.compile(r"\{[^}|]*\}")
    assert sorted(places.findall(HISTORY_CHINESE[english])) == sorted(places.findall(english))


def test_no_chinese_is_left_over():
    """A label that nothing shows is a trap for whoever changes the English."""
    everything = "".join(
        files("jobs.render.history").joinpath(name).read_text(encoding="utf-8")
        for name in (*(f"{each}.py" for each in SOURCES), "page.html.j2")
    )
    joined = re.sub(r"\"\s*\n\s*\"", "", everything)
    assert [each for each in HISTORY_CHINESE if each not in joined] == []
    assert chinese.__all__ == ["HISTORY_CHINESE"]
