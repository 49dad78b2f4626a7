"""The page: nothing runs, nothing is fetched, everything is escaped, colours can be told apart."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import combinations

import pytest

from jobs.history.read import read_history
from jobs.render.history.page import render_history
from jobs.render.language import Language
from jobs.store.days import dated_reports
from tests.many_nights import People, write_nights

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=//x onerror=y>',
    "=1+1",
    "掌" * 100,
    "\u202eabc",
)


def history_of(folder, people, nights, **options):
    write_nights(folder, people, nights, **options)
    return read_history(dated_reports(folder))


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    people = People.of(200, 30, seed=3, moves=0.1)
    return history_of(tmp_path_factory.mktemp("nights"), people, 20, without=(5, 6))


@pytest.mark.parametrize("language", Language)
def test_nothing_runs_and_nothing_is_fetched(history, language):
    page = render_history(history, language)
    assert not re.search(r"<script|\son\w+=|\sstyle=|https?:|//|url\(|@import", page)
    assert set(re.findall(r'href="([^"]*)"', page)) == {"#all"}
    assert "default-src &#39;none&#39;" in page


def test_at_most_24_organizations_have_a_plot_all_on_one_scale(history):
    page = render_history(history, Language.EN)
    assert page.count("<figure>") == 24
    assert "24 of the 30 organizations that lost somebody." in page
    figures = re.findall(r"<figure>.*?</figure>", page, re.DOTALL)
    scales = {tuple(re.findall(r"text-anchor=end>([^<]*)</text>", each)) for each in figures}
    assert len(scales) == 1


def test_what_comes_from_the_input_is_text(tmp_path):
    people = People([f"<b>{n % 2}</b>" for n in range(5)], HOSTILE, moves=0.9, away=0, unknown=0)
    page = render_history(history_of(tmp_path, people, 9), Language.EN)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<b>0</b>" not in page
    assert "<script" not in page
    assert "<img" not in page
    assert "\u202e" not in page


@pytest.mark.parametrize("language", Language)
def test_what_there_is_nothing_of_is_said_and_has_no_empty_table(tmp_path, language):
    page = render_history(history_of(tmp_path, People.of(9, 1), 1), language)
    assert page.count("<table") == 1
    assert page.count("<figure>") == 0


@pytest.mark.slow
def test_a_page_of_3000_organizations_stays_small(tmp_path):
    people = People.of(6_000, 3_000, moves=0.05)
    page = render_history(history_of(tmp_path, people, 4), Language.EN)
    assert len(page.encode()) < 60_000


# --- colours, by WCAG's formulas

TEXTS = (
    ("ink", "bg"), ("ink", "card"), ("ink", "warn"), ("ink", "fail"), ("soft", "bg"),
    ("soft", "card"),
)  # fmt: skip
GRAPHICS = (
    ("on", "card"), ("off", "card"), ("none", "card"), ("unknown", "card"), ("strong", "card"),
    ("warn-line", "warn"),
)  # fmt: skip


def themes():
    """Return the colours of the page by name: light, then dark."""
    css = files("jobs.render.web").joinpath("page.css").read_text(encoding="utf-8")
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})", block))
        for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]
    )
    return {"light": light, "dark": light | dark}


def channels(colour):
    digits = colour.removeprefix("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]


def contrast(one, other):
    light = [
        sum(c * w for c, w in zip(channels(each), (0.2126, 0.7152, 0.0722), strict=True))
        for each in (one, other)
    ]
    return (max(light) + 0.05) / (min(light) + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_and_graphics_stand_out(theme):
    colours = themes()[theme]
    faint = [
        (pair, round(contrast(*(colours[name] for name in pair)), 2))
        for pairs, least in ((TEXTS, 4.5), (GRAPHICS, 3.0))
        for pair in pairs
        if contrast(*(colours[name] for name in pair)) < least
    ]
    assert faint == []


DEFICIENCIES = {
    "protanopia": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "deuteranopia": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
    "tritanopia": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
}
"""Machado, Oliveira and Fernandes 2009, severity 1.0: rows for linear red, green and blue."""


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_gained_lost_and_all_can_be_told_apart_by_the_colour_blind(theme, deficiency):
    matrix = DEFICIENCIES[deficiency]
    seen = {
        name: [
            sum(m * c for m, c in zip(row, channels(themes()[theme][name]), strict=True))
            for row in matrix
        ]
        for name in ("on", "off", "strong")
    }
    for one, other in combinations(seen, 2):
        apart = sum((a - b) ** 2 for a, b in zip(seen[one], seen[other], strict=True)) ** 0.5
        assert apart > 0.1, (one, other)
