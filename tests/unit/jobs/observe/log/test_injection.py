"""No text from elsewhere steers a terminal, or breaks a line: every control on every surface."""

from __future__ import annotations

import copy
import io
import json
import logging
import os
import re
import zipfile
from dataclasses import replace
from html import unescape

import pytest
import structlog

from jobs.commands import reconcile
from jobs.commands.exit_codes import exit_code_of
from jobs.observe.log.messages import log_error, log_summary
from jobs.observe.log.setup import set_up_logging
from jobs.observe.metrics import write_metrics
from jobs.render.excel.workbook import write_excel
from jobs.render.html.page import render
from jobs.render.json import write_json
from jobs.render.language import Language
from jobs.render.terminal import SummaryConsole, print_rows, print_summary
from jobs.report.info import Metadata
from palm.commands.runner import print_error, run_command
from palm.text.printable import json_text, printable

CONTROLS = [
    chr(number)
    for number in (
        *range(0x20),
        *range(0x7F, 0xA0),
        0xAD,
        0x61C,
        *range(0x200B, 0x2010),
        *range(0x2028, 0x202F),
        *range(0x2060, 0x2065),
        *range(0x2066, 0x2070),
        0xFEFF,
        0xE0001,
    )
]
NASTY = "]0;title\a[31m".join(["\x1b", *CONTROLS, "end"])
WORDS = "one[red]two[/red] :smile: " + NASTY


def controls_in(text, keep=""):
    """Return which controls stand in a text, but for those that the surface itself writes."""
    return [f"U+{ord(c):04X}" for c in CONTROLS if c in text and c not in keep]


@pytest.fixture
def report(report_of, nights, tmp_path):
    """A report in whose every text that people see there are all controls."""
    made = report_of({"A/a": "ON", "A/b": "UNKNOWN", "A/c": "OFF"}, nights[0])
    about = copy.deepcopy(made.about)
    about["gateway"]["mchid"] = WORDS
    about["run"] |= {"id": WORDS, "verdict": [WORDS], "parent": WORDS}
    about["input"] |= {"name": WORDS, "encoding": WORDS}
    about["tool"]["palm-reconcile"] = WORDS
    for control in about["controls"]:
        control["detail"] = WORDS
    summary = about["summary"]
    summary["by_organization"] = {
        f"{name}{WORDS}": counts for name, counts in summary["by_organization"].items()
    }
    rows = made.rows.copy()
    rows["openid"] = rows["openid"] + WORDS
    rows["organization_id"] = (rows["organization_id"].astype(str) + WORDS).astype("category")
    rows["change"] = rows["change"].cat.set_categories(rows["change"].cat.categories)
    rows.loc[:, "change"] = "OPENED"
    rows[f"name{WORDS}"] = WORDS
    about = Metadata.from_json(about)
    return replace(made, content=rows, metadata=about, show=(f"name{WORDS}",))


@pytest.fixture
def logged():
    root, palm = logging.getLogger(), logging.getLogger("palm")
    before = root.handlers[:], root.level, palm.level

    def lines(log_format, write):
        stream = io.StringIO()
        set_up_logging(log_format, level=logging.DEBUG, stream=stream)
        write()
        return stream.getvalue()

    yield lines
    root.handlers[:], root.level, palm.level = before
    structlog.reset_defaults()


@pytest.mark.parametrize("control", CONTROLS)
def test_each_control_becomes_one_character_that_does_nothing(control):
    assert printable(f"a{control}b") == "a�b"
    assert json_text({"a": control}).isprintable()
    assert json.loads(json_text({control: [control]})) == {control: [control]}


@pytest.mark.parametrize("text", ["a b", "中文　名", "\xa0", "é", "😀", "\u3000"])
def test_all_else_stays(text):
    assert printable(text) == text


def test_json_that_is_shown_says_the_same(report):
    text = json_text(report.about, indent=2)
    assert controls_in(text, keep="\n") == []
    assert json.loads(text) == report.about


def test_an_error_is_one_line(capfd):
    print_error("palm", WORDS)
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert controls_in(err, keep="\n") == []


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_an_event_is_one_line(logged, report, log_format):
    def write():
        log = structlog.get_logger("palm.run")
        log.warning(WORDS, name=WORDS, nested={WORDS: [WORDS, (WORDS,)]}, path=ValueError(WORDS))
        logging.getLogger("palm").warning("asked %s", WORDS)
        logging.getLogger("palm").warning(WORDS)
        log_error(WORDS, exit_code=4)

    text = logged(log_format, write)
    assert text.count("\n") == 4
    assert controls_in(text, keep="\n") == []
    text = logged(log_format, lambda: log_summary(report, WORDS))
    assert controls_in(text, keep="\n") == []


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_logged_exception_tells_type_and_place_and_no_value(logged, log_format):
    def fail():
        inside = "s3cret-of-a-frame"
        raise ValueError(inside)

    def write():
        for name in ("palm", "asyncio"):
            try:
                fail()
            except ValueError:
                logging.getLogger(name).exception("failed")

    text = logged(log_format, write)
    assert text.count("\n") == 2
    assert "ValueError in test_injection.py, line " in text
    assert "s3cret" not in text


def test_the_summary_has_the_lines_of_a_sound_one(report, report_of, nights):
    def lines(shown):
        file = io.StringIO()
        console = SummaryConsole(file=file, width=100_000, highlight=False, force_terminal=False)
        print_summary(shown, console)
        return file.getvalue()

    text = lines(report)
    assert controls_in(text, keep="\n") == []
    assert "one[red]two[/red] :smile: " in text
    sound = report_of({"A/a": "ON", "A/b": "UNKNOWN", "A/c": "OFF"}, nights[0])
    assert text.count("\n") == lines(sound).count("\n")


def test_a_table_of_rows_has_one_line_a_row(report):
    file = io.StringIO()
    console = SummaryConsole(file=file, width=1_000_000, highlight=False, force_terminal=False)
    print_rows(report, console, wide=True)
    assert controls_in(file.getvalue(), keep="\n") == []
    assert len(file.getvalue().strip().splitlines()) == len(report.rows) + 2


@pytest.mark.parametrize("language", Language)
def test_a_page_shows_none(report, language):
    page = render(report, language)
    assert "one[red]two[/red]" in page
    assert controls_in(page, keep="\n") == []
    assert controls_in(unescape(page), keep="\n") == []


@pytest.mark.parametrize("language", Language)
def test_a_workbook_shows_none(report, language):
    file = io.BytesIO()
    write_excel(report, file, language)
    with zipfile.ZipFile(file) as packed:
        for name in packed.namelist():
            text = packed.read(name).decode("utf-8", "replace")
            assert controls_in(text, keep="\t\r\n") == [], name
            kept = {"_x0009_", "_x000D_", "_x000A_"}
            assert set(re.findall("_x[0-9A-F]{4}_", text)) <= kept, name


def test_the_json_file_shows_none(report):
    file = io.BytesIO()
    write_json(report, file)
    assert controls_in(file.getvalue().decode(), keep="\n") == []
    assert json.loads(file.getvalue()) == report.about


def test_metrics_have_none(report, tmp_path):
    asking = {**report.about["asking"], "outcomes": {WORDS: 3}}
    path = tmp_path / "palm.prom"
    write_metrics(
        path,
        replace(report, metadata=Metadata.from_json({**report.about, "asking": asking})),
        name=WORDS,
        exit_code=0,
        finished=1.0,
        seconds=1.0,
    )
    assert controls_in(path.read_text(), keep="\n") == []
    assert 'outcome="one[red]two' in path.read_text()


@pytest.mark.parametrize("more", [["--plan"], ["--max-duration", "0s"], ["--openid-column", "x"]])
def test_the_name_of_an_input_steers_nothing(tmp_path, monkeypatch, capfd, more):
    monkeypatch.chdir(tmp_path)
    some = "".join(c for c in CONTROLS if c != "\0")
    for at in range(0, len(some), 60):
        name = f"a{some[at : at + 60]}.csv"
        with open(name, "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write("openid,organization_id\no1,1004\n")
        handlers = logging.getLogger().handlers[:]
        with pytest.raises(SystemExit):
            run_command(
                reconcile.command,
                "palm-reconcile",
                exit_code_of,
                [name, "-o", f"{name}.csv", "--sandbox", *more],
            )
        logging.getLogger().handlers[:] = handlers
        out, err = capfd.readouterr()
        assert controls_in(out + err, keep="\n") == []
        os.unlink(name)  # noqa: PTH108
