"""``schema.json``, generated from the values that it describes (:mod:`jobs.report.info`).

After a change to them, run ``python -m jobs.report.schema_generator``, which writes the file. A
test compares the two. A run does not import this module, nor pydantic.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from jobs.compare.summary import NEVER, NOT_IN_INPUT, RollForward
from jobs.input.line_stats import Reason
from jobs.json_dataclass import DEFINED
from jobs.report.info import SCHEMA, Metadata
from jobs.schema import Change, State, UnknownReason

__all__ = ["metadata_schema", "schema_text"]

_Json: TypeAlias = dict[str, Any]

_PREFIX: Final = "#/$defs/"
_COUNT: Final[_Json] = {"type": "integer", "minimum": 0}
_AGES: Final = {
    "under_1_day": "Less than a day ago.",
    "under_2_days": "One day or more.",
    "under_4_days": "Two days or more.",
    "under_8_days": "Four days or more.",
    "older": "Eight days or more.",
    NEVER: "Never answered.",
}
_LATENCIES: Final = {
    "p50": "Median.",
    "p90": "90 % took no longer.",
    "p99": "99 % took no longer.",
    "max": "The longest.",
}
_TOOLS: Final = {"palm-reconcile": "Version of this tool.", "python": "Version of Python."}


class _Generator(GenerateJsonSchema):
    """Members that may be missing are never null; no titles, no defaults; every object is closed.

    A part's ``kind``, which its class has and not its values, is a member, too.
    """

    def sort(self, value: _Json, parent_key: str | None = None) -> _Json:  # noqa: ARG002
        return value

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> _Json:
        inner = schema["schema"]
        missing = schema.get("default", ...) is None and inner["type"] == "nullable"
        return self.generate_inner(inner["schema"] if missing else inner)

    def nullable_schema(self, schema: core_schema.NullableSchema) -> _Json:
        inner = self.generate_inner(schema["schema"])
        if isinstance(inner.get("type"), str):
            return {**inner, "type": [inner["type"], "null"]}
        return {"oneOf": [{"type": "null"}, inner]}

    def union_schema(self, schema: core_schema.UnionSchema) -> _Json:
        choices = (each[0] if isinstance(each, tuple) else each for each in schema["choices"])
        return {"description": "A reason.", "oneOf": [self.generate_inner(c) for c in choices]}

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> _Json:
        made, kind = super().dataclass_schema(schema), getattr(schema["cls"], "kind", None)
        if isinstance(kind, str):
            member = {"description": "Which reason.", "const": kind}
            made["properties"] = {"kind": member, **made["properties"]}
            made["required"] = ["kind", *made["required"]]
        text = " ".join(str(schema["cls"].__doc__).split())
        return {
            "description": text,
            **{name: made[name] for name in ("type", "properties", "required")},
            "additionalProperties": False,
        }


def metadata_schema() -> _Json:
    """Return the JSON Schema of a report's metadata."""
    made = _generated(Metadata)
    defined = {**_definitions(), **made.pop("$defs")}
    body = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:palm-reconcile:report-metadata:{SCHEMA}",
        "title": "Metadata of a palm-reconcile report",
        **made,
        "description": "What is said about the rows of a report: the JSON report, and the key "
        "palm_reconcile in the metadata of the Parquet report.",
    }
    uses = Counter(_references(body)) + Counter(_references(defined))
    shared = {name for name, count in uses.items() if count > 1}
    body = _resolved(body, defined, shared)
    return {**body, "$defs": {n: _resolved(defined[n], defined, shared) for n in sorted(shared)}}


def schema_text() -> str:
    """Return what stands in ``schema.json``."""
    return json.dumps(metadata_schema(), indent=2, ensure_ascii=False) + "\n"


def _generated(of: type) -> _Json:
    return TypeAdapter(of).json_schema(schema_generator=_Generator)


def _definitions() -> dict[str, _Json]:
    """Return what the annotations name: objects whose members are the values of a closed set."""
    states, changes, reasons = map(_meanings, (State, Change, UnknownReason))
    known = {state: text for state, text in states.items() if state != State.UNKNOWN}
    answered = {**states, NOT_IN_INPUT: "The pair is not in this input."}
    were = {s: f"Pairs that were {s}." for s in known} | {NEVER: "Pairs that were never answered."}
    are = {state: f"Pairs known to be {state}." for state in known}
    count, reason = {DEFINED: "count"}, {DEFINED: "line_reason"}
    return {
        "count": {"description": "How many.", **_COUNT},
        "line_reason": {
            "description": "Why a line of the input holds no pair.",
            "enum": [each.value for each in Reason],
        },
        "states": _object("Pairs of the input by state as answered.", states),
        "known": _object(
            "Pairs of the input by the state answered in this run, else the last good one.",
            {**known, NEVER: "Never answered."},
        ),
        "changes": _object("Rows by change, zeros included.", changes),
        "present_changes": _object("Rows by change.", changes, required=()),
        "unknown_reasons": _object("Pairs by reason.", reasons, required=()),
        "answered": _object("Rows by state in this run.", answered),
        "transitions": _object(
            "Rows by the last known state before, then by state in this run.",
            were,
            {DEFINED: "answered"},
        ),
        "flow": _generated(RollForward),
        "roll_forward": _object("Roll-forward by state.", are, {DEFINED: "flow"}),
        "age": _object("Pairs by age.", _AGES),
        "latency_ms": {
            **_object("Milliseconds.", _LATENCIES, required=()),
            "dependentRequired": {"p50": ["p90", "p99", "max"]},
        },
        "tool": {
            **_object("Versions.", _TOOLS, {"type": "string"}),
            "additionalProperties": {"type": "string"},
        },
        "by_line_reason": {
            "type": "object",
            "propertyNames": reason,
            "additionalProperties": count,
        },
        "outcomes": {
            "type": "object",
            "propertyNames": {"pattern": "^(ok|[A-Z][A-Za-z]+)$"},
            "additionalProperties": count,
        },
    }


def _meanings(values: Iterable[State | Change | UnknownReason]) -> dict[str, str]:
    """Return the values of a closed set, each with its meaning as a sentence."""
    return {v.value: f"{v.meaning.en[0].upper()}{v.meaning.en[1:]}." for v in values}


def _object(
    description: str,
    members: Mapping[str, str],
    each: Mapping[str, object] = _COUNT,
    required: Iterable[str] | None = None,
) -> _Json:
    return {
        "description": description,
        "type": "object",
        "properties": {str(name): {"description": s, **each} for name, s in members.items()},
        "required": [str(name) for name in (members if required is None else required)],
        "additionalProperties": False,
    }


def _reference(part: Mapping[str, object]) -> str | None:
    """Return the name of the definition that a schema refers to."""
    found = part.get(DEFINED) or str(part.get("$ref", "")).removeprefix(_PREFIX)
    return str(found) if found else None


def _references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if name := _reference(part):
            yield name
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from _references(each)


def _resolved(part: _Json, defined: Mapping[str, _Json], shared: set[str]) -> _Json:
    """Return a schema with each definition that is used only once inserted where it is used."""
    name = _reference(part)
    beside = {k: v for k, v in part.items() if k not in {"$ref", DEFINED}}
    if name is None:
        return {
            key: " ".join(each.split())  # a docstring may have more than one line
            if key == "description" and isinstance(each, str)
            else _resolved_within(each, defined, shared)
            for key, each in beside.items()
        }
    if name in shared:
        return {**beside, "$ref": f"{_PREFIX}{name}"}
    return _resolved({**defined[name], **beside}, defined, shared)


def _resolved_within(part: object, defined: Mapping[str, _Json], shared: set[str]) -> object:
    if isinstance(part, list):
        return [_resolved_within(each, defined, shared) for each in part]
    return _resolved(part, defined, shared) if isinstance(part, dict) else part


if __name__ == "__main__":
    Path(__file__).with_name("schema.json").write_text(schema_text(), encoding="utf-8")
