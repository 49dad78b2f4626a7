"""Each label of the workbook has its Chinese, and no Chinese is left over."""

from __future__ import annotations

import re
from importlib.resources import files

from jobs.render.excel.chinese import EXCEL_LABELS
from jobs.render.translations import CHINESE

SOURCES = [
    each.read_text(encoding="utf-8")
    for each in files("jobs.render.excel").iterdir()
    if each.name.endswith(".py") and each.name != "chinese.py"
]
TEXT = r"(?:\"[^\"]*\"\s*)+"


def joined(texts):
    return "".join(re.findall(r"\"([^\"]*)\"", texts)).replace("\\\\", "\\")


def labels():
    """Return every label that the sources translate, and the names of their sheets."""
    calls = re.compile(rf"(?:translate|over_nights|\.sheet)\(\s*(?:\"\w+\", )?({TEXT})[,)]")
    return {joined(call[1]) for source in SOURCES for call in calls.finditer(source)}


def test_no_label_lacks_its_chinese():
    assert len(labels()) > 50
    assert {"Trend", "ON, last known", "before \\ now"} <= labels()
    assert labels() - set(CHINESE) == set()


def test_no_chinese_is_left_over():
    """A label that nothing shows is a trap for whoever changes the English."""
    columns = set(re.findall(r"\"(\w+)\"", files("jobs.schema").joinpath("columns.py").read_text()))
    shown = {joined(text) for source in SOURCES for text in re.findall(TEXT, source)}
    assert set(EXCEL_LABELS) - shown - columns == set()
