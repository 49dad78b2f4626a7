"""What a report is called where several jobs tell their numbers to one place."""

from __future__ import annotations

import pytest

from jobs.observe.report_name import report_name


@pytest.mark.parametrize(
    ("outputs", "name"),
    [
        (["people.parquet"], "people"),
        (["out/people.html", "out/teachers.parquet"], "teachers"),
        (["people.html", "people.csv"], "people"),
        (["reports/"], "reports"),
        (["x.html", "/srv/reports/"], "reports"),
        (["-"], "report"),
        (["/"], "report"),
        (["a\nb.parquet"], "a�b"),
        (["n" * 100 + ".parquet"], "n" * 64),
    ],
)
def test_it_is_the_name_of_the_output_that_counts(outputs, name):
    assert report_name(None, outputs) == name


def test_a_folder_that_is_here_has_its_own_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert report_name(None, ["./"]) == tmp_path.name


def test_a_name_that_is_given_wins():
    assert report_name("school 7", ["people.parquet"]) == "school 7"
