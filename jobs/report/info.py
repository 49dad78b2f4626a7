"""What is said about a report's rows: the metadata, as values. Pure.

:class:`Metadata` holds it all; what JSON format and Parquet file carry is its ``to_json``. The
counts of the rows are :class:`jobs.compare.summary.Summary`, the reasons of the exit code
:class:`jobs.compare.verdict.Verdict`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, ClassVar, Final, Self

from jobs.compare.controls import Control
from jobs.compare.summary import ByChange, ByKnown, ByState, Summary
from jobs.compare.verdict import Verdict
from jobs.json_part import Count, Day, Defined, JsonPart, JsonSchema, Moment, Readers, Sha256
from jobs.report.input_info import InputInfo
from jobs.report.request_info import RequestInfo

__all__ = [
    "SCHEMA",
    "BaselineInfo",
    "GatewayId",
    "HistoryEntry",
    "Metadata",
    "RunInfo",
    "ToolInfo",
]

SCHEMA: Final = 2
"""Version of the columns and of the metadata; a reader refuses a later one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo(JsonPart):
    """The run that made the report."""

    id: str
    """Unique to the run."""
    date: Day
    """Its business date."""
    timezone: str
    """In which that date was today; an IANA name."""
    started: Moment
    """When it began, UTC."""
    finished: Moment
    """When the asking had ended, UTC."""
    verdict: tuple[Annotated[str, JsonSchema(description="A sentence.")], ...]
    """Why the exit code is not 0, a sentence each; empty where it is."""
    parent: str | None
    """The run whose report this one corrects (--retry-unanswered); null: it corrects none."""
    exit_code: Annotated[int, JsonSchema(instead=True, enum=[0, 3, 10])]
    """What the command ended with: 0 done, 3 too many unknown or the deadline came first, 10 a rule
    of --fail-on holds."""
    reasons: Verdict | None = None
    """The same reasons typed, each by its kind; missing where an earlier version wrote the
    report."""

    _READ: ClassVar[Readers] = {
        "date": date.fromisoformat,
        "started": datetime.fromisoformat,
        "finished": datetime.fromisoformat,
        "verdict": tuple,
        "reasons": Verdict.from_json,
    }

    @classmethod
    def ended(
        cls,
        verdict: Verdict,
        *,
        id: str,  # noqa: A002 - as it is called in the metadata
        date: Day,
        timezone: str,
        started: Moment,
        finished: Moment,
        parent: str | None = None,
    ) -> Self:
        """Return a run that ended with a verdict."""
        return cls(
            id=id,
            date=date,
            timezone=timezone,
            started=started,
            finished=finished,
            verdict=verdict.sentences,
            parent=parent,
            exit_code=int(verdict.exit_code),
            reasons=verdict,
        )


@dataclass(frozen=True, slots=True)
class ToolInfo(JsonPart):
    """Versions of this tool, of Python and of the libraries that matter, by name."""

    versions: dict[str, str]

    def to_json(self) -> dict[str, object]:
        """Return the versions."""
        return {**self.versions}

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Self:
        """Return the versions that ``to_json`` returned."""
        return cls({name: str(version) for name, version in value.items()})


@dataclass(frozen=True, slots=True)
class GatewayId(JsonPart):
    """Who answered, and for whom."""

    kind: Annotated[str, JsonSchema(instead=True, enum=["wechatpay", "sandbox", "other"])]
    """WeChat Pay itself, the sandbox, or another gateway."""
    mchid: str
    """The merchant that asked."""

    def __str__(self) -> str:
        return f"merchant {self.mchid} at {self.kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineInfo(JsonPart):
    """The report compared with."""

    run_id: str
    """Its run."""
    run_date: Day
    """Its business date."""
    sha256: Sha256
    """Of its file."""
    pairs: Count
    """Pairs in its input."""

    _READ: ClassVar[Readers] = {"run_date": date.fromisoformat}


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry(JsonPart):
    """A run."""

    run_date: Day
    """Its business date."""
    run_id: str
    """Unique to it."""
    pairs: Count
    """Pairs in its input."""
    states: ByState
    """Those by state."""
    known: ByKnown
    """Those by the state last known."""
    changes: ByChange
    """All its rows by change."""
    gain: Count
    """Its gain."""
    loss: Count
    """Its loss."""

    _READ: ClassVar[Readers] = {"run_date": date.fromisoformat}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata(JsonPart):
    """Metadata of a palm-reconcile report."""

    schema: Annotated[int, JsonSchema(instead=True, enum=[1, SCHEMA])]
    """Version of the columns and of this metadata; 1 in a report of an older version."""
    run: RunInfo
    """The run that made the report."""
    tool: Annotated[ToolInfo, Defined("tool")]
    """Versions of this tool, of Python and of the libraries that matter, by name."""
    gateway: GatewayId
    """Who answered, and for whom."""
    input: InputInfo
    """The input: lines = pairs + duplicates + invalid."""
    baseline: BaselineInfo | None
    """The report that this one is compared with; null: none."""
    summary: Summary
    """The counts drawn from the rows."""
    asking: RequestInfo
    """How the gateway was asked."""
    history: Annotated[tuple[HistoryEntry, ...], JsonSchema(minItems=1, maxItems=90)]
    """Counts of the last 90 runs, this one last."""
    controls: Annotated[tuple[Control, ...], JsonSchema(minItems=1)]
    """What was checked before it was published, each an equation."""
    only: Annotated[str, JsonSchema(instead=True, enum=["changes", "unanswered"])] | None = None
    """Where this is a part of a report that palm-report made: which rows it has. All counts are of
    the whole report."""

    _READ: ClassVar[Readers] = {
        "run": RunInfo.from_json,
        "tool": ToolInfo.from_json,
        "gateway": GatewayId.from_json,
        "input": InputInfo.from_json,
        "baseline": BaselineInfo.from_json,
        "summary": Summary.from_json,
        "asking": RequestInfo.from_json,
        "history": lambda each: tuple(map(HistoryEntry.from_json, each)),
        "controls": lambda each: tuple(map(Control.from_json, each)),
    }
