"""The history's page in a real browser: on a screen, on a phone, in the dark, on paper."""

from __future__ import annotations

import base64
import json

import pytest

from jobs.history.read import read_history
from jobs.render.history.page import render_history
from jobs.render.language import Language
from jobs.store.days import dated_reports
from tests.functional.test_html_browser import CHROMIUM, TOO_FAINT, browser, page_of, views
from tests.many_nights import People, write_nights

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here"),
]
assert browser  # a fixture: pytest finds it in this module

TEXTS_APART = """
(() => {
  const wrong = [];
  for (const plot of document.querySelectorAll(".plot")) {
    const boxes = [...plot.querySelectorAll("text:not(.label)")].map(text =>
      [text.textContent, text.getBoundingClientRect()]);
    const page = document.documentElement.clientWidth;
    for (const [text, box] of boxes)
      if (box.left < -1 || box.right > page + 1) wrong.push("outside: " + text);
    for (let at = 0; at < boxes.length; at++)
      for (let other = 0; other < at; other++) {
        const [a, b] = [boxes[at][1], boxes[other][1]];
        if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 2
            && b.top < a.bottom - 2) wrong.push(boxes[other][0] + " on " + boxes[at][0]);
      }
  }
  return wrong;
})()
"""
"""Texts of plots that stand on each other, or outside of the page."""


@pytest.fixture(scope="module")
def addresses(tmp_path_factory):
    """Write the page in both languages and return where; an organization has a long name."""
    folder = tmp_path_factory.mktemp("history")
    names = [f"{1000 + n % 27}" if n % 40 else "学校" * 30 for n in range(1_200)]
    people = People(names, [f"o{n:027}" for n in range(1_200)], moves=0.05)
    write_nights(folder / "reports", people, 40, without=(3, 4, 20), bad=(11,))
    history = read_history(dated_reports(folder / "reports"))
    for language in Language:
        page = render_history(history, language)
        (folder / f"{language}.html").write_text(page, encoding="utf-8")
    return {language: (folder / f"{language}.html").as_uri() for language in Language}


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 768, 1280])
async def test_it_complains_about_nothing_fits_and_no_text_stands_on_another(
    browser, addresses, language, dark, width
):
    async with page_of(browser, addresses[language], width=width, dark=dark) as page:
        assert await page.read("document.documentElement.scrollWidth") <= width
        assert await page.read(TOO_FAINT) == []
        assert await page.read(TEXTS_APART) == []
        assert page.complaints == []
        assert page.requests == [addresses[language]]


@views(390, 1280)
async def test_axe_finds_no_violation(browser, addresses, node_modules, language, dark, width):
    """Headings, scopes, alternative texts, contrast, names, keyboard: all rules of axe-core."""
    axe = (node_modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    async with page_of(browser, addresses[language], width=width, dark=dark) as page:
        assert await page.violations(axe) == []


@pytest.mark.parametrize("language", Language)
async def test_on_a_phone_only_tables_scroll_sideways(browser, addresses, language):
    async with page_of(browser, addresses[language], width=390) as page:
        sideways = await page.read(
            "[...document.querySelectorAll('body *')].filter(e => e.scrollWidth > e.clientWidth + 1"
            " && getComputedStyle(e).overflowX !== 'visible' && !e.closest('.scroll, svg, .hidden')"
            ").map(e => e.outerHTML.slice(0, 80))"
        )
        assert sideways == []
        assert await page.read("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize("language", Language)
async def test_on_paper_nothing_is_cut_and_pages_have_numbers(browser, addresses, language):
    paper, scrollbar = 703, 15  # A4 less its margins, in CSS pixels
    async with page_of(browser, addresses[language], width=paper + scrollbar) as page:
        await page.call("Emulation.setEmulatedMedia", media="print")
        wide = await page.read(
            "[...document.querySelectorAll('.scroll, .plot')]"
            ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent.slice(0, 60))"
        )
        await page.call("Emulation.setEmulatedMedia", media="")
        printed = await page.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
    assert wide == []
    assert base64.b64decode(printed["data"]).startswith(b"%PDF")


async def test_each_plot_says_in_words_what_it_shows(browser, addresses):
    async with page_of(browser, addresses[Language.EN]) as page:
        said = await page.read(
            "[...document.querySelectorAll('[role=img]')].map(e => e.getAttribute('aria-label'))"
        )
    assert len(said) == 24 + 3
    assert all(said), json.dumps(said)
