"""The metadata of a report, as values. Pure.

:class:`Metadata` holds all of it; the JSON format and the Parquet file carry its ``to_json``. The
counts of the rows are :class:`jobs.compare.summary.Summary`, the reasons of the exit code
:class:`jobs.compare.verdict.Verdict`.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.metadata import version
from typing import Annotated, ClassVar, Final, Self

from jobs.compare.controls.check import Control
from jobs.compare.organizations import OrganizationCounts
from jobs.compare.summary import ByChange, ByKnown, ByState, Summary
from jobs.compare.verdict import Verdict
from jobs.json_dataclass import (
    Count,
    Day,
    Defined,
    JsonDataclass,
    JsonSchema,
    Moment,
    Readers,
    Sha256,
)
from jobs.report.input_info import InputInfo
from jobs.report.part_info import PartInfo, PartsInfo
from jobs.report.request_info import ClusterInfo, RequestInfo
from palm import __version__

__all__ = [
    "SCHEMA",
    "BaselineInfo",
    "EvidenceInfo",
    "GatewayId",
    "HistoryEntry",
    "Metadata",
    "RunInfo",
    "ToolInfo",
]

SCHEMA: Final = 2
"""Version of the columns and of the metadata; a reader refuses a later one."""
_LIBRARIES: Final = ("aiohttp", "cryptography", "pandas", "pyarrow", "tenacity")
_CHOSEN: Final = ("changes", "unanswered")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo(JsonDataclass):
    """The run that made the report."""

    id: str
    """Unique id of the run."""
    date: Day
    """Business date of the run."""
    timezone: str
    """Time zone of the date, an IANA name."""
    started: Moment
    """When the run began, UTC."""
    finished: Moment
    """When the last pair had been asked about, UTC."""
    verdict: tuple[Annotated[str, JsonSchema(description="A sentence.")], ...]
    """Why the exit code is not 0, in sentences; empty if it is 0."""
    parent: str | None
    """The run whose report this one corrects (--retry-unanswered), or null."""
    exit_code: Annotated[int, JsonSchema(instead=True, enum=[0, 3, 10])] | None = None
    """Exit code: 0 success, 3 too many unknown or time limit reached, 10 a rule of --fail-on
    holds. Missing in a part of a report, and in a comparison."""
    reasons: Verdict | None = None
    """The reasons of the exit code by kind; missing in a report of an earlier version."""

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
        """Return a run that ended with the verdict."""
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
class ToolInfo(JsonDataclass):
    """Versions of this tool, of Python and of the libraries that matter, by name."""

    versions: dict[str, str]

    @classmethod
    def installed(cls) -> Self:
        """Return the versions that are installed here."""
        libraries = {name: _version(name) for name in _LIBRARIES}
        own = {"palm-reconcile": __version__, "python": platform.python_version()}
        return cls(own | libraries)

    def to_json(self) -> dict[str, object]:
        """Return the versions."""
        return {**self.versions}

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Self:
        """Return the versions that ``to_json`` returned."""
        return cls({name: str(of) for name, of in value.items()})


@cache
def _version(library: str) -> str:
    """Return the version of an installed library, looked up once: it is a search in files."""
    return version(library)


@dataclass(frozen=True, slots=True)
class GatewayId(JsonDataclass):
    """The gateway that answered, and the merchant that asked."""

    kind: Annotated[str, JsonSchema(instead=True, enum=["wechatpay", "sandbox", "other"])]
    """WeChat Pay itself, the sandbox, or another gateway."""
    mchid: str
    """The merchant that asked."""

    def __str__(self) -> str:
        return f"merchant {self.mchid} at {self.kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineInfo(JsonDataclass):
    """The report that this one is compared with."""

    run_id: str
    """Run that made the baseline."""
    run_date: Day
    """Business date of the baseline."""
    sha256: Sha256
    """Checksum of the baseline's file; of its parts, all bytes of one file after the other."""
    pairs: Count
    """Pairs in the input of the baseline."""

    _READ: ClassVar[Readers] = {"run_date": date.fromisoformat}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceInfo(JsonDataclass):
    """What is kept of what WeChat Pay signed (--evidence)."""

    of: Annotated[str, JsonSchema(instead=True, enum=["all", "changes"])]
    """Whose evidence is kept: that of all states, or of those that are not UNCHANGED."""
    states: Count
    """States whose evidence was to be kept."""
    backed: Count
    """Those of them that a signature about the pair backs."""
    first_started: Moment
    """Start of the first run whose answers are here, UTC."""

    _READ: ClassVar[Readers] = {"first_started": datetime.fromisoformat}


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry(JsonDataclass):
    """The counts of one run."""

    run_date: Day
    """Business date of the run."""
    run_id: str
    """Unique id of the run."""
    pairs: Count
    """Pairs in the input of the run."""
    states: ByState
    """Pairs of the input by state."""
    known: ByKnown
    """Pairs of the input by their last known state."""
    changes: ByChange
    """Rows of the report by change."""
    gain: Count
    """Gain of the run."""
    loss: Count
    """Loss of the run."""

    _READ: ClassVar[Readers] = {"run_date": date.fromisoformat}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata(JsonDataclass):
    """Metadata of a palm-reconcile report."""

    schema: Annotated[int, JsonSchema(instead=True, enum=[1, SCHEMA])]
    """Version of the columns and of this metadata; 1 in a report of an older version."""
    run: RunInfo | None = None
    """The run that made the report."""
    tool: Annotated[ToolInfo, Defined("tool")]
    """Versions of this tool, of Python and of the libraries that matter, by name."""
    gateway: GatewayId | None = None
    """The gateway that answered, and the merchant that asked."""
    input: InputInfo | None = None
    """The input: lines = pairs + duplicates + invalid. Missing in a part of a report."""
    baseline: BaselineInfo | None
    """The report that this one is compared with, or null."""
    summary: Summary
    """The counts of the rows."""
    asking: RequestInfo | None = None
    """The requests to the gateway. Missing in a part of a report."""
    evidence: EvidenceInfo | None = None
    """What was signed of the answers and is kept; missing where nothing is."""
    cluster: ClusterInfo | None = None
    """The workers that asked; missing where the command did."""
    history: Annotated[tuple[HistoryEntry, ...], JsonSchema(minItems=1, maxItems=90)] | None = None
    """Counts of the last 90 runs, this one last. Missing in a part of a report."""
    controls: Annotated[tuple[Control, ...], JsonSchema(minItems=1)]
    """The equations that were checked before the report was published."""
    only: (
        Annotated[
            str,
            JsonSchema(
                instead=True, enum=["changes", "unanswered", "people", "comparison", "rows"]
            ),
        ]
        | None
    ) = None
    """Which rows a part of a report has that palm-report made. With changes and unanswered the
    counts are of all rows from which these were selected."""
    by: dict[str, dict[str, OrganizationCounts]] | None = None
    """Counts by the values of the columns of the input that --by names, in the JSON format only."""
    part: PartInfo | None = None
    """How palm-report made a part of a report, or a comparison."""
    parts: PartsInfo | None = None
    """The files into which the rows are divided; missing where they are in one file."""

    _READ: ClassVar[Readers] = {
        "run": RunInfo.from_json,
        "tool": ToolInfo.from_json,
        "gateway": GatewayId.from_json,
        "input": InputInfo.from_json,
        "baseline": BaselineInfo.from_json,
        "summary": Summary.from_json,
        "asking": RequestInfo.from_json,
        "evidence": EvidenceInfo.from_json,
        "cluster": ClusterInfo.from_json,
        "history": lambda each: tuple(map(HistoryEntry.from_json, each)),
        "controls": lambda each: tuple(map(Control.from_json, each)),
        "by": lambda columns: {
            column: {value: OrganizationCounts.from_json(own) for value, own in values.items()}
            for column, values in columns.items()
        },
        "part": PartInfo.from_json,
        "parts": PartsInfo.from_json,
    }

    @property
    def is_whole(self) -> bool:
        """Whether this is the report of a night, with all that belongs to one."""
        needed = (self.run, self.gateway, self.input, self.asking, self.history)
        return self.part is None and None not in needed

    @property
    def not_a_night(self) -> str | None:
        """What a file with this holds instead of the report of a night; None: it is one."""
        if self.rows_chosen:
            return f"holds only the {self.rows_chosen} of a report"
        if self.part is None:
            return None
        if self.part.is_filtered:
            return "holds only some people of a report"
        if self.part.comparison:
            return "is a comparison of two reports"
        return "holds rows that another program wrote"

    @property
    def rows_chosen(self) -> str | None:
        """Which of the rows that are counted are here, ``changes`` or ``unanswered``; None: all."""
        return self.only if self.only in _CHOSEN else None
