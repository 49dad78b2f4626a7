"""jobs.input.content.content: bytes that can be read at any place."""

import io
import os
import tracemalloc
from contextlib import closing

import pytest

from jobs.input.content import content as module
from jobs.input.content.content import (
    Content,
    ContentError,
    ContentInMemory,
    ContentOnDisk,
    blocks_of,
    lines_end,
)

TEXT = b"ab\r\nc\rd\n\r\n\r\re"


@pytest.fixture
def stored(tmp_path):
    """Return the bytes of ``TEXT`` in a file that is called ``content``."""
    path = tmp_path / "content"
    path.write_bytes(TEXT)
    with closing(ContentOnDisk(path.open("rb"))) as opened:
        yield opened


@pytest.fixture(params=["memory", "disk"])
def content(request, stored) -> Content:
    """Return the bytes of ``TEXT`` in memory or in a file."""
    return ContentInMemory(TEXT) if request.param == "memory" else stored


def test_any_bytes_of_it_can_be_read(content: Content, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", 3)
    assert len(content) == len(TEXT)
    for start in range(len(TEXT) + 3):
        for end in range(start, len(TEXT) + 3):
            assert content.read(start, end) == TEXT[start:end]
    assert b"".join(blocks_of(content)) == TEXT
    assert max(map(len, blocks_of(content))) == 3
    content.check_unchanged()


def test_its_streams_are_independent_and_can_seek(content: Content):
    one, other = content.stream(), content.stream()
    assert (one.read(3), other.read(), other.read()) == (TEXT[:3], TEXT, b"")
    assert one.seek(-2, io.SEEK_END) == len(TEXT) - 2
    assert (one.read(), one.seek(4), one.tell(), one.read(2)) == (TEXT[-2:], 4, 4, TEXT[4:6])


@pytest.mark.parametrize("window", range(1, 20))
def test_lines_end_wherever_a_window_ends(content: Content, monkeypatch, window):
    monkeypatch.setattr(module, "_WINDOW", window)
    monkeypatch.setattr(module, "_BLOCK", window)
    ends = []
    at = 0
    for line in io.StringIO(TEXT.decode(), newline=""):
        at += len(line)
        if line.endswith(("\r", "\n")):
            ends.append(at)
    assert ends == [4, 6, 8, 10, 11, 12]
    for count, end in enumerate(ends, 1):
        assert lines_end(content, 0, count) == end
    assert lines_end(content, 0, 7) is None
    assert lines_end(content, 12) is None
    assert [lines_end(content, offset) for offset in range(6)] == [4, 4, 4, 4, 6, 6]


def test_a_stream_of_what_is_in_memory_is_no_copy_of_it():
    """One is made for each block that is not plain."""
    large = ContentInMemory(b"x" * (1 << 22))
    tracemalloc.start()
    try:
        with large.stream() as stream:
            assert stream.read(1) == b"x"
            assert tracemalloc.get_traced_memory()[1] < 1 << 16
    finally:
        tracemalloc.stop()


def test_what_is_in_memory_is_not_shown():
    assert "oA" not in repr(ContentInMemory(b"openid,organization_id\noA,1\n"))


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(TEXT + b"x"),
        lambda path: path.write_bytes(TEXT[:5]),
        lambda path: os.utime(path, ns=(1, 1)),
    ],
    ids=["longer", "shorter", "same size, written again"],
)
def test_a_file_that_was_written_to_is_told(stored, tmp_path, change):
    change(tmp_path / "content")
    with pytest.raises(ContentError) as caught:
        stored.check_unchanged()
    assert caught.value.reason is None


def test_a_file_that_is_shorter_than_it_was_ends_the_reading(stored, tmp_path):
    (tmp_path / "content").write_bytes(TEXT[:5])
    assert stored.read(0, 5) == TEXT[:5]
    for read in (lambda: stored.read(0, 10), lambda: stored.stream().read()):
        with pytest.raises(ContentError) as caught:
            read()
        assert caught.value.reason is None


def test_a_file_that_was_replaced_is_read_as_it_was(stored, tmp_path):
    (tmp_path / "new").write_bytes(b"other")
    (tmp_path / "new").rename(tmp_path / "content")
    assert stored.stream().read() == TEXT
    stored.check_unchanged()


def test_a_file_that_cannot_be_read_tells_why(stored, monkeypatch):
    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", fail)
    for read in (lambda: stored.read(0, 10), lambda: stored.stream().read()):
        with pytest.raises(ContentError) as caught:
            read()
        assert caught.value.reason is not None
        assert caught.value.reason.errno == 5
