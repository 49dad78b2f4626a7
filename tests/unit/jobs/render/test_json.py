"""jobs.render.json: the metadata, and the schema that is published with it."""

import io
import json
from copy import deepcopy
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from jobs.input.line_stats import Reason
from jobs.render import writer_of
from jobs.render.json import write_json
from jobs.render.language import Language
from jobs.report.model import SCHEMA
from jobs.report.parquet import read_parquet
from jobs.schema import Change, State, UnknownReason
from tests.night import CLUSTER, with_members

HEARD = {"0042/oA": "ON", "0042/oB": "OFF", "7/oC": "NONE", "7/oD": "ON"}
SAMPLE = Path(__file__).parents[4] / "sample_data" / "yesterday.parquet"


@pytest.fixture(scope="session")
def schema():
    """Return the schema as it is published in the package."""
    return json.loads(files("jobs.report").joinpath("schema.json").read_text("utf-8"))


@pytest.fixture(scope="session")
def validator(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def written(report) -> bytes:
    file = io.BytesIO()
    write_json(report, file)
    return file.getvalue()


def with_exit(report, code):
    return with_members(report, {"run": {**report.about["run"], "exit_code": code}})


@pytest.fixture
def reports(report_of, nights, tmp_path):
    """Return reports of all kinds: first night, third night, incomplete, with invalid lines."""
    first, second, third = nights
    file = tmp_path / "report.parquet"
    file.write_bytes(b"stands for the baseline's file")
    one = report_of(HEARD, first, extra_lines=",7\noE\noA,0042,again\n")
    unsure = HEARD | {"0042/oA": "OFF", "7/oC": "UNKNOWN", "学校/oÜ": "ON"}
    two = with_exit(report_of(unsure, second, baseline=one, baseline_file=file), 3)
    three = report_of(
        {"0042/oB": "ON"}, third, baseline=two, baseline_file=file, name="学生 名单.csv"
    )
    part = with_members(three, {"only": "unanswered"})
    by_workers = with_members(three, {"cluster": CLUSTER})
    return [one, two, three, with_exit(three, 10), part, by_workers, read_parquet(SAMPLE)]


def test_it_is_the_metadata_pretty_in_utf_8_with_one_line_end(reports):
    for report in reports:
        text = written(report).decode()
        assert json.loads(text) == report.about
        assert text.endswith("\n}\n")
        assert text.startswith('{\n  "schema": 2,\n')
    assert "学生 名单.csv" in written(reports[2]).decode()


def test_the_language_changes_nothing(reports):
    file = io.BytesIO()
    writer_of("json")(reports[0], file, Language.ZH)
    assert file.getvalue() == written(reports[0])


def test_every_report_is_what_the_schema_says(validator, reports):
    for report in reports:
        errors = [
            f"{error.json_path}: {error.message}"
            for error in validator.iter_errors(json.loads(written(report)))
        ]
        assert not errors


@pytest.mark.parametrize(
    "spoil",
    [
        lambda about: about.update(schema=3),
        lambda about: about.update(secret="x"),  # noqa: S106 - a name
        lambda about: about.pop("controls"),
        lambda about: about["run"].update(exit_code=1),
        lambda about: about["run"].update(date="21.11.2026"),
        lambda about: about["summary"]["states"].pop("UNKNOWN"),
        lambda about: about["summary"]["changes"].update(VANISHED=1),
        lambda about: about["summary"].update(pairs=-1),
        lambda about: about["summary"]["by_organization"]["7"].update(pairs=1.5),
        lambda about: about["summary"]["transitions"]["never"].pop("not_in_input"),
        lambda about: about["controls"][0].update(holds=False),
        lambda about: about["input"]["invalid_lines"].append({"line": 0, "reason": "x"}),
        lambda about: about["gateway"].update(kind="elsewhere"),
        lambda about: about["history"].clear(),
    ],
)
def test_what_is_no_such_metadata_is_refused(validator, reports, spoil):
    about = deepcopy(reports[0].about)
    spoil(about)
    assert not validator.is_valid(about)


def parts(schema, path="$"):
    """Yield every object of a schema that describes a value, with where it stands."""
    yield path, schema
    for keyword in ("properties", "$defs"):
        for name, part in schema.get(keyword, {}).items():
            yield from parts(part, f"{path}.{name}")
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield from parts(schema[keyword], f"{path}.{keyword}")
    for at, part in enumerate(schema.get("oneOf", ())):
        yield from parts(part, f"{path}.{at}")


def test_every_property_is_described_and_every_object_closed(schema):
    for path, part in parts(schema):
        if not path.endswith(("additionalProperties", ".0")):
            assert part.get("description"), path
        if part.get("type") == "object":
            assert "additionalProperties" in part, path


def test_it_knows_the_words_of_this_version(schema):
    known, counted = schema["$defs"], schema["properties"]["summary"]["properties"]
    assert schema["properties"]["schema"]["enum"] == [1, SCHEMA]
    assert schema["$id"].endswith(f":{SCHEMA}")
    assert known["changes"]["required"] == list(Change)
    assert known["states"]["required"] == list(State)
    assert known["line_reason"]["enum"] == [reason.value for reason in Reason]
    assert list(counted["unknown_reasons"]["properties"]) == list(UnknownReason)
