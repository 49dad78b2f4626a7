"""Inputs that do not end are refused in time."""

from __future__ import annotations

import gzip
import io
import os
import threading
from contextlib import suppress

import pyarrow as pa
import pytest

from jobs.commands.exit_codes import exit_code_of
from jobs.errors import InputError, RunError
from jobs.input.content.size_limit import TooLargeError, parse_size, read_at_most, size_text
from jobs.input.content.source import read_stored

HEADER = b"openid,organization_id\n"
MIB = 1 << 20


def test_all_is_read_up_to_the_limit_and_nothing_beyond_it():
    assert read_at_most(io.BytesIO(b"x" * 3 * MIB), 3 * MIB) == b"x" * 3 * MIB
    stream = io.BytesIO(b"x" * 10 * MIB)
    with pytest.raises(TooLargeError):
        read_at_most(stream, 3 * MIB)
    assert stream.tell() <= 4 * MIB


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_packed_bomb_is_refused_without_being_unpacked_whole(tmp_path, suffix):
    content = HEADER + b"o,1\n" * 16 * MIB
    packed = (
        gzip.compress(content) if suffix == ".gz" else pa.compress(content, "zstd", asbytes=True)
    )
    path = tmp_path / f"p.csv{suffix}"
    path.write_bytes(packed)
    with pytest.raises(InputError, match="holds more than 1 MiB.*--max-input-size"):
        read_stored(path, max_size=MIB)


def test_a_device_without_an_end_is_refused():
    with pytest.raises(InputError, match="/dev/zero: holds more than 8 MiB"):
        read_stored("/dev/zero", max_size=8 * MIB)


def test_a_pipe_that_does_not_end_is_refused():
    reading, writing = os.pipe()

    def write():
        with os.fdopen(writing, "wb", buffering=0) as file, suppress(BrokenPipeError):
            file.writelines(b"x" * MIB for _ in range(64))

    thread = threading.Thread(target=write)
    thread.start()
    refused = pytest.raises(InputError, match="standard input: holds more")
    with os.fdopen(reading, "rb") as stdin, refused:
        read_stored("-", stdin, max_size=2 * MIB)
    thread.join()


def test_a_large_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(InputError, match="holds more than 4 GiB"):
        read_stored(path)


@pytest.mark.parametrize(
    ("text", "size"),
    [("4GiB", 4 << 30), ("500MB", 500_000_000), ("500 mb", 500_000_000), ("1000", 1000),
     ("1.5k", 1500), ("2b", 2)],
)  # fmt: skip
def test_sizes_are_read_as_people_write_them(text, size):
    assert parse_size(text, "--x") == size


@pytest.mark.parametrize("text", ["", "GiB", "0", "-1", "4 gigs", "1e9", "nan", "٣", "4,5G"])
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(RunError, match="is not a size such as 500MB or 4GiB") as stop:
        parse_size(text, "--max-input-size")
    assert exit_code_of(stop.value) == 2


@pytest.mark.parametrize(
    ("size", "text"), [(4 << 30, "4 GiB"), (500_000_000, "476.8 MiB"), (12, "12 bytes")]
)
def test_sizes_are_told_in_binary_units(size, text):
    assert size_text(size) == text
