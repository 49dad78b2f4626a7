"""The page in a real browser: headless Chromium, driven over its own protocol.

Nothing is needed but the browser itself: the DevTools protocol is JSON over a websocket, for which
aiohttp is there. Where no Chromium is, the tests are skipped and say so.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import shutil
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from jobs.compare.summary import summarize
from jobs.render.html.page import write_html
from jobs.render.language import Language
from jobs.report.parquet import read_parquet
from jobs.schema import ROWS, conform

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
)
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=http://127.0.0.1:9/x onerror=alert(1)>",
    "=1+1",
    '"; DROP TABLE rows; --',
    "掌" * 128,
    "</title></style></pre><style>*{display:none}</style>",
)
SCRIPT = Path(sys.executable).parent / "palm-reconcile"

TOO_FAINT = """
(() => {
  const channels = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = rgb => rgb.slice(0, 3).map(c => c / 255)
    .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const rgb = channels(getComputedStyle(at).backgroundColor);
      if (rgb.length === 3 || rgb[3] === 1) return rgb;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.body.querySelectorAll(":not(svg, svg *)")) {
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!own || !element.getClientRects().length) continue;
    const pair = [light(channels(getComputedStyle(element).color)), light(behind(element))];
    const contrast = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (contrast < 4.5) faint.push(contrast.toFixed(2) + " " + element.textContent.slice(0, 40));
  }
  return faint;
})()
"""
"""Texts whose contrast is under the 4.5 of WCAG's level AA."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None,
        reason="no Chromium here; on Debian: apt-get install chromium fonts-noto-cjk",
    ),
]


def views(narrow: int, wide: int) -> pytest.MarkDecorator:
    """Run a test in both widths, schemes and languages; all but two of these views are manual."""
    return pytest.mark.parametrize(
        ("width", "dark", "language"),
        [
            pytest.param(
                width, dark, language,
                id=f"{width}-{'dark' if dark else 'light'}-{language}",
                marks=[] if view in {(narrow, False, "en"), (wide, True, "zh")}
                else [pytest.mark.manual],
            )
            for width, dark, language in itertools.product((narrow, wide), (False, True), Language)
            for view in [(width, dark, language.value)]
        ],
    )  # fmt: skip


class Page:
    """A page of the browser: what is asked of it, and what it reported meanwhile."""

    def __init__(self, socket):
        self._socket, self._ids, self._answers = socket, itertools.count(1), {}
        self._session = self._target = None
        self.events = []
        self._reader = asyncio.create_task(self._read())

    async def _read(self):
        async for message in self._socket:
            told = json.loads(message.data)
            if "id" in told:
                self._answers.pop(told["id"]).set_result(told)
            else:
                self.events.append(told)

    async def call(self, method, **params):
        """Return the result of a method of the protocol."""
        asked = {"id": next(self._ids), "method": method, "params": params}
        if self._session:
            asked["sessionId"] = self._session
        answer = self._answers[asked["id"]] = asyncio.get_running_loop().create_future()
        await self._socket.send_json(asked)
        told = await asyncio.wait_for(answer, 30)
        assert "error" not in told, (method, told["error"])
        return told["result"]

    async def open(self, url, *, width=1200, dark=False):
        """Open an address and wait until it is loaded."""
        self._target = (await self.call("Target.createTarget", url="about:blank"))["targetId"]
        attached = await self.call("Target.attachToTarget", targetId=self._target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            await self.call(f"{domain}.enable")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=844,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        await self.call("Page.navigate", url=url)
        until = time.monotonic() + 30
        while "Page.loadEventFired" not in (event["method"] for event in self.events):
            assert time.monotonic() < until, "the page does not load"
            await asyncio.sleep(0.02)

    async def close(self):
        """Close it, or the browser keeps it."""
        self._session = None
        await self.call("Target.closeTarget", targetId=self._target)

    async def read(self, expression):
        """Return the value of a JavaScript expression."""
        result = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def violations(self, axe):
        """Return the rules of axe-core, whose source is given, that elements of the page break."""
        await self.read(axe)
        await self.read("document.querySelectorAll('details').forEach(d => d.open = true)")
        found = await self.call(
            "Runtime.evaluate",
            expression="axe.run().then(found => found.violations.map("
            "v => [v.id, v.nodes.map(n => n.html.slice(0, 120))]))",
            awaitPromise=True,
            returnByValue=True,
        )
        return found["result"]["value"]

    async def picture(self, path, **clip):
        """Save a picture of the whole page, or of a part of it."""
        shot = await self.call(
            "Page.captureScreenshot", captureBeyondViewport=True, **({"clip": clip} if clip else {})
        )
        path.write_bytes(base64.b64decode(shot["data"]))

    def told(self, *methods):
        """Return the parameters of the events of these kinds."""
        return [event["params"] for event in self.events if event["method"] in methods]

    @property
    def complaints(self):
        """What a person would see in the console, and what the policy forbade."""
        return self.told(
            "Log.entryAdded",
            "Runtime.consoleAPICalled",
            "Runtime.exceptionThrown",
            "Audits.issueAdded",
            "Page.javascriptDialogOpening",
        )

    @property
    def requests(self):
        """The addresses that were asked for, the page's own too."""
        return [each["request"]["url"] for each in self.told("Network.requestWillBeSent")]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Start a browser with a profile of its own and return its address."""
    profile = tmp_path_factory.mktemp("profile")
    process = subprocess.Popen(
        [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        ready, until = profile / "DevToolsActivePort", time.monotonic() + 30
        while not (ready.exists() and len(ready.read_text().split()) == 2):
            assert process.poll() is None, "the browser ended at once"
            assert time.monotonic() < until, "the browser does not start"
            time.sleep(0.05)
        port, path = ready.read_text().split()
        yield f"ws://127.0.0.1:{port}{path}"
    finally:
        process.terminate()
        process.wait(10)


@asynccontextmanager
async def page_of(browser, url, **options):
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(browser, max_msg_size=0) as socket,
    ):
        page = Page(socket)
        await page.open(url, **options)
        yield page
        await page.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Return the report of a night after another, hostile openids in it, made by the command."""
    folder = tmp_path_factory.mktemp("report")
    lines = ["openid,organization_id,class"]
    lines += [f"o{number:027},{number % 40:04},k-{number}" for number in range(400)]
    quoted = [each.replace('"', '""') for each in HOSTILE]
    lines += [f'"{each}","<b>{at}</b>",secret' for at, each in enumerate(quoted)]
    source, output = folder / "<i>input &amp;.csv", folder / "report.parquet"
    for day, end in ((20, 350), (21, None)):
        source.write_text("\n".join(lines[:end]) + "\n", encoding="utf-8")
        subprocess.run(
            [SCRIPT, source, "-o", output, "--run-date", f"2026-11-{day}", "--sandbox", "-q"],
            check=True,
        )
    return read_parquet(output)


@pytest.fixture(scope="module")
def nights(report):
    """Return a usual night, a first one, a quiet one, and one on which nobody answered."""
    return {
        "usual": report,
        "first": _changed(report, baseline=None, change="FIRST_SEEN", previous_state=None),
        "quiet": _changed(report, change="UNCHANGED"),
        "unanswered": _changed(report, change="UNKNOWN", state="UNKNOWN", unknown_reason="TIMEOUT"),
    }


def _changed(report, *, baseline=..., **values):
    """Return a report whose rows have these values."""
    rows = conform(report.rows[report.rows["state"].notna()].assign(**values), ROWS)
    before = report.metadata.baseline if baseline is ... else baseline
    metadata = replace(
        report.metadata,
        baseline=before,
        summary=summarize(rows, baseline_run_date=before.run_date if before else None),
    )
    return replace(report, content=rows, metadata=metadata)


@pytest.fixture(scope="module")
def addresses(report, tmp_path_factory):
    """Write the page in both languages and return where."""
    folder = tmp_path_factory.mktemp("pages")
    for language in Language:
        with (folder / f"{language}.html").open("wb") as file:
            write_html(report, file, language)
    return {language: (folder / f"{language}.html").as_uri() for language in Language}


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 768, 1200])
async def test_it_complains_about_nothing_asks_for_nothing_and_fits(
    browser, addresses, language, dark, width
):
    async with page_of(browser, addresses[language], width=width, dark=dark) as page:
        assert await page.read("document.documentElement.scrollWidth") <= width
        assert await page.read(TOO_FAINT) == []
        assert page.complaints == []
        assert page.requests == [addresses[language]]


@pytest.mark.parametrize("language", Language)
async def test_the_numbers_on_the_page_are_those_of_the_metadata(
    browser, addresses, report, language
):
    async with page_of(browser, addresses[language]) as page:
        shown = await page.read(
            "[...document.querySelectorAll('[data-n]')].map(e => [e.dataset.n, e.textContent])"
        )
        organizations = await page.read(cells_of("organizations"))
    assert len(shown) > 40
    for name, text in shown:
        expected = report.about["summary"]
        for part in name.split("."):
            expected = expected[part]
        assert number(text) == expected, name
    assert len(organizations) == 21
    counted = dict(report.about["summary"]["by_organization"])
    for name, lost, gained, net, *_, on, off, none, unknown, pairs, _, _, _ in organizations[:-1]:
        own = counted.pop(name)
        assert number(pairs) == own["pairs"]
        assert [*map(number, (on, off, none, unknown))] == list(own["states"].values())
        assert number(lost) == own["lost"]
        assert number(gained) == sum(own["changes"].get(c, 0) for c in ("OPENED", "REOPENED"))
        assert number(net) == number(gained) - number(lost)
    assert number(organizations[-1][11]) == sum(own["pairs"] for own in counted.values())
    assert number(organizations[-1][1]) == sum(own["lost"] for own in counted.values())


@views(390, 1200)
@pytest.mark.parametrize("night", ["usual", "first", "quiet", "unanswered"])
async def test_axe_finds_no_violation(
    browser, nights, node_modules, tmp_path, night, language, dark, width
):
    """Headings, scopes, alternative texts, contrast, names, keyboard: all rules of axe-core."""
    with (tmp_path / "page.html").open("wb") as file:
        write_html(nights[night], file, language)
    axe = (node_modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    address = (tmp_path / "page.html").as_uri()
    async with page_of(browser, address, width=width, dark=dark) as page:
        assert await page.violations(axe) == []


async def test_what_is_folded_opens_with_the_keyboard_alone(browser, addresses):
    async with page_of(browser, addresses[Language.EN]) as page:
        await page.read("document.querySelector('#columns > summary').focus()")
        for kind in ("keyDown", "keyUp"):
            await page.call(
                "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", text="\r",
                windowsVirtualKeyCode=13,
            )  # fmt: skip
        assert await page.read("document.querySelector('#columns').open") is True


@pytest.mark.parametrize("language", Language)
async def test_on_a_phone_only_tables_scroll_and_no_number_is_broken(browser, addresses, language):
    async with page_of(browser, addresses[language], width=390) as page:
        sideways = await page.read(
            "[...document.querySelectorAll('body *')].filter(e => e.scrollWidth > e.clientWidth + 1"
            " && getComputedStyle(e).overflowX !== 'visible' && !e.closest('.scroll, pre, svg')"
            " && !e.closest('details:not([open])')).map(e => e.outerHTML.slice(0, 80))"
        )
        broken = await page.read(
            "[...document.querySelectorAll('[data-n], .organizations td, .moves dd')].filter(e => {"
            " const text = document.createRange(); text.selectNodeContents(e);"
            " const lines = [...text.getClientRects()].map(r => Math.round(r.bottom / 8));"
            " return new Set(lines).size > 1;"
            "}).map(e => e.textContent)"
        )
        first = await page.read("document.querySelector('.moves').getBoundingClientRect().top")
    assert sideways == []
    assert [text for text in broken if "→" not in text] == []
    assert first < 844  # what was lost and gained is on the first screen


@pytest.mark.parametrize("language", Language)
async def test_a_printed_page_has_its_number_and_each_page_of_a_table_its_headings(
    browser, addresses, language
):
    async with page_of(browser, addresses[language]) as page:
        rules = await page.read(
            "[...document.styleSheets[0].cssRules].filter(r => r.conditionText === 'print'"
            " || r.media?.mediaText === 'print').map(r => r.cssText).join('')"
        )
    assert "counter(page)" in rules
    assert "table-header-group" in rules


async def test_hostile_openids_and_organizations_are_text(browser, addresses):
    async with page_of(browser, addresses[Language.EN]) as page:
        pairs = {row[1]: row[0] for row in await page.read(cells_of("pairs"))}
        facts = await page.read("document.querySelector('.facts').textContent")
        strange = await page.read("document.querySelectorAll('script, img, i, [onerror]').length")
    assert {openid: pairs.get(openid) for openid in HOSTILE} == {
        openid: f"<b>{at}</b>" for at, openid in enumerate(HOSTILE)
    }
    assert "<i>input &amp;.csv" in facts
    assert strange == 0


async def test_the_policy_stops_what_would_come_through_as_markup(browser, addresses):
    """As if escaping had failed: the browser neither runs it nor fetches it."""
    callers = []
    server = await asyncio.start_server(lambda *streams: callers.append(streams), "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    hostile = (
        f"<img src='{address}/x' onerror='window.ran = 1'>"
        f"<link rel=stylesheet href='{address}/y'><p style='color: rgb(255, 0, 0)'>"
    )
    async with server, page_of(browser, addresses[Language.EN]) as page:
        await page.read(f"document.body.insertAdjacentHTML('beforeend', {json.dumps(hostile)})")
        await page.read(
            "document.body.append(Object.assign(document.createElement('script'),"
            "{text: 'window.ran = 1'}))"
        )
        await asyncio.sleep(0.3)
        assert await page.read("window.ran") is None
        colour = await page.read("getComputedStyle(document.querySelector('p[style]')).color")
        assert colour != "rgb(255, 0, 0)"
        assert "Content Security Policy" in json.dumps(page.complaints)
        assert callers == []


@pytest.mark.parametrize("language", Language)
async def test_on_paper_nothing_is_cut(browser, addresses, language):
    paper, scrollbar = 703, 15  # A4 less its margins, in CSS pixels
    async with page_of(browser, addresses[language], width=paper + scrollbar) as page:
        await page.call("Emulation.setEmulatedMedia", media="print")
        wide = await page.read(
            "[...document.querySelectorAll('.scroll, pre')]"
            ".filter(e => e.scrollWidth > e.clientWidth + 1)"
            ".map(e => [e.scrollWidth, e.clientWidth, e.textContent.slice(0, 60)])"
        )
        assert wide == []
        await page.call("Emulation.setEmulatedMedia", media="")
        printed = await page.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
    assert base64.b64decode(printed["data"]).startswith(b"%PDF")


def cells_of(section):
    """Return the JavaScript for the cells of a section's table, as text."""
    return (
        f"[...document.querySelectorAll('[aria-labelledby={section}] tbody tr')]"
        ".map(r => [...r.cells].map(c => c.textContent.replace(/\\n$/, '')))"
    )


def number(text):
    return 0 if text.strip() == "·" else int(text.replace(",", ""))
