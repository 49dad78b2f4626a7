"""What the pages share: escaping, dates, the style sheet and its policy."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files

import pytest

from jobs.render.web.template import environment, policy, style_sheet

PACKAGES = ["jobs.render.html", "jobs.render.history"]


def rendered(source, **values):
    return environment("jobs.render.html").from_string(source).render(**values)


def test_values_are_escaped_and_turn_no_text_round():
    assert rendered("{{ it }}", it="<b>\u202eabc") == "&lt;b&gt;\ufffdabc"


def test_no_line_ends_within_a_date_and_the_rest_is_escaped():
    assert rendered("{{ it|dates }}", it="<i> 2026-11-01.") == (
        "&lt;i&gt; <span class=date>2026-11-01</span>."
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_a_template_may_import_the_plots(package):
    source = "{% from 'plot.html.j2' import plot %}{{ plot is callable }}"
    assert environment(package).from_string(source).render() == "True"


@pytest.mark.parametrize("package", PACKAGES)
def test_the_style_sheet_has_the_plots_and_no_needless_blanks(package):
    style = style_sheet(package)
    assert ".plot{" in style
    assert "\n" not in style
    assert ";}" not in style


def test_colours_are_named_in_one_file_for_all_pages():
    named = "--on:"
    own = [
        package
        for package in PACKAGES
        if "--" in re.sub(r"var\(--[\w-]+(, var\(--[\w-]+\))?\)|--own", "", _page_css(package))
    ]
    assert own == []
    assert [style_sheet(package).count(named) for package in PACKAGES] == [2] * len(PACKAGES)


def _page_css(package):
    return files(package).joinpath("page.css").read_text(encoding="utf-8")


def test_the_policy_allows_exactly_the_style_sheet():
    digest = base64.b64encode(hashlib.sha256(b"a{}").digest()).decode()
    assert policy("a{}") == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
