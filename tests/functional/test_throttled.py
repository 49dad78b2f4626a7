"""One pair that the gateway always throttles, against the sandbox: the night ends for nobody."""

from __future__ import annotations

import sys

import openpyxl
import pytest
from aiohttp import web
from rich.console import Console

from jobs.render.terminal import print_summary
from jobs.report.parquet import read_parquet
from jobs.run.config import Waits
from jobs.store.outputs import Outputs
from jobs.sweep.abort.thresholds import AbortThresholds
from jobs.sweep.rules import SweepRules
from palm import Retry
from palm.sandbox import SandboxGateway
from palm.settings import load_settings, read_config
from palm.testing import serving
from tests.night import DAY, options, run_quietly, write_pairs

ALWAYS = f"o{7:027}"
WAITS = Waits(  # a hundredth of the usual ones
    retry=Retry(base_s=0.002, cap_s=0.2, throttle_s=0.01, patience_s=float("inf")),
    sweep=SweepRules(replace_s=0.05, check_every_s=0.01, abort=AbortThresholds(patience_s=60.0)),
)


class PickyGateway(SandboxGateway):
    """Throttles whoever asks about one person.

    Attributes:
        answer: What it says then.
        times: How often it said so.
    """

    answer = (429, b"")
    times = 0

    async def _handle(self, request):
        if ALWAYS in request.raw_path:
            self.times += 1
            status, body = self.answer
            return web.Response(status=status, body=body)
        return await super()._handle(request)


@pytest.fixture
def picky(keys, folder):
    with serving(PickyGateway(keys, date=DAY)) as gateway:
        keys.write(folder / "keys", gateway.base_url)
        yield gateway


@pytest.mark.slow
@pytest.mark.parametrize("pairs", [8, 300], ids=["a canary", "any pair"])
@pytest.mark.parametrize(
    "answer",
    [(429, b""), (400, '{"code":"PARAM_ERROR","message":"操作频繁，请稍后再试"}'.encode())],
    ids=["429", "400"],
)
def test_a_pair_that_is_always_throttled_is_unknown_and_the_report_is_written(
    picky, folder, pairs, answer
):
    picky.answer = answer
    source, output = write_pairs(folder / "pairs.csv", pairs), folder / "report.parquet"
    settings = load_settings(read_config(folder / "keys" / "palm.toml"))
    run_quietly(options(source, output, DAY, settings=settings, rate=500, waits=WAITS))
    report = read_parquet(output)
    rows = report.rows.set_index("openid")
    assert report.summary.unknown_reasons == {"THROTTLED": 1}
    assert rows.loc[ALWAYS, ["state", "unknown_reason"]].tolist() == ["UNKNOWN", "THROTTLED"]
    assert report.summary.states["UNKNOWN"] == 1
    assert 11 <= picky.times == report.about["asking"]["throttles"] <= 20
    assert report.about["asking"]["pauses"] == 0
    assert report.about["run"]["exit_code"] == (3 if pairs == 8 else 0)


def test_a_refused_pair_is_listed_by_code_and_message_on_every_surface(picky, folder, capsys):
    picky.answer = (404, b'{"code":"RESOURCE_NOT_EXISTS","message":"no such person here"}')
    source, output = write_pairs(folder / "pairs.csv", 60), folder / "report.parquet"
    files = (output, folder / "r.json", folder / "r.html", folder / "r.xlsx")
    settings = load_settings(read_config(folder / "keys" / "palm.toml"))
    chosen = options(
        source, output, DAY, settings=settings, rate=500, waits=WAITS,
        outputs=Outputs(files, output),
    )  # fmt: skip
    report = run_quietly(chosen)
    assert report.summary.unknown_reasons == {"REFUSED": 1}
    print_summary(report, Console(file=sys.stdout, width=200))
    sheets = openpyxl.load_workbook(folder / "r.xlsx")
    cells = [str(cell.value) for sheet in sheets for row in sheet.rows for cell in row]
    surfaces = {
        "summary": capsys.readouterr().out,
        "json": (folder / "r.json").read_text(encoding="utf-8"),
        "html": (folder / "r.html").read_text(encoding="utf-8"),
        "excel": "\n".join(cells),
    }
    for name, text in surfaces.items():
        for said in ("404", "RESOURCE_NOT_EXISTS", "no such person here"):
            assert said in text, (name, said)
    assert "{'" not in surfaces["excel"]
