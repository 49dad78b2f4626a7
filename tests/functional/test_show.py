"""``palm-report``: a report made earlier, shown or converted, whole or in part."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest

from jobs.render import FORMATS
from jobs.report.model import KEY, SCHEMA, ReportError
from jobs.report.parquet import read_parquet
from palm.sandbox import Faults
from tests.damage import damage, footer_of
from tests.forkserver import COMMANDS
from tests.night import NEXT, with_about


@pytest.fixture
def report(reconcile, gateway, made_once):
    """Return a report of two nights: some changed, some dropped, some without an answer."""

    def two_nights():
        assert reconcile("-q").code == 0
        gateway.date, gateway.faults = NEXT, Faults.parse("nostate=0.3")
        lines = Path("pairs.csv").read_text().splitlines(keepends=True)
        Path("pairs.csv").write_text("".join([lines[0], *lines[3:], "oNew,0042,x\n", ",0042,x\n"]))
        assert reconcile("-q", run_date=NEXT).code == 3

    made_once("two nights", two_nights)
    gateway.date, gateway.faults = NEXT, Faults.parse("nostate=0.3")
    return read_parquet(Path("report.parquet"))


def rows_of(report, only):
    rows = report.rows
    quiet = ["UNCHANGED", "UNKNOWN", "ABSENT"]
    kept = ~rows["change"].isin(quiet) if only == "--changes" else rows["state"] == "UNKNOWN"
    assert kept.any()
    return rows[kept]


def rows_of_csv(text):
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_it_prints_the_summary_that_the_run_printed(show, reconcile, gateway):
    printed = reconcile().err
    shown = show("report.parquet")
    assert (shown.code, shown.err) == (0, "")
    # A run's lines are neither wrapped nor apart, for they go into a log.
    words = printed.replace("Written: report.parquet\n", "").replace("─", "").split()
    assert shown.out.replace("─", "").split() == words


def test_it_converts_to_every_other_format_at_once(show, report):
    files = [f"copy.{suffix}" for suffix in FORMATS]
    ended = show("report.parquet", *[word for name in files for word in ("-o", name)])
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    copy = read_parquet(Path("copy.parquet"))
    assert copy.about == report.about
    pd.testing.assert_frame_equal(copy.rows, report.rows)
    assert json.loads(Path("copy.json").read_text(encoding="utf-8")) == report.about
    assert len(rows_of_csv(Path("copy.csv").read_text(encoding="utf-8"))) == len(report.rows)
    assert report.run_id in Path("copy.html").read_text(encoding="utf-8")
    assert openpyxl.load_workbook("copy.xlsx")["Unknown"].max_row > 1


def test_what_it_converts_to_is_what_the_run_would_have_written(show, reconcile):
    names = [f"by-run.{suffix}" for suffix in ("html", "csv", "json")]
    assert reconcile("-q", *[word for name in names for word in ("-o", name)]).code == 0
    for name in names:
        assert show("report.parquet", "-o", name.replace("by-run", "later")).code == 0
        assert Path(name).read_bytes() == Path(name.replace("by-run", "later")).read_bytes()


@pytest.mark.parametrize("only", ["--changes", "--unanswered"])
def test_some_rows_are_a_table_on_a_terminal_and_csv_in_a_pipe(
    show, pipe, report, monkeypatch, only
):
    expected = list(rows_of(report, only)["openid"])
    done = pipe("palm-report", "report.parquet", only)
    assert (done.returncode, done.stderr) == (0, b"")
    assert [row["openid"] for row in rows_of_csv(done.stdout.decode())] == expected
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "300")
    table = show("report.parquet", only).out
    found = [word for line in table.splitlines() for word in line.split() if word in expected]
    assert found == expected


def test_the_unanswered_in_a_pipe_are_an_input(pipe, report, config):
    """Whoever wants to ask them alone can; ``--retry-unanswered`` corrects the report as well."""
    rows = pipe("palm-report", "report.parquet", "--unanswered").stdout
    given = ["-o", "some.parquet", "--run-date", NEXT, "--config", config, "-q"]
    assert pipe("palm-reconcile", "-", *given, stdin=rows).returncode in {0, 3}
    asked = pd.read_parquet("some.parquet")["openid"]
    assert list(asked) == list(rows_of(report, "--unanswered")["openid"])


@pytest.mark.parametrize("only", ["--changes", "--unanswered"])
def test_a_part_says_so_in_every_format_and_keeps_the_counts_of_the_whole(show, report, only):
    files = ("part.parquet", "part.html", "part.xlsx", "part.json", "part.csv")
    assert show("report.parquet", only, *[w for name in files for w in ("-o", name)]).code == 0
    part, expected = read_parquet(Path("part.parquet")), rows_of(report, only)
    assert list(part.rows["openid"]) == list(expected["openid"])
    assert part.summary == report.summary
    assert part.about == report.about | {"only": only[2:]}
    assert pd.read_parquet("part.parquet").attrs["palm_reconcile"]["only"] == only[2:]
    said = f"Only the rows of {only} are here"
    assert said in Path("part.html").read_text(encoding="utf-8")
    sheet = openpyxl.load_workbook("part.xlsx")["Summary"]
    assert any(said in str(cell.value) for cell in sheet["A"])
    assert json.loads(Path("part.json").read_text(encoding="utf-8"))["only"] == only[2:]
    assert said in " ".join(show("part.parquet").out.split())


def test_a_part_can_be_shown_but_other_rows_cannot_be_had_from_it(show, report):
    assert show("report.parquet", "--unanswered", "-o", "part.parquet").code == 0
    for given in ([], ["-o", "x.csv"], ["--unanswered"]):
        assert show("part.parquet", *given).code == 0
    ended = show("part.parquet", "--changes")
    assert (ended.code, ended.out) == (2, "")
    assert "part.parquet holds only the unanswered of a report" in ended.only_line


@pytest.mark.parametrize("name", ["part.parquet", "reports/run_date=2025-03-04/report.parquet"])
def test_a_part_is_nobodys_baseline(show, reconcile, report, name):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    assert show("report.parquet", "--changes", "-o", name).code == 0
    given = ["--baseline", name] if name == "part.parquet" else []
    ended = reconcile(*given, run_date="2025-03-05", output="reports/")
    assert (ended.code, ended.out) == (65, "")
    assert "holds only the changes of a report" in ended.only_line


def test_its_source_is_never_overwritten(show, report):
    before = Path("report.parquet").read_bytes()
    Path("link.parquet").symlink_to("report.parquet")
    for target in ("report.parquet", "./report.parquet", "link.parquet"):
        ended = show("report.parquet", "--changes", "-o", "x.csv", "-o", target)
        assert (ended.code, ended.out) == (2, "")
        assert "would be overwritten" in ended.only_line
        assert not Path("x.csv").exists()
    assert show("link.parquet", "-o", "report.parquet").code == 2
    assert Path("report.parquet").read_bytes() == before


@pytest.mark.parametrize("name", FORMATS)
def test_standard_output_carries_nothing_but_the_report(pipe, report, name):
    done = pipe("palm-report", "report.parquet", "-o", "-", "--format", name)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout[:4] == {
        "parquet": b"PAR1", "csv": b"\xef\xbb\xbf\"", "xlsx": b"PK\x03\x04", "html": b"<!do",
        "json": b'{\n  ',
    }[name]  # fmt: skip


def test_a_reader_who_leaves_is_no_defect(pipe, report):
    """``palm-report … --changes | head -1``."""
    for given in ([], ["--changes"], ["-o", "-", "--format", "csv"]):
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(
            [COMMANDS / "palm-report", "report.parquet", *given],
            stdout=write, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
        os.close(write)
        expected = (73, 1) if "-o" in given else (0, 0)
        assert (done.returncode, len(done.stderr.splitlines())) == expected, given


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["none.parquet"], 65, "none.parquet"),
        (["pairs.csv"], 65, "pairs.csv"),
        (["keys"], 65, "keys"),
        (["report.parquet", "-o", "x.txt"], 2, "suffix"),
        (["report.parquet", "-o", "reports/"], 2, "a folder keeps whole reports"),
        (["report.parquet", "-o", "none/x.csv"], 73, "none"),
        (["report.parquet", "--format", "csv"], 2, "--format goes with -o -"),
        ([], 2, "REPORT"),
    ],
)
def test_what_cannot_be_done_is_one_line(show, report, given, code, said):
    ended = show(*given)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.only_line


def test_a_parquet_file_that_is_no_report_ends_with_65(show, folder):
    pd.DataFrame({"a": [1]}).to_parquet("other.parquet")
    ended = show("other.parquet")
    assert ended.code == 65
    assert "other.parquet is not a report of palm-reconcile" in ended.only_line


@pytest.mark.parametrize("schema", [0, SCHEMA + 1])
def test_a_report_of_another_schema_is_refused_with_one_clear_line(
    show, reconcile, report, gateway, schema
):
    old = with_about(Path("report.parquet"), Path("old.parquet"), schema=schema)
    before, asked = old.read_bytes(), gateway.stats.requests
    for ended in (
        show(old),
        show(old, "--changes", "-o", "x.csv"),
        reconcile("--baseline", old, run_date="2025-03-05"),
        reconcile("--retry-unanswered", run_date=NEXT, output=old),
        reconcile(run_date="2025-03-05", output=old),
    ):
        assert (ended.code, ended.out) == (65, "")
        said = f"old.parquet was written with schema {schema}, this version knows {SCHEMA}"
        assert said in ended.only_line
    assert gateway.stats.requests == asked
    assert old.read_bytes() == before


def reads_as(path, report):
    """Return whether a file reads as the very report."""
    try:
        found = read_parquet(path)
    except ReportError:
        return False
    return found.about == report.about and found.rows.equals(report.rows)


@pytest.mark.parametrize(
    "seed",
    [pytest.param(seed, marks=[pytest.mark.slow] if seed >= 4 else []) for seed in range(12)],
)
def test_a_damaged_report_ends_either_command_with_65_before_a_request(
    show, reconcile, report, gateway, seed
):
    content = Path("report.parquet").read_bytes()
    footer = footer_of(content)
    start = content.index(b"\x0epalm_reconcile", footer.start)  # its length, then the key itself
    metadata = slice(start, start + 1_000)
    damaged = Path("damaged.parquet")
    for each in itertools.count(seed, 12):
        damaged.write_bytes(damage(content, each, slice(4, 4_000) if seed % 2 else metadata))
        if not reads_as(damaged, report):  # else it hit a byte that nobody reads
            break
    asked = gateway.stats.requests
    for ended in (
        show(damaged),
        show(damaged, "--changes", "-o", "x.csv"),
        reconcile("--baseline", damaged, run_date="2025-03-05", output="other.parquet"),
        reconcile(run_date="2025-03-05", output=damaged),
    ):
        assert (ended.code, ended.out) == (65, "")
        assert "damaged.parquet" in ended.only_line
    assert gateway.stats.requests == asked


def test_a_report_of_schema_1_is_compared_with_and_a_warning_says_what_it_lacks(
    reconcile, gateway, report
):
    table = pq.read_table("report.parquet")
    about = json.dumps(report.about | {"schema": 1})
    pq.write_table(table.replace_schema_metadata({KEY: about}), "old.parquet")
    given = ("--baseline", "old.parquet", "--log-format", "json")
    ended = reconcile(*given, run_date="2025-03-05", output="new.parquet")
    assert ended.code in {0, 3}
    said = [json.loads(line)["event"] for line in ended.err.splitlines()]
    assert [line for line in said if "old.parquet was written by an earlier version" in line]
    assert read_parquet(Path("new.parquet")).about["baseline"]["run_id"] == report.run_id


def test_help_answers_without_pandas():
    code = (
        "import sys, jobs.commands.report as s\n"
        "try:\n    s.command.main(['--help'], standalone_mode=False)\nfinally:\n"
        "    print(sorted({'pandas', 'pyarrow', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_full_disk_behind_standard_output_ends_with_73(report):
    with Path("/dev/full").open("wb") as full:
        for given in ([], ["--changes"], ["-o", "-", "--format", "json"]):
            done = subprocess.run(
                [COMMANDS / "palm-report", "report.parquet", *given],
                stdout=full, stderr=subprocess.PIPE, check=False,
            )  # fmt: skip
            assert done.returncode == 73, given
            assert b"No space left" in done.stderr.splitlines()[0], given


def test_what_a_later_version_wrote_about_a_report_is_kept_in_parquet(show, reconcile, folder):
    assert reconcile("-q").code == 0
    run = read_parquet(Path("report.parquet")).about["run"]
    with_about(
        Path("report.parquet"),
        Path("report.parquet"),
        weather={"rain": 1},
        run=run | {"mood": "good"},
    )
    assert show("report.parquet", "-o", "again.parquet").code == 0
    about = json.loads(pq.read_schema("again.parquet").metadata[KEY.encode()])
    assert about["weather"] == {"rain": 1}
    assert about["run"] == run | {"mood": "good"}
    assert show("again.parquet").code == 0
    assert show("report.parquet", "--changes", "-o", "part.parquet").code == 0
    part = json.loads(pq.read_schema("part.parquet").metadata[KEY.encode()])
    assert "weather" not in part
