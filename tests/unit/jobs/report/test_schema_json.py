"""jobs.report.schema_json: what is published about the metadata says what its values are."""

import json
from importlib.resources import files

import pytest

from jobs.json_part import DEFINED
from jobs.report import schema_json
from jobs.report.schema_json import metadata_schema, schema_text


@pytest.fixture(scope="module")
def published():
    return files("jobs.report").joinpath("schema.json").read_text("utf-8")


def test_the_published_schema_is_the_generated_one(published):
    assert json.loads(published) == metadata_schema(), "python -m jobs.report.schema_json"


def test_nothing_of_the_generation_is_left_in_it(published):
    assert json.loads(schema_text()) == metadata_schema()
    assert DEFINED not in published
    assert '"title"' not in published.replace('"title": "Metadata', "")
    assert '"default"' not in published


def test_each_word_that_is_counted_has_its_meaning():
    assert list(schema_json._CHANGES) == list(schema_json.Change)
    assert list(schema_json._STATES) == list(schema_json.State)
    assert list(schema_json._UNKNOWN) == list(schema_json.UnknownReason)


def test_a_member_that_may_be_missing_is_never_null():
    run = metadata_schema()["properties"]["run"]
    assert run["properties"]["reasons"]["type"] == "array"
    assert "reasons" not in run["required"]
    assert run["properties"]["parent"]["type"] == ["string", "null"]
    assert "parent" in run["required"]
