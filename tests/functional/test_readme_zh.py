"""Each README.zh-CN.md says what the README.md beside it says, section by section.

Both have the same headings, and under each the same code blocks byte for byte, the same tables and
lists, and the same names and numbers. What the program writes (```text blocks, and what stands
under a ``<!-- marker -->``) stands in the English one only; the Chinese one may name what is in it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import pytest

from jobs.schema import ROWS, Change, State, UnknownReason
from tests import readme

TWINS = pytest.mark.parametrize(
    "twins", readme.TWINS.items(), ids=lambda twins: str(twins[0].relative_to(readme.ROOT))
)
Twins = tuple[Path, Path]
CLASSES = "|".join(sorted({*Change, *State, *UnknownReason}, key=len, reverse=True))
INLINE_CODE = r"`[^`\n]+`"
NUMBER = r"\b\d+(?:[.,:]\d+)*\b"
NAMES = {
    "inline code": INLINE_CODE,
    "option": r"(?<![\w-])--[a-z][a-z0-9-]+",
    "variable": r"\bPALM_[A-Z0-9_]+",
    "column": f"`(?:{'|'.join(ROWS)})`",
    "state, change or reason": rf"\b(?:{CLASSES})\b",
    "number or exit code": NUMBER,
    "address": r"https?://[^\s)`]+",
    "image": r"!\[[^]]*\]\(([^)]+?)(?:\.zh-CN)?\.png\)",  # a picture may have a Chinese twin
}
IN_ROWS = rf"{INLINE_CODE}|{NUMBER}|\b(?:{CLASSES})\b"


@dataclass
class Section:
    """A heading and what stands under it, up to the next one."""

    level: int
    title: str
    prose: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    generated: list[str] = field(default_factory=list)

    def names(self, pattern: str) -> set[str]:
        paragraphs = " ".join(line or "\n" for line in self.prose)  # code may be wrapped
        return set(re.findall(pattern, paragraphs, re.ASCII))

    def lines(self, beginning: str) -> list[str]:
        return [line for line in self.prose if line.startswith(beginning)]


def sections(text: str) -> list[Section]:
    """Return the sections of a README; a heading's ``#`` within a fenced block is none."""
    found, block, under_marker = [Section(0, "before the title")], [], False
    for line in text.splitlines():
        here = found[-1]
        if block or line.startswith("```"):
            block.append(line)
            if len(block) > 1 and line == "```":
                kept = here.generated if block[0] == "```text" else here.code
                kept.append("\n".join(block))
                block, under_marker = [], False
        elif heading := re.match(r"(#+) (.*)", line):
            found.append(Section(len(heading[1]), heading[2]))
        elif re.fullmatch(r"<!-- .* -->", line):
            under_marker = True
        else:
            under_marker = under_marker and bool(line)
            kept = here.generated if under_marker else here.prose
            if line.startswith("  ") and kept and kept[-1]:  # an item goes on
                kept[-1] += line[1:]
            else:
                kept.append(line)
    assert not block, f"the block {block[0]} does not end"
    return found


def outlines(twins: Twins) -> tuple[list[Section], list[Section]]:
    """Return the sections of the English README and of the Chinese one."""
    english, chinese = (sections(readme.text_of(path)) for path in twins)
    return english, chinese


def levels(outline: list[Section]) -> list[int]:
    """Return the levels of the headings, in order."""
    return [section.level for section in outline]


def both(twins: Twins) -> list[tuple[Section, Section]]:
    """Return each English section with its Chinese one."""
    english, chinese = outlines(twins)
    if levels(english) != levels(chinese):
        pytest.skip("the headings differ, as another test says")
    return list(zip(english, chinese, strict=True))


def agree(twins: Twins, compare: Callable[[Section, Section], Iterator[str]]) -> None:
    """Fail with every difference that ``compare`` finds, a line each."""
    found = [
        f"{english.title} / {chinese.title}: {difference}"
        for english, chinese in both(twins)
        for difference in compare(english, chinese)
    ]
    if found:
        pytest.fail("\n".join(found), pytrace=False)


@TWINS
def test_headings_are_as_many_of_the_same_levels_in_the_same_order(twins):
    english, chinese = outlines(twins)
    if levels(english) != levels(chinese):
        titles = [[f"{'#' * each.level} {each.title}" for each in it] for it in (english, chinese)]
        lines = (f"{a:40}{b}" for a, b in zip_longest(*titles, fillvalue="(nothing)"))
        pytest.fail("README.md and README.zh-CN.md have\n" + "\n".join(lines), pytrace=False)


@TWINS
def test_each_links_to_the_other_under_its_title(twins):
    assert readme.text_of(twins[0]).splitlines()[2] == "[中文](README.zh-CN.md)"
    assert readme.text_of(twins[1]).splitlines()[2] == "[English](README.md)"


@TWINS
def test_code_blocks_are_the_same_to_the_byte(twins):
    def compare(english: Section, chinese: Section) -> Iterator[str]:
        blocks = ("\n".join(each.code).splitlines() for each in (english, chinese))
        yield from difflib.unified_diff(*blocks, "README.md", "README.zh-CN.md", lineterm="")

    agree(twins, compare)


@TWINS
@pytest.mark.parametrize("kind", NAMES)
def test_what_one_names_the_other_names(twins, kind):
    def compare(english: Section, chinese: Section) -> Iterator[str]:
        ours, theirs = english.names(NAMES[kind]), chinese.names(NAMES[kind])
        written = "\n".join(english.generated)
        for name in sorted(ours - theirs):
            yield f"README.zh-CN.md lacks the {kind} {name}"
        for name in sorted(theirs - ours):
            if name.strip("`") not in written:
                yield f"README.md lacks the {kind} {name}"

    agree(twins, compare)


@TWINS
@pytest.mark.parametrize(("what", "beginning"), [("table rows", "|"), ("list items", "- ")])
def test_rows_and_items_say_the_same_in_the_same_order(twins, what, beginning):
    """Each has the same code, numbers and classes in it; a row has as many cells."""

    def marks(line: str) -> str:
        cells = "|" * line.count("|") if beginning == "|" else ""
        return " ".join([*re.findall(IN_ROWS, line, re.ASCII), cells])

    def compare(english: Section, chinese: Section) -> Iterator[str]:
        ours, theirs = english.lines(beginning), chinese.lines(beginning)
        matcher = difflib.SequenceMatcher(None, [*map(marks, ours)], [*map(marks, theirs)])
        for tag, a, b, c, d in matcher.get_opcodes():
            if tag != "equal":
                yield "\n".join(
                    [
                        f"these {what} differ in code, numbers, classes or cells",
                        *(f"  README.md:       {line}" for line in ours[a:b] or ["(nothing)"]),
                        *(f"  README.zh-CN.md: {line}" for line in theirs[c:d] or ["(nothing)"]),
                    ]
                )

    agree(twins, compare)


@TWINS
def test_what_the_program_writes_stands_once(twins):
    _, chinese = outlines(twins)
    assert not [block for section in chinese for block in section.generated]


@TWINS
def test_links_into_the_english_one_lead_to_its_headings(twins):
    english, _ = outlines(twins)
    anchors = {re.sub(r"\W+", "-", section.title.lower()) for section in english}
    links = set(re.findall(r"\(README\.md#([^)]+)\)", readme.text_of(twins[1])))
    assert links <= anchors
