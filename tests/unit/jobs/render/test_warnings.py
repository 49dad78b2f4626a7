"""jobs.render.warnings: what a reader has to know before the numbers."""

from __future__ import annotations

import pytest

from jobs.render.warnings import warnings
from tests.night import with_members


def test_a_good_night_has_no_warnings(after):
    keys = [f"A/o{i:027}" for i in range(10)]
    assert warnings(after(dict.fromkeys(keys, "ON"), dict.fromkeys(keys, "ON"))) == []


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        (1, "1 input line holds no pair"),
        (
            2,
            "2 of 10 pairs of the last report (2025-03-03) are missing from today's input (20.0 %)",
        ),
    ],
)
def test_more_than_a_tenth_lost_is_the_first_warning(after, lost, said):
    keys = [f"A/{i}" for i in range(10)]
    now = dict.fromkeys(keys[lost:], "ON")
    found = warnings(after(dict.fromkeys(keys, "ON"), now, extra_lines=",A,x\n"))
    assert found[0].startswith(said)


def test_invalid_lines_are_counted_and_the_first_three_named(report_of, nights):
    report = report_of({"A/a": "ON"}, nights[0], extra_lines=",A,x\n" * 5)
    said = " ".join(warnings(report))
    assert "5 input lines hold no pair: line 3 (openid is empty), 4 (openid is empty), 5" in said
    assert "6 (" not in said
    assert "..." in said


def test_every_invalid_line_is_named_where_that_is_wanted(report_of, nights):
    report = report_of({"A/a": "ON"}, nights[0], extra_lines=",A,x\n" * 5)
    said = " ".join(warnings(report, every_line=True))
    assert all(f"{line} (openid is empty)" in said for line in range(3, 8))
    assert "..." not in said


def test_openids_that_do_not_look_like_one_are_counted_but_not_shown(report_of, nights):
    said = " ".join(warnings(report_of({"A/strange-one": "ON", f"A/o{1:027}": "ON"}, nights[0])))
    assert "1 openid does not look like one (o and 27 more of A-Z a-z 0-9 - _); it was" in said
    assert "strange-one" not in said


def test_a_part_of_a_report_says_so_first(after):
    report = after({f"A/{at}": "ON" for at in range(5)}, {"A/0": "ON"})
    part = with_members(report, {"only": "changes"})
    first, second, *_ = warnings(part)
    assert first == "Only the rows of --changes are here; all counts are of the whole report."
    assert "4 of 5 pairs of the last report" in second


DECORATION_TAKEN_OFF = (
    "On 2 lines blanks, quotes or invisible characters round a key were taken off "
    "(first on line 7)."
)
THEY_WERE, IT_WAS = "they were asked as they are.", "it was asked as it is."


def test_decoration_and_damage_are_said_once_each_with_the_first_line(report_of, nights):
    heard = {"0042/oA": "ON", "0042/oB": "ON", "1.0/oC": "ON", "１/oD": "ON", "=2/oE": "ON"}
    lines = "oA\u00a0,0042,again\noB\u00a0,0042,again\n"
    report = report_of(heard, nights[0], extra_lines=lines)
    said = [each for each in warnings(report) if "openids do not look like openids" not in each]
    assert said == [
        DECORATION_TAKEN_OFF,
        "The organizations of 2 pairs look damaged (.0, =), first on line 4; " + THEY_WERE,
        "The organization of 1 pair holds full-width digits, first on line 5; " + IT_WAS,
    ]
