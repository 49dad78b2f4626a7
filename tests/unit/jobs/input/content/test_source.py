"""jobs.input.content.source: from a path to bytes, and from bytes to an encoding."""

import gzip
import hashlib
import io
import os
import subprocess

import pyarrow as pa
import pytest

from jobs.errors import InputError
from jobs.input.content.content import ContentInMemory
from jobs.input.content.encoding import find_encoding
from jobs.input.content.source import read_stored, read_unchanged, shown

CSV = b"openid,organization_id\noA,1\n"


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


def find(content, *arguments):
    return find_encoding(ContentInMemory(content), *arguments).encoding


def refusal(call, *arguments, **options) -> str:
    with pytest.raises(InputError) as caught:
        call(*arguments, **options)
    text = str(caught.value)
    assert text
    assert text.isprintable(), "an error is one line"
    return text


def test_plain_file_is_read_as_it_is(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_bytes(CSV)
    assert read_stored(path) == (str(path), ContentInMemory(CSV), hashlib.sha256(CSV).hexdigest())


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".zst", zstd)])
def test_packed_file_is_unpacked_and_hashed_as_stored(tmp_path, suffix, pack):
    path = tmp_path / f"pairs.csv{suffix}"
    path.write_bytes(pack(CSV))
    stored = read_stored(str(path))
    assert stored.content.data == CSV
    assert stored.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(("suffix", "pack"), [(".GZ", gzip.compress), (".zst", zstd)])
def test_packed_file_may_have_several_members_and_a_suffix_in_capitals(tmp_path, suffix, pack):
    path = tmp_path / f"pairs{suffix}"
    path.write_bytes(pack(CSV) + pack(b"oB,2\n"))
    assert read_stored(path).content.data == CSV + b"oB,2\n"


def test_zstd_command_s_files_are_read(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_bytes(CSV * 1000)
    try:
        subprocess.run(["zstd", "-q", str(path)], check=True)
    except FileNotFoundError:
        pytest.skip("no zstd command")
    assert read_stored(f"{path}.zst").content.data == CSV * 1000


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".zst", zstd)])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda packed: packed[:-1],
        lambda packed: packed[: len(packed) // 2],
        lambda packed: packed[:3],
        lambda packed: packed + b"x",
        lambda packed: packed + b"more that is not packed",
        lambda packed: packed[:8] + bytes(byte ^ 255 for byte in packed[8:12]) + packed[12:],
        lambda packed: CSV[: len(packed)],
    ],
    ids=["last byte", "half", "three bytes", "one more", "garbage", "flipped", "not packed"],
)
def test_damaged_packed_file_is_refused(tmp_path, suffix, pack, spoil):
    path = tmp_path / f"pairs{suffix}"
    path.write_bytes(spoil(pack(CSV * 50)))
    text = refusal(read_stored, path)
    assert text.startswith(f"{path}: ")
    assert "damaged or cut short" in text


def test_missing_file_is_named(tmp_path):
    assert "nowhere.csv: there is no such file" in refusal(read_stored, tmp_path / "nowhere.csv")


def test_folder_is_refused(tmp_path):
    assert refusal(read_stored, tmp_path).startswith(f"{tmp_path}: cannot be read (Is a directory)")


def test_unreadable_file_is_refused(tmp_path, bound_by_permissions):
    path = tmp_path / "pairs.csv"
    path.write_bytes(CSV)
    path.chmod(0)
    assert refusal(read_stored, path).endswith("(Permission denied); let this user read it")


@pytest.mark.parametrize("path", ["a\0b", "a\nb/c", "", "\ud800", "x" * 5000])
def test_path_that_cannot_exist_is_refused_on_one_line(path):
    assert "check the path" in refusal(read_stored, path)


def test_name_that_is_no_unicode_is_kept_printable(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/p\xff.csv")
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(CSV)
    name = read_stored(path).name
    assert name.encode().endswith(b"/p\\udcff.csv")


def test_dash_is_standard_input():
    assert read_stored("-", io.BytesIO(CSV))[:2] == ("standard input", ContentInMemory(CSV))


class Broken(io.RawIOBase):
    def readable(self):
        return True

    def read(self, _size=-1):
        raise BrokenPipeError(32, "Broken pipe")


def test_broken_standard_input_is_refused():
    assert refusal(read_stored, "-", Broken()).startswith("standard input: cannot be read (Broken")


def test_closed_standard_input_is_refused():
    closed = io.BytesIO(CSV)
    closed.close()
    assert "closed file" in refusal(read_stored, "-", closed)


def test_absent_standard_input_is_refused(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    assert "it is closed" in refusal(read_stored, "-")


class Written:
    """A file to which somebody writes after it has been read."""

    def __init__(self, file, path, change):
        self.file, self.path, self.change = file, path, change

    def fileno(self):
        return self.file.fileno()

    def close(self):
        self.file.close()

    def read(self, *_size):
        content = self.file.read()
        self.change(self.path)
        return content


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(CSV + b"oB,2\n"),
        lambda path: path.write_bytes(b""),
        lambda path: os.utime(path, ns=(1, 1)),
    ],
    ids=["longer", "emptied", "same size, written again"],
)
def test_file_that_changes_while_it_is_read_is_refused(tmp_path, change):
    path = tmp_path / "pairs.csv"
    path.write_bytes(CSV)
    with path.open("rb") as file:
        text = refusal(read_unchanged, Written(file, path, change), "pairs.csv")
    assert text == "pairs.csv: changed while it was being read; run again when it is complete"


class Short(Written):
    def read(self, *_size):
        return self.file.read()[:-1]


def test_file_of_which_not_all_was_read_is_refused(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_bytes(CSV)
    with path.open("rb") as file:
        assert "changed" in refusal(read_unchanged, Short(file, path, None), "pairs.csv")


def test_pipe_may_be_written_to_while_it_is_read():
    reader, writer = os.pipe()
    os.write(writer, CSV)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        assert read_unchanged(file, "pipe") == ContentInMemory(CSV)


TEXT = "openid,organization_id,name\noA,1,李雷\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"", "utf-8"),
        (TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8"),
        (TEXT.encode("gb18030"), "gb18030"),
        (TEXT.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16"),
    ],
)
def test_encoding_is_found(content, encoding):
    assert find(content, "x") == encoding


def test_character_across_two_blocks_is_no_error():
    content = b"a" * ((1 << 20) - 1) + "李".encode()
    assert find(content, "x") == "utf-8"
    assert find(content[:-1], "x", "gb18030") == "gb18030"


def test_forced_encoding_is_used_though_another_fits():
    assert find(b"openid", "x", "GBK") == "gbk"


@pytest.mark.parametrize("name", ["klingon", "", "hex", "rot13", "a\0b", "\ud800", "x" * 999])
def test_unknown_encoding_is_refused(name):
    assert "there is no encoding" in refusal(find, CSV, "p.csv", name)


def test_undecodable_bytes_are_located_for_each_encoding_tried():
    text = refusal(find, b"openid\r\n\xe6\x9d\x8e\r\noA\xff\n", "p.csv")
    assert text == (
        "p.csv: line 3 (byte 16) is not utf-8, line 2 (byte 11) is not gb18030; "
        "name its encoding with --encoding"
    )


@pytest.mark.parametrize(
    ("content", "encoding", "where"),
    [
        (b"\xef\xbb\xbfopenid\n\xc4\xe3\n", None, "line 2 (byte 11) is not utf-8;"),
        ("openid\n".encode("utf-16") + b"x", None, "line 2 (byte 17) is not utf-16;"),
        (b"openid\n\xe9\n", "ascii", "line 2 (byte 8) is not ascii;"),
        (b"\xef\xbb\xbfopenid\n\xc4\xe3\n", "utf-8-sig", "line 2 (byte 11) is not utf-8-sig;"),
        (b"openid\n", "undefined", "line 1 (byte 1) is not undefined;"),
    ],
    ids=["marked as UTF-8", "marked as UTF-16", "forced", "forced and marked", "never text"],
)
def test_mark_or_option_leaves_one_encoding_to_try(content, encoding, where):
    assert where in refusal(find, content, "p.csv", encoding)


@pytest.mark.parametrize(
    ("magic", "what"),
    [
        (b"PK\x03\x04", "Excel"),
        (b"\xd0\xcf\x11\xe0", "old Excel"),
        (b"PAR1", "Parquet"),
        (b"SQLite format 3\0", "SQLite"),
        (b"\x1f\x8b", ".gz"),
        (b"\x28\xb5\x2f\xfd", ".zst"),
        (b"%PDF-1.7", "PDF"),
        (b"\x89PNG\r\n", "picture"),
        (b"\xff\xd8\xff", "picture"),
        (b"\x7fELF", "program"),
    ],
)
@pytest.mark.parametrize("encoding", [None, "latin-1"])
def test_file_that_is_no_text_is_recognised(magic, what, encoding):
    text = refusal(find, magic + b"\x00\x01\n", "p.csv", encoding)
    assert what in text
    assert "not CSV" in text


def test_nul_in_the_first_line_means_binary():
    assert "NUL" in refusal(find, b"\r\nope\0nid\n", "x")
    assert "--encoding utf-16-le" in refusal(find, CSV.decode().encode("utf-16-le"), "x")


def test_utf_16_without_a_mark_is_read_when_forced():
    assert find(CSV.decode().encode("utf-16-le"), "x", "utf-16-le") == "utf-16-le"


def test_nul_further_down_is_left_to_the_lines():
    assert find(CSV + b"o\0,1\n", "x") == "utf-8"


def test_shown_is_one_line_and_not_long():
    assert shown("a\nb\x1b") == r"a\nb\x1b"
    assert shown("x" * 300, 5) == "xxxxx…"
    assert shown("学校.csv") == "学校.csv"
