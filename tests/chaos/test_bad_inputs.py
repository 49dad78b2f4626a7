"""Files that are no good input: a documented exit code, one line, no traceback, nothing written."""

from __future__ import annotations

import gzip
import io
import os
import random
import sqlite3
import struct
import subprocess
import sys
import zipfile
import zlib

import pandas as pd
import pytest

import jobs.commands.reconcile
from palm.sandbox import SandboxKeys
from tests.forkserver import COMMANDS
from tests.night import without_times

pytestmark = pytest.mark.slow

HEAD = b"openid,organization_id\n"
LINE = b"o000000000000000000000000001,0042\n"
GOOD = HEAD + LINE
CHINESE = "openid,organization_id,姓名\no1,0042,张三\n"


def zipped(content):
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        archive.writestr("pairs.csv", content)
    return into.getvalue()


def parquet():
    into = io.BytesIO()
    pd.DataFrame({"openid": ["o1"], "organization_id": ["1"]}).to_parquet(into)
    return into.getvalue()


def excel():
    into = io.BytesIO()
    with pd.ExcelWriter(into, engine="xlsxwriter") as book:
        pd.DataFrame({"openid": ["o1"], "organization_id": ["1"]}).to_excel(book)
    return into.getvalue()


def database():
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE pairs (openid)")
    return base.serialize()


def png():
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + zlib.compress(b"0" * 100)


# What it is: the file's content, a word of what is said, the file's name if it matters.
UNREADABLE = {
    "empty": (b"", "header"),
    "a byte order mark alone": (b"\xef\xbb\xbf", "header"),
    "line ends alone": (b"\n\r\n\r\n\n", "header"),
    "spaces alone": (b"   \n  \n", "header"),
    "the header alone": (HEAD, "no line below the header"),
    "the header alone, without a line end": (HEAD.strip(), "no line below the header"),
    "the header and blank lines": (HEAD + b"\n\n\r\n", "no line below the header"),
    "no header": (LINE * 3, "openid"),
    "another table's header": (b"name,age\nx,3\n", "openid"),
    "no column of organizations": (b"openid,school\no1,3\n", "organization_id"),
    "the openid twice": (b"openid,openid,organization_id\na,b,c\n", "openid"),
    "no delimiter at all": (b"openid organization_id\na b\n", "openid"),
    "a JSON document": (b'{"openid": "o1", "organization_id": "1"}\n', ""),
    "an HTML page": (b"<!doctype html><html><body>Login</body></html>\n", ""),
    "a quote left open in the header": (b'"openid,organization_id\na,b\n', "quote"),
    "a quote left open on line 2": (HEAD + b'"o1,0042\n', "line 2"),
    "a quote left open on line 4": (GOOD + LINE + b'o3,"0042\no4,1\n', "line 4"),
    "NULs alone": (b"\0" * 1000, "NUL"),
    "a NUL in the header": (b"open\0id,organization_id\na,b\n", "NUL"),
    "UTF-16 without a mark": (GOOD.decode().encode("utf-16-le"), "utf-16"),
    "UTF-16 cut in a character": (b"\xff\xfe" + GOOD.decode().encode("utf-16-le")[:-1], "utf-16"),
    "UTF-16 and then something else": (b"\xff\xfe" + b"\x00\xd8" * 20, ""),
    "UTF-32": (CHINESE.encode("utf-32"), ""),
    "neither UTF-8 nor GB18030": (GOOD + b"o\xff\xff,1\n", "--encoding"),
    "a mark of UTF-8 before GB18030": (b"\xef\xbb\xbf" + CHINESE.encode("gb18030"), "utf-8"),
    "UTF-8 with a lone surrogate": (HEAD + b"o\xed\xa0\x80\xff,1\n", "--encoding"),
    "random bytes": (random.Random(1).randbytes(5_000), ""),
    "more random bytes": (random.Random(2).randbytes(50_000), ""),
    "an Excel workbook": (excel(), "Excel"),
    "an old Excel workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "Excel"),
    "a ZIP archive": (zipped(GOOD), "ZIP"),
    "a Parquet file": (parquet(), "Parquet"),
    "an SQLite database": (database(), "SQLite"),
    "a PDF document": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "PDF"),
    "a PNG picture": (png(), "picture"),
    "a JPEG picture": (b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(99), "picture"),
    "a program": (b"\x7fELF\x02\x01\x01" + bytes(99), "program"),
    "gzip under another name": (gzip.compress(GOOD), ".gz"),
    "zstd under another name": (b"\x28\xb5\x2f\xfd" + bytes(20), ".zst"),
    "gzip cut short": (gzip.compress(GOOD * 99)[:-12], "cut short", "pairs.csv.gz"),
    "gzip with a wrong checksum": (gzip.compress(GOOD)[:-8] + bytes(8), "damaged", "pairs.csv.gz"),
    "gzip that is none": (GOOD, "not packed", "pairs.csv.gz"),
    "gzip of nothing": (gzip.compress(b""), "header", "pairs.csv.gz"),
    "an empty .gz": (b"", "", "pairs.csv.gz"),
    "zstd cut short": (b"\x28\xb5\x2f\xfd\x04\x00", "", "pairs.csv.zst"),
    "zstd that is none": (GOOD, "not packed", "pairs.csv.zst"),
    "gzip within gzip": (gzip.compress(gzip.compress(GOOD)), "gzip", "pairs.csv.gz"),
    "10 MB as the only openid": (HEAD + b"o" * 10_000_000 + b",1\n", "128 characters"),
    "10 MB without a line end": (b"o" * 10_000_000, ""),
    "10 MB behind a quote left open": (HEAD + b'"' + b"o1,1\n" * 2_000_000, "line 2"),
    "openids that are all empty": (HEAD + b",1\n" * 5, "openid is empty"),
    "openids that are all folders": (HEAD + b"..,1\n.,1\n", "openid is . or .."),
    "control characters alone": (HEAD + b"o\x01,1\n\x7f,2\n", "control character"),
    "organizations that are all empty": (HEAD + b"o1,\no2,\n", "organization_id is empty"),
    "records that hold line breaks in keys": (HEAD + b'"o\n1",1\n', "line break"),
    "lines with more fields than the header": (HEAD + b"o1,1,2\n" * 3, "more fields"),
}


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """Return good settings of a gateway that nobody asks."""
    folder = tmp_path_factory.mktemp("settings") / "keys"
    SandboxKeys.generate().write(folder, "http://127.0.0.1:9")
    return folder / "palm.toml"


@pytest.fixture
def reconcile(folder, config, capfd, monkeypatch):
    """Return a function that runs the command within this process: exit code, out, lines of err."""

    def reconcile(source, *arguments, output="report.parquet"):
        given = ["palm-reconcile", source, "-o", output, "--config", config, *arguments]
        monkeypatch.setattr(sys, "argv", [str(each) for each in given])
        with pytest.raises(SystemExit) as ended:
            jobs.commands.reconcile.main()
        out, err = capfd.readouterr()
        return ended.value.code, out, without_times(err).splitlines()

    return reconcile


def assert_ended(ended, code, word=""):
    """Assert an exit code and one line of standard error, with a word in it."""
    given, out, err = ended
    assert (given, out) == (code, "")
    (line,) = err
    assert line.startswith("palm-reconcile: ")
    assert word in line
    assert len(line) < 600
    assert "Traceback" not in line
    assert "defect" not in line


def test_the_corpus_holds_at_least_forty_kinds():
    assert len(UNREADABLE) >= 40


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_cannot_be_read_ends_with_65_one_line_and_nothing_written(reconcile, folder, what):
    content, word, *name = UNREADABLE[what]
    path = folder / (name or ["pairs.csv"])[0]
    path.write_bytes(content)
    assert_ended(reconcile(path), 65, word)
    assert {each.name for each in folder.iterdir()} <= {path.name, ".report.lock"}


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda _: None, "no such file"),
        (lambda path: path.mkdir(), "directory"),
        (lambda path: path.symlink_to("nowhere"), "no such file"),
        (lambda path: path.symlink_to(path), "cannot be read"),
        (lambda path: path.symlink_to("/dev/null"), "header"),
        (lambda path: path.symlink_to("/proc/self/mem"), "cannot be read"),
    ],
    ids=["missing", "folder", "link to nowhere", "link to itself", "nothing", "no file to read"],
)
def test_what_is_no_file_ends_with_65(reconcile, folder, make, word):
    make(folder / "pairs.csv")
    assert_ended(reconcile("pairs.csv"), 65, word)


@pytest.mark.parametrize("name", ["a\nb.csv", "x" * 300, "\x1b[31m.csv", "nul\0.csv"])
def test_a_strange_name_is_told_on_one_line(reconcile, name):
    assert_ended(reconcile(name), 65)


@pytest.mark.parametrize("encoding", ["nonsense", "hex", "rot13", "utf-8\0", "ascii", "idna"])
def test_an_encoding_that_does_not_fit_ends_with_65(reconcile, folder, encoding):
    (folder / "pairs.csv").write_text(CHINESE, encoding="utf-8")
    assert_ended(reconcile("pairs.csv", "--encoding", encoding), 65, "encoding")


@pytest.mark.parametrize(
    "content",
    [b"", b"PAR1", b"no report", parquet(), parquet()[:-20]],
    ids=["empty", "only its first bytes", "something else", "another table", "cut short"],
)
def test_a_baseline_that_is_no_report_ends_with_65_before_the_first_request(
    reconcile, folder, content
):
    (folder / "pairs.csv").write_bytes(GOOD)
    (folder / "before.parquet").write_bytes(content)
    assert_ended(reconcile("pairs.csv", "--baseline", "before.parquet"), 65, "before.parquet")


def test_an_output_that_is_a_folder_ends_with_73(reconcile, folder):
    (folder / "pairs.csv").write_bytes(GOOD)
    (folder / "report.parquet").mkdir()
    assert_ended(reconcile("pairs.csv"), 73, "is a folder")


# Odd, but readable: pairs, duplicates, invalid.
READABLE = {
    "CR LF": (GOOD.replace(b"\n", b"\r\n"), (1, 0, 0)),
    "CR alone": (GOOD.replace(b"\n", b"\r"), (1, 0, 0)),
    "all line ends mixed": (HEAD + b"o1,1\r\no2,1\ro3,1\no4,1\n\r\no5,1", (5, 0, 1)),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, (1, 0, 0)),
    "UTF-16 with a mark": (GOOD.decode().encode("utf-16"), (1, 0, 0)),
    "GB18030": (CHINESE.encode("gb18030"), (1, 0, 0)),
    "semicolons": (GOOD.replace(b",", b";"), (1, 0, 0)),
    "tabs": (GOOD.replace(b",", b"\t"), (1, 0, 0)),
    "a NUL in an openid": (GOOD + b"o\0,1\n", (1, 0, 1)),
    "10 MB in one openid": (GOOD + b"o" * 10_000_000 + b",1\n", (1, 0, 1)),
    "10 MB in another column": (b"openid,organization_id,x\no1,1," + b"x" * 10_000_000, (1, 0, 0)),
    "a pair three times": (GOOD + LINE + LINE, (1, 2, 0)),
    "everything quoted": (b'"openid","organization_id"\n"o1","1"\n', (1, 0, 0)),
}


@pytest.mark.parametrize("what", READABLE)
def test_what_is_odd_but_readable_is_read_and_each_line_accounted_for(reconcile, folder, what):
    content, (pairs, duplicates, invalid) = READABLE[what]
    (folder / "pairs.csv").write_bytes(content)
    code, out, err = reconcile("pairs.csv", "--plan")
    assert (code, err) == (0, [])
    one = f"{pairs} pair" if pairs == 1 else f"{pairs} pairs"
    said = f"{one}, {duplicates} duplicates, {invalid} invalid"
    assert said in out
    assert [each.name for each in folder.iterdir()] == ["pairs.csv"]


@pytest.mark.usefixtures("quick_commands")
def test_a_pipe_that_brings_nothing_ends_with_65(folder, config):
    done = subprocess.run(
        [COMMANDS / "palm-reconcile", "-", "-o", "report.parquet", "--config", config],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert_ended(
        (done.returncode, done.stdout, without_times(done.stderr).splitlines()),
        65,
        "standard input",
    )


@pytest.mark.usefixtures("quick_commands")
def test_a_standard_input_that_is_closed_ends_with_65(folder, config):
    command = f"{COMMANDS / 'palm-reconcile'} - -o report.parquet --config {config} <&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert_ended(
        (done.returncode, done.stdout, without_times(done.stderr).splitlines()),
        65,
        "standard input",
    )


@pytest.mark.usefixtures("quick_commands")
def test_a_reader_of_standard_output_that_leaves_ends_with_73(folder, gateway):
    (folder / "pairs.csv").write_bytes(GOOD)
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [COMMANDS / "palm-reconcile", "pairs.csv", "-o", "-", "--format", "csv", "-q",
         "--config", gateway.config(), "--run-date", "2025-03-03"],
        stdout=write, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(write)
    assert_ended(
        (done.returncode, "", without_times(done.stderr).splitlines()), 73, "standard output"
    )
