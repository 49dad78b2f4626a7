"""jobs.input.content.scan: an input that stays where it is, or goes to a file, is read twice."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest

from jobs.errors import InputError
from jobs.input.content import source
from jobs.input.content.content import ContentInMemory, ContentOnDisk
from jobs.input.content.scan import scan_input
from jobs.input.options import InputOptions
from jobs.input.pairs import pairs_in_memory

HEADER = b"openid,organization_id\n"
CSV = HEADER + b"".join(b"o%d,1\n" % number for number in range(100))


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Let all that is larger than 100 bytes be read from a file, ten bytes at a time."""
    monkeypatch.setattr(source, "MOST_IN_MEMORY", 100)
    monkeypatch.setattr(source, "_BLOCK", 10)


@pytest.fixture
def spool(tmp_path):
    """Return a function that makes a file in a folder ``spool``, as a run does."""
    folder = tmp_path / "spool"
    folder.mkdir()
    return lambda: tempfile.NamedTemporaryFile(dir=folder)


def scan(path, spool, **options):
    return scan_input(InputOptions(source=str(path), **options), spool=spool)


def written(folder: Path, content: bytes, name: str = "p.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def refusal(path, spool, **options) -> str:
    with pytest.raises(InputError) as caught:
        scan(path, spool, **options)
    assert str(caught.value).isprintable()
    return str(caught.value)


def zstd(content: bytes) -> bytes:
    return pa.compress(content, "zstd", asbytes=True)


def test_a_large_file_is_read_where_it_is(tmp_path, spool):
    with scan(written(tmp_path, CSV), spool) as found:
        assert isinstance(found.content, ContentOnDisk)
        assert found.sha256 == hashlib.sha256(CSV).hexdigest()
        assert (found.encoding, found.lines) == ("utf-8", 102)
        assert pairs_in_memory(found).pair_count == 100
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_small_file_and_any_without_a_spool_is_in_memory(tmp_path, spool):
    with scan(written(tmp_path, CSV[:100]), spool) as found:
        assert found.content == ContentInMemory(CSV[:100])
    with scan(written(tmp_path, CSV), None) as found:
        assert found.content == ContentInMemory(CSV)


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".zst", zstd)])
def test_a_large_packed_file_is_unpacked_to_a_file(tmp_path, spool, suffix, pack):
    path = written(tmp_path, pack(CSV), f"p.csv{suffix}")
    with scan(path, spool) as found:
        assert isinstance(found.content, ContentOnDisk)
        assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert found.content.stream().read() == CSV
        assert len(list((tmp_path / "spool").iterdir())) == 1
    assert list((tmp_path / "spool").iterdir()) == []


@pytest.mark.parametrize("size", [99, 100, 101, 110, 111, len(CSV)])
def test_standard_input_is_spooled_once_it_is_large(tmp_path, spool, size):
    content = CSV[:size]
    with scan_input(InputOptions(source="-"), stdin=io.BytesIO(content), spool=spool) as found:
        assert isinstance(found.content, ContentOnDisk) == (size > 100)
        assert found.content.stream().read() == content
        assert found.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_named_pipe_is_spooled_and_then_unpacked(tmp_path, spool, suffix):
    path = tmp_path / f"pipe{suffix}"
    os.mkfifo(path)
    content = gzip.compress(CSV, 0) if suffix else CSV
    thread = threading.Thread(target=path.write_bytes, args=[content])
    thread.start()
    with scan(path, spool) as found:
        assert found.content.stream().read() == CSV
        assert found.sha256 == hashlib.sha256(content).hexdigest()
        assert len(list((tmp_path / "spool").iterdir())) == 1
    thread.join()


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_the_limit_of_size_holds_for_what_goes_to_a_file(tmp_path, spool, suffix):
    pack = {"": bytes, ".gz": gzip.compress, ".zst": zstd}[suffix]
    path = written(tmp_path, pack(CSV), f"p{suffix}")
    assert "holds more than 612 bytes" in refusal(path, spool, max_size=len(CSV) - 1)
    with scan(path, spool, max_size=len(CSV)) as found:
        assert len(found.content) == len(CSV)
    stdin = io.BytesIO(CSV)
    with pytest.raises(InputError, match="standard input: holds more than 300 bytes"):
        scan_input(InputOptions(source="-", max_size=300), stdin=stdin, spool=spool)
    assert stdin.tell() <= 320
    assert list((tmp_path / "spool").iterdir()) == []


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".zst", zstd)])
@pytest.mark.parametrize("cut", [3, 20, -1])
def test_a_large_packed_file_that_is_damaged_is_refused(tmp_path, spool, suffix, pack, cut):
    path = written(tmp_path, pack(CSV)[:cut], f"p{suffix}")
    assert "damaged or cut short" in refusal(path, spool)
    assert list((tmp_path / "spool").iterdir()) == []


CHANGED = ": changed while it was being read; run again when it is complete"


class ChangingFile(ContentOnDisk):
    """A file to which somebody writes once some bytes of it have been read."""

    path: Path
    after: int
    content: bytes

    def read(self, start: int, end: int) -> bytes:
        if self.after is not None and end > self.after:
            type(self).after = None
            status = self.path.stat()
            self.path.write_bytes(self.content)
            os.utime(self.path, ns=(1, status.st_mtime_ns + 1))
        return super().read(start, end)


@pytest.fixture
def changing(monkeypatch):
    """Return a function that lets a file change while it is read."""

    def let(path: Path, after: int, content: bytes) -> None:
        ChangingFile.path, ChangingFile.after, ChangingFile.content = path, after, content
        monkeypatch.setattr(source, "ContentOnDisk", ChangingFile)

    return let


@pytest.mark.parametrize("after", [0, 700])
@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
@pytest.mark.parametrize(
    "content",
    [CSV, CSV + b"oZ,2\n", CSV[:300], b"", b"\xff" * len(CSV), b"PK\x03\x04" * 500, b'"\n' * 400],
    ids=["same", "longer", "shorter", "empty", "no text", "no CSV", "open quote"],
)
def test_a_file_that_changes_is_refused_whatever_it_became(
    tmp_path, spool, changing, monkeypatch, after, suffix, content
):
    pack = {"": bytes, ".gz": lambda text: gzip.compress(text, 0), ".zst": zstd}[suffix]
    path = written(tmp_path, pack(CSV), f"p{suffix}")
    after = min(after, path.stat().st_size - 1)
    changing(path, after, pack(content))
    assert refusal(path, spool) == f"{path}{CHANGED}"
    assert list((tmp_path / "spool").iterdir()) == []


@pytest.mark.parametrize("content", [CSV + b"oZ,2\n", CSV[:300], b"\xff" * len(CSV), b'"' * 800])
def test_a_file_that_changes_between_the_readings_is_refused(tmp_path, spool, content):
    path = written(tmp_path, CSV)
    with scan(path, spool) as found:
        path.write_bytes(content)
        os.utime(path, ns=(1, 1))
        with pytest.raises(InputError) as caught:
            pairs_in_memory(found)
    assert str(caught.value) == f"{path}{CHANGED}"


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("failing", ["made", "written", "flushed"])
def test_a_spool_that_cannot_be_written_is_no_error_of_the_input(tmp_path, spool, suffix, failing):
    full = OSError(28, "No space left on device")

    class Full(io.BytesIO):
        def write(self, block):
            if failing == "written" and self.tell() >= 200:
                raise full
            return super().write(block)

        def flush(self):
            if failing == "flushed":
                raise full

    def make():
        if failing == "made":
            raise full
        return Full()

    path = written(tmp_path, gzip.compress(CSV) if suffix else CSV, f"p{suffix}")
    stdin = None if suffix else path.open("rb")
    with pytest.raises(OSError, match="No space left") as caught:
        scan_input(InputOptions(source=str(path) if suffix else "-"), stdin=stdin, spool=make)
    assert caught.value is full
    if stdin is not None:
        stdin.close()


def test_a_pipe_that_breaks_while_it_is_spooled_is_an_error_of_the_input(spool):
    class Breaking(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 300:
                raise BrokenPipeError(32, "Broken pipe")
            return super().read(size)

    with pytest.raises(InputError, match=r"^standard input: cannot be read \(Broken pipe\)"):
        scan_input(InputOptions(source="-"), stdin=Breaking(CSV), spool=spool)


@pytest.mark.parametrize("content", [b"\xff" * 200, b"PAR1" * 100, b"ope\0nid" * 50])
def test_files_are_closed_when_an_input_is_refused(tmp_path, spool, content):
    """A warning of a file that was left open is an error in these tests."""
    refusal(written(tmp_path, content), spool)
    refusal(written(tmp_path, gzip.compress(content), "p.gz"), spool)
    with suppress(InputError):
        scan_input(InputOptions(source="-"), stdin=io.BytesIO(content), spool=spool)
    assert list((tmp_path / "spool").iterdir()) == []
