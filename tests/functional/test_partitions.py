"""A run in parts reports what a run in one part reports, night after night."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Set as AbstractSet
from datetime import timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import duckdb
import pandas as pd
import pytest
from aiohttp import web

from jobs.errors import RunInterruptedError
from jobs.report.model import Report
from jobs.report.parquet import read_parquet as read_report
from jobs.store.outputs import parse_outputs
from palm.sandbox import SandboxGateway
from palm.sandbox.requests.rejections import RejectionReason
from palm.sandbox.responses import rejection_response
from palm.settings import Settings, load_settings, read_config
from palm.testing import serving
from tests.night import DAY, options, run_quietly

ORGANIZATIONS = ("0042", "1001", "学校", "=5", "org with blanks")
OWN_TIMES = [
    "answered_at", "known_at", "first_seen_at", "last_changed_at", "request_id", "attempts",
]  # fmt: skip
"""What differs between two runs over the same input."""
KEYS = ["organization_id", "openid"]


def write_input(path: Path, night: int) -> Path:
    """Write the input of a night: people come and go, lines repeat, some are odd or invalid."""
    chance = random.Random(night)
    lines = ["openid,organization_id,class,note"]
    for number in range(night * 7, 260 + night * 11):
        if chance.random() < 0.03:
            continue
        organization = ORGANIZATIONS[number * 7 % len(ORGANIZATIONS)]
        line = f"o{number:027},{organization},class {number % 9},"
        lines += [line] * (1 + (chance.random() < 0.05))
        if chance.random() < 0.03:
            lines.append(
                chance.choice([",1001,,", '" o1.0 ",0042,"a\nb",x', "a,b,c,d,e", "o'2,'7,,"])
            )
    header, *body = [*lines, "E+12,1001,,"]
    chance.shuffle(body)
    path.write_text("\n".join([header, *body]) + "\n", encoding="utf-8")
    return path


class MoodyGateway(SandboxGateway):
    """A gateway that refuses some pairs, always the same ones, and may interrupt who asks.

    Attributes:
        refuses: Whether it refuses anybody.
        interrupt_at: The number of the query at which this process gets a SIGINT; None: never.
    """

    refuses = True
    interrupt_at: int | None = None

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if self.interrupt_at is not None and self.stats.requests >= self.interrupt_at:
            self.interrupt_at = None
            os.kill(os.getpid(), signal.SIGINT)
        kind = crc32(request.raw_path.encode()) % 20
        answered = await super()._handle(request)
        if self.refuses and kind in REFUSALS:
            answer = rejection_response(REFUSALS[kind], "en", signed=False)
            return web.Response(status=answer.status, body=answer.body)
        return answered


REFUSALS = {
    3: RejectionReason(400, "PARAM_ERROR", 268435457, "参数错误", "Wrong parameter"),
    7: RejectionReason(404, "RESOURCE_NOT_EXISTS", 268435458, "不存在", "Not found"),
}


class Nights:
    """The same nights, in one part and in several."""

    def __init__(self, folder: Path, gateway: MoodyGateway, settings: Settings) -> None:
        self.folder, self.gateway, self.settings = folder, gateway, settings

    def run(self, night: int, partitions: int, **given: Any) -> Report:
        """Run a night; its report goes to a file, or in parts to a folder."""
        day = DAY + timedelta(days=night)
        self.gateway.date = day
        output, work = given.pop("output", "report.parquet"), given.pop("work", None)
        outputs = parse_outputs(
            (f"{self.folder}/{partitions}/{output}",), None, day, in_parts=partitions > 1, work=work
        )
        chosen = options(
            self.source(night), Path(), day, outputs=outputs, settings=self.settings,
            rate=100_000, concurrency=64, partitions=partitions, **given,
        )  # fmt: skip
        Path(self.folder, str(partitions)).mkdir(exist_ok=True)
        run_quietly(chosen)
        return read_report(outputs.primary)

    def source(self, night: int) -> Path:
        return write_input(self.folder / f"{night}.csv", night)


def assert_same(one: Report, parts: Report, besides: AbstractSet[str] = frozenset()) -> None:
    """Check that two reports differ in what differs between any two runs only.

    ``besides``: what is counted of the requests and differs, too.
    """
    rows, others = one.rows.drop(columns=OWN_TIMES), parts.rows.drop(columns=OWN_TIMES)
    if parts.metadata.parts is None:  # the input's order, then those who are not in it
        pd.testing.assert_series_equal(rows["input_line"], others["input_line"])
    else:
        others = others.sort_values("input_line", kind="stable", ignore_index=True)
    listed = len(rows["input_line"].dropna())
    pd.testing.assert_frame_equal(rows.head(listed), others.head(listed))
    by_pair = [
        frame.astype({"organization_id": "str"}).sort_values(KEYS, ignore_index=True)
        for frame in (rows, others)
    ]
    pd.testing.assert_frame_equal(*by_pair)
    assert one.summary == parts.summary
    assert one.controls == tuple(each for each in parts.controls if each.name != "parts")
    about, other = dict(one.about), dict(parts.about)
    for name in ("run", "baseline", "history", "controls", "parts", "cluster"):
        about.pop(name, None), other.pop(name, None)
    asking, asking_of_parts = about.pop("asking"), other.pop("asking")
    same = {"requests", "retries", "outcomes", "refusals", "knowledge", "resumed", "rate"} - besides
    assert {name: asking[name] for name in same} == {name: asking_of_parts[name] for name in same}
    assert about == other
    assert one.run.exit_code == parts.run.exit_code
    assert one.run.verdict == parts.run.verdict


@pytest.fixture
def nights(tmp_path, keys):
    with serving(MoodyGateway(keys, date=DAY)) as gateway:
        keys.write(tmp_path / "keys", gateway.base_url)
        settings = load_settings(read_config(tmp_path / "keys" / "palm.toml"))
        yield Nights(tmp_path, gateway, settings)


@pytest.mark.parametrize(
    ("count", "partitions"),
    [
        pytest.param(3, 8, id="three nights", marks=pytest.mark.slow),
        pytest.param(30, 8, id="thirty nights", marks=pytest.mark.manual),
        pytest.param(4, 64, id="many parts", marks=pytest.mark.manual),
        pytest.param(3, 32, id="some parts", marks=pytest.mark.manual),
    ],
)
def test_night_after_night_parts_report_what_one_part_reports(nights, count, partitions):
    seen = set()
    for night in range(count):
        one, parts = nights.run(night, 1), nights.run(night, partitions)
        assert_same(one, parts)
        seen |= {name for name, rows in one.summary.changes.items() if rows}
    assert {"FIRST_SEEN", "UNCHANGED", "UNKNOWN", "DROPPED", "ABSENT"} <= seen


@pytest.mark.slow
def test_a_folder_keeps_the_parts_and_any_number_of_them_serves_the_next_night(nights):
    nights.run(0, 1, output="report.parquet")
    for night, partitions in enumerate((4, 16, 1, 8)):
        one = nights.run(night, 1)
        parts = nights.run(night, partitions, output="../reports/")
        assert_same(one, parts)
        day = nights.folder / "reports" / f"run_date={DAY + timedelta(days=night)}"
        assert len(list(day.iterdir())) == partitions
        read = duckdb.read_parquet(f"{day}/*.parquet")
        assert read.shape[0] == len(one.rows)


@pytest.mark.slow
def test_a_run_that_was_interrupted_goes_on_in_parts_and_asks_nobody_twice(nights):
    nights.run(0, 1), nights.run(0, 8)
    one = nights.run(1, 1)
    nights.gateway.stats.asked.clear()
    nights.gateway.interrupt_at = nights.gateway.stats.requests + 120
    with pytest.raises(RunInterruptedError, match="are kept in the journal"):
        nights.run(1, 8)
    before = sum(nights.gateway.stats.asked.values())
    parts = nights.run(1, 8)
    assert parts.asking.resumed >= before - 64
    assert sum(nights.gateway.stats.asked.values()) <= parts.summary.pairs + 64
    assert not list(nights.folder.glob("8/.*work*"))
    drop = {"requests", "outcomes", "resumed", "retries", "refusals"}
    assert_same(one, parts, besides=drop)


@pytest.mark.slow
@pytest.mark.parametrize("output", ["report.parquet", "../reports/"])
def test_what_a_run_needs_until_it_ends_lies_in_the_folder_that_was_named(nights, output):
    shared = nights.folder / "shared"
    shared.mkdir()
    nights.gateway.interrupt_at = nights.gateway.stats.requests + 120
    with pytest.raises(RunInterruptedError, match="are kept in the journal"):
        nights.run(0, 8, output=output, work=shared)
    assert [path.suffix for path in shared.iterdir()] == [".work"]
    assert list(shared.glob(f"*.work/run_date={DAY}/journals/*"))
    beside = {path.parent.name for path in nights.folder.rglob("*.work")}
    assert beside == {"shared"}
    parts = nights.run(0, 8, output=output, work=shared)
    assert parts.asking.resumed
    assert not list(shared.iterdir())


@pytest.mark.slow
def test_a_corrected_run_in_parts_asks_those_without_an_answer_only(nights):
    nights.run(0, 1), nights.run(0, 8)
    one, parts = nights.run(1, 1), nights.run(1, 8)
    nights.gateway.refuses = False
    nights.gateway.stats.asked.clear()
    corrected = nights.run(1, 8, retry_unanswered=True)
    assert sum(nights.gateway.stats.asked.values()) == parts.summary.states["UNKNOWN"]
    assert corrected.run.parent == parts.run_id
    assert_same(nights.run(1, 1, retry_unanswered=True), corrected)
    assert corrected.summary.states["UNKNOWN"] == 0 < one.summary.states["UNKNOWN"]


@pytest.mark.slow
def test_other_formats_of_a_report_in_parts_are_those_of_one_file(nights, show):
    """A CSV, another Parquet file and a page have the rows in the input's order."""
    folder = nights.folder / "4"
    folder.mkdir()
    names = ["all.csv", "copy.parquet", "page.html"]
    outputs = parse_outputs(
        (f"{folder}/reports/", *(f"{folder}/{name}" for name in names)), None, DAY, in_parts=True
    )
    chosen = options(
        nights.source(0), Path(), DAY, outputs=outputs, settings=nights.settings,
        rate=100_000, partitions=4,
    )  # fmt: skip
    run_quietly(chosen)
    whole = read_report(folder / "copy.parquet")
    assert whole.metadata.parts is None
    assert whole.rows["input_line"].is_monotonic_increasing
    assert_same(whole, read_report(outputs.day))
    for name in names:
        converted = folder / f"converted.{name}"
        show(outputs.day, "-o", converted)
        assert converted.read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize("pairs", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_there_may_be_fewer_pairs_than_parts(nights, tmp_path, pairs):
    """Then some parts have no row."""
    source = tmp_path / "few.csv"
    lines = "".join(f"o{number:027},000{number},class {number}\n" for number in range(pairs))
    source.write_text(f"openid,organization_id,class\n{lines}")
    nights.source = lambda _: source
    for night in range(2):
        parts = nights.run(night, 8, output="reports/")
        assert_same(nights.run(night, 1, output="reports/"), parts)
        assert len(parts.rows) == pairs
        assert parts.metadata.parts.count == 8
