"""Templates of pages: everything is escaped, nothing runs and nothing is fetched.

A Content-Security-Policy would block scripts and requests even if something were not escaped.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import Final

import jinja2
from markupsafe import Markup, escape

from jobs.plurals import filled
from jobs.render.language import Language
from palm.text.printable import printable

__all__ = ["TAGS", "environment", "policy", "style_sheet"]

TAGS: Final = {Language.EN: "en", Language.ZH: "zh-CN"}
"""Language to its tag in HTML."""
_DATE: Final = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_SHARED: Final = "jobs.render.web"
_POLICY: Final = (
    "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
)


def environment(package: str) -> jinja2.Environment:
    """Return the environment of a package's templates, which may import ``plot.html.j2``."""
    made = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
        loader=jinja2.FunctionLoader(lambda name: _template(package, name)),
    )
    made.filters |= {
        "number": "{:,}".format,
        "px": "{:.4g}".format,
        "dates": _dates,
        "filled": filled,
    }
    return made


@cache
def style_sheet(package: str) -> Markup:
    """Return the colours and rules of all pages, of plots, and of a package's page, in one text.

    Unnecessary spaces are left out.
    """
    sheets = ((_SHARED, "page.css"), (_SHARED, "plot.css"), (package, "page.css"))
    text = " ".join(" ".join(_resource(*sheet) for sheet in sheets).split())
    short = re.sub(r" ?([{};,]) ?|(:) ", r"\1\2", text).replace(";}", "}")
    return Markup(short)  # noqa: S704 - our own; it must match its hash


def policy(style: str) -> str:
    """Return the Content-Security-Policy that allows a style sheet and nothing else."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return _POLICY.format(digest=digest)


def _shown(value: object) -> object:
    """Return a value as it is written into the page, without characters that change direction."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _dates(text: str) -> Markup:
    """Return a sentence as markup in which no line ends within a date."""
    safe = str(escape(printable(text)))
    return Markup(_DATE.sub(r"<span class=date>\g<0></span>", safe))  # noqa: S704 - escaped


def _template(package: str, name: str) -> str:
    return _resource(_SHARED if name == "plot.html.j2" else package, name)


def _resource(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")
