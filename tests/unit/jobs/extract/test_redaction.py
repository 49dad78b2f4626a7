"""A report that may be passed on holds nobody's openid, and nothing that was carried over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jobs.extract.people import only_people
from jobs.extract.redaction import redacted
from jobs.person import Person
from jobs.report.part_info import ColumnValue


@pytest.fixture
def report(report_of, nights):
    return report_of({"A/a": "ON", "B/a": "OFF", "B/b": "UNKNOWN"}, nights[0], name="/home/x/p.csv")


def test_an_openid_is_its_hash_the_same_in_every_organization(report):
    person = Person("secret")
    rows = redacted(report, person).rows
    assert rows["openid"].tolist() == [person.of("a"), person.of("a"), person.of("b")]
    assert rows["openid"].dtype == report.rows["openid"].dtype


def test_carried_columns_and_request_ids_are_removed_and_the_rest_stays(report):
    rows = redacted(report, Person("secret")).rows
    assert "class" in report.rows
    assert "class" not in rows
    assert rows["request_id"].isna().all()
    assert rows["request_id"].dtype == report.rows["request_id"].dtype
    kept = ["organization_id", "state", "change", "authorize_time", "known_at"]
    assert rows[kept].equals(report.rows[kept])


@pytest.mark.parametrize("name", ["/home/x/p.csv", "C:\\people\\p.csv", "p.csv"])
def test_of_the_inputs_name_the_folders_are_removed(report, name):
    counted = replace(report.metadata.input, name=name)
    named = replace(report, metadata=replace(report.metadata, input=counted))
    assert redacted(named, Person("secret")).metadata.input.name == "p.csv"


def test_the_values_that_selected_people_are_hidden(report):
    part = only_people(report, ["A"], [ColumnValue("class", "k-a")])
    shown = redacted(part, Person("secret")).metadata
    assert shown.part.where == (ColumnValue("class", "…"),)
    assert shown.part.organizations == ("A",)
    assert shown.input is None
