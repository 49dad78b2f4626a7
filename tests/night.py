"""One night of the job, as the tests run it: within this process, without a word."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from rich.console import Console

from jobs.compare.options import CompareOptions
from jobs.deadline import TimeLimit
from jobs.input.options import InputOptions
from jobs.observe.options import ObserveOptions
from jobs.render.language import RenderOptions
from jobs.report.info import Metadata
from jobs.report.metadata import CHECKSUMS, checksums
from jobs.report.model import KEY, Report
from jobs.report.request_info import RequestPace
from jobs.run.config import Options
from jobs.run.endpoint import ConfiguredEndpoint
from jobs.run.options import RunOptions
from jobs.run.pipeline import run
from jobs.run.sandbox_endpoint import SandboxEndpoint
from jobs.store.options import StoreOptions
from jobs.store.outputs import Outputs
from jobs.sweep.options import LIVE_RATE, SANDBOX_RATE, SweepOptions
from palm import __version__
from tests.sandbox_keys import shared_keys

DAY, NEXT = date(2025, 3, 3), date(2025, 3, 4)
ORGANIZATIONS = ("0042", "1001", "1002")
SAMPLE = Path(__file__).parents[1] / "sample_data" / "yesterday.parquet"
_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d ", re.MULTILINE)
SCRIPTS = Path(sys.executable).parent
"""Where the commands are installed."""
PACE = RequestPace(
    rate=50.0,
    concurrency=64,
    seconds=2.0,
    achieved_rate=49.0,
    worst_second=49,
    starved_seconds=0.0,
    throttled_seconds=0.0,
    outage_seconds=0.0,
    pauses=0,
    outages=0,
    host_switches=0,
)
"""How fast the gateway was asked, as a report's metadata has it, where nobody was."""


def write_pairs(path: Path, count: int, *lines: str) -> Path:
    """Write an input of so many pairs and these further lines; return its path."""
    rows = [f"o{i:027},{ORGANIZATIONS[i % 3]},class {i % 7}" for i in range(count)]
    path.write_text("\n".join(["openid,organization_id,class", *rows, *lines]) + "\n")
    return path


STAGES = {
    "input": InputOptions, "sweep": SweepOptions, "compare": CompareOptions, "store": StoreOptions,
    "run": RunOptions, "render": RenderOptions, "observe": ObserveOptions,
}  # fmt: skip


def options(
    source: Path | str, output: Path, run_date: date, *, seconds: float | None = None, **given: Any
) -> Options:
    """Return the options of a night that writes one Parquet file; without settings, the sandbox.

    Args:
        source: The input.
        output: The Parquet file.
        run_date: Of the night.
        seconds: How long it may take; None: as long as it takes.
        given: Options of any stage, by name, or of the whole run.
    """
    settings = given.pop("settings", None)
    given = {
        "source": str(source), "outputs": Outputs.to(output), "run_date": run_date,
        "default_rate": LIVE_RATE if settings else SANDBOX_RATE,
        "endpoint": ConfiguredEndpoint(settings) if settings else SandboxEndpoint(shared_keys()),
        **given,
    }  # fmt: skip
    if seconds is not None:
        given["time"] = TimeLimit.of_duration(seconds)
    stages = {}
    for stage, kind in STAGES.items():
        names = [each.name for each in fields(kind) if each.name in given]
        stages[stage] = kind(**{name: given.pop(name) for name in names})
    return Options(**stages, **given)


def run_quietly(chosen: Options) -> Report:
    """Run it, and return its report."""
    return run(chosen, Console(quiet=True)).report


def without_times(standard_error: str) -> str:
    """Return what the command said, without the times of lines of text and without its first line.

    That one, which says what is about to be done, has tests of its own.
    """
    lines = _TIME.sub("", standard_error).splitlines(keepends=True)
    first = f"palm-reconcile {__version__}: "
    return "".join(line for line in lines if not _is_first(line, first))


def _is_first(line: str, first: str) -> bool:
    return line.startswith(first) or f'"event": "{first}' in line


CLUSTER = {"workers": 2, "joined": 3, "lost": 1, "most_promised": 1300, "asked_twice": 7}
"""What a report says of its workers."""


def with_members(report: Report, members: dict[str, Any]) -> Report:
    """Return a report of which these members of the metadata's JSON are others."""
    return replace(report, metadata=Metadata.from_json(report.about | members))


def with_about(path: Path, target: Path, **changed: Any) -> Path:
    """Write a report again with some of its metadata changed, as if it had been made so."""
    table = pq.read_table(path)
    about = json.loads(table.schema.metadata[KEY.encode()]) | changed
    text, columns = (
        json.dumps(about),
        json.loads(table.schema.metadata[CHECKSUMS.encode()])["columns"],
    )
    metadata = {
        **table.schema.metadata,
        KEY.encode(): text.encode(),
        CHECKSUMS.encode(): checksums(text, columns).encode(),
    }
    pq.write_table(table.replace_schema_metadata(metadata), target)
    return target
