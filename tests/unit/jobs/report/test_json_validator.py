"""The little of JSON Schema that reading a report needs, against the library that knows it all."""

import json
import random
from importlib.resources import files

import jsonschema
import pytest

from jobs.report.json_validator import InvalidJsonError, check_json
from jobs.report.parquet import read_parquet
from tests.made_up import made_up
from tests.night import SAMPLE


@pytest.fixture(scope="module")
def schema():
    return json.loads(files("jobs.report").joinpath("schema.json").read_text("utf-8"))


def passes(value, schema, closed=("",)):
    said = ""
    try:
        check_json(value, schema, closed=closed)
    except InvalidJsonError as error:
        said = str(error)
    assert said.isprintable()
    return not said


@pytest.mark.slow
def test_it_refuses_what_the_library_refuses(schema):
    """It is stricter in numbers and text, never milder where all objects are closed."""
    validator = jsonschema.Draft202012Validator(schema)
    about = read_parquet(SAMPLE).about
    assert passes(about, schema)
    assert validator.is_valid(about)
    both = [0, 0]
    for seed in range(400):
        changed = made_up(about, random.Random(seed))
        ours, theirs = passes(changed, schema), validator.is_valid(changed)
        assert theirs or not ours, seed
        both[ours] += 1
    assert both[0] > 200
    assert both[1] > 10


@pytest.mark.parametrize(
    ("value", "schema", "said"),
    [
        (2**63, {"type": "integer"}, "not a finite 64-bit number"),
        (float("inf"), {"type": "number"}, "not a finite 64-bit number"),
        (True, {"type": "integer"}, "not of type integer"),
        (1, {"const": True}, "not one of the allowed values"),
        ("2026-02-30", {"type": "string", "format": "date"}, "not a date"),
        ("2026-02-03T25:00:00", {"type": "string", "format": "date-time"}, "not a date"),
        ("\ud800", {"type": "string"}, "is not text"),
        ({"\ud800": 1}, {"type": "object"}, "is not text"),
        ({"more": ["\ud800"]}, {"type": "object", "additionalProperties": False}, "is not text"),
    ],
)
def test_it_is_stricter_where_a_value_would_do_harm_later(value, schema, said):
    with pytest.raises(InvalidJsonError, match=said):
        check_json(value, schema)


def test_members_of_a_later_version_pass_but_where_members_are_added_up():
    schema = {"properties": {"a": {"properties": {}, "additionalProperties": False}}}
    check_json({"a": {"new": 1}}, schema)
    with pytest.raises(InvalidJsonError, match="/a has an unknown member"):
        check_json({"a": {"new": 1}}, schema, closed=("/a",))
