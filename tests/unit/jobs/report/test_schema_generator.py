"""jobs.report.schema_generator: what is published about the metadata says what its values are."""

import json
from importlib.resources import files

import pytest

from jobs.json_dataclass import DEFINED
from jobs.report.schema_generator import metadata_schema, schema_text
from jobs.schema import Change, State, UnknownReason


@pytest.fixture(scope="module")
def published():
    return files("jobs.report").joinpath("schema.json").read_text("utf-8")


def test_the_published_schema_is_the_generated_one(published):
    assert json.loads(published) == metadata_schema(), "python -m jobs.report.schema_generator"


def test_nothing_of_the_generation_is_left_in_it(published):
    assert json.loads(schema_text()) == metadata_schema()
    assert DEFINED not in published
    assert '"title"' not in published.replace('"title": "Metadata', "")
    assert '"default"' not in published


def test_each_word_that_is_counted_has_its_meaning():
    summary = metadata_schema()["properties"]["summary"]["properties"]
    defined = metadata_schema()["$defs"]
    for name, words in (("states", State), ("changes", Change), ("unknown_reasons", UnknownReason)):
        part = summary[name]
        part = defined[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
        meanings = {word: part["properties"][word]["description"] for word in words}
        assert list(part["properties"]) == list(words)
        assert {word: text[:-1].casefold() for word, text in meanings.items()} == {
            word: word.meaning.en.casefold() for word in words
        }


def test_a_member_that_may_be_missing_is_never_null():
    run = metadata_schema()["properties"]["run"]
    assert run["properties"]["reasons"]["type"] == "array"
    assert "reasons" not in run["required"]
    assert run["properties"]["parent"]["type"] == ["string", "null"]
    assert "parent" in run["required"]
