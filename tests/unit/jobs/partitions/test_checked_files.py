"""What is read from a file of the work folder is what was written, or an error that says so."""

from __future__ import annotations

import subprocess
import sys

import pyarrow as pa
import pytest

from jobs.partitions.checked_files import (
    DamagedFileError,
    append_piece,
    append_table,
    read_piece,
    read_table,
    tables_in,
)
from tests.damage import damage

TABLE = pa.table({"openid": [f"o{at}" for at in range(500)], "at": list(range(500))})
DAMAGES = 400


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "part-00000.pieces"
    with path.open("wb") as file:
        for start in (0, 200, 201):
            append_table(file, TABLE.slice(start, 200))
    return path


def test_tables_are_read_in_the_order_in_which_they_were_written(path):
    tables = list(tables_in(path))
    assert [len(table) for table in tables] == [200, 200, 200]
    assert tables[0].equals(TABLE.slice(0, 200))
    assert tables[2].equals(TABLE.slice(201, 200))


def test_only_so_many_bytes_count(path):
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(b"half a piece of a run that was killed")
    assert len(list(tables_in(path, size))) == 3
    with pytest.raises(OSError, match="is not as it was written$"):
        list(tables_in(path))


@pytest.mark.parametrize("content", [b"", b"x", bytes(100_000)])
def test_a_piece_is_any_bytes(tmp_path, content):
    path = tmp_path / "file"
    with path.open("wb") as file:
        append_piece(file, content)
        append_piece(file, b"next")
    with path.open("rb") as file:
        assert (read_piece(file), read_piece(file)) == (content, b"next")
        with pytest.raises(OSError, match=r"file is not as it was written$"):
            read_piece(file)


def test_a_table_without_rows_keeps_its_columns(tmp_path):
    path = tmp_path / "file"
    with path.open("wb") as file:
        append_table(file, TABLE.slice(0, 0))
    with path.open("rb") as file:
        assert read_table(file).schema == TABLE.schema


def test_whatever_is_damaged_is_an_error_or_is_not_there(path):
    """A file that ends at the end of a piece has fewer pieces; whoever reads it counts rows."""
    content, whole = path.read_bytes(), list(tables_in(path))
    errors = []
    for seed in range(DAMAGES):
        path.write_bytes(damage(content, seed))
        found = []
        try:
            found += tables_in(path)
        except OSError as error:
            errors.append(str(error))
        else:
            assert len(found) < len(whole)
        assert all(table.equals(one) for table, one in zip(found, whole, strict=False))
    assert set(errors) == {f"{path} is not as it was written"}
    assert len(errors) > 0.9 * DAMAGES


def test_a_page_of_zeros_is_no_empty_piece(tmp_path):
    """As some file systems leave after a crash: the mark stands before it."""
    path = tmp_path / "file"
    for mark in (b"PPC1", b"", b"PPC1" + bytes(3)):
        path.write_bytes(mark + bytes(4096))
        with path.open("rb") as file, pytest.raises(DamagedFileError, match="is not as it was"):
            read_piece(file)


def test_a_length_that_is_made_up_takes_no_memory(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"PPC1" + (1 << 60).to_bytes(8, "little") + bytes(100))
    program = f"""
import resource
from pathlib import Path
from jobs.partitions.checked_files import tables_in
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
try:
    list(tables_in(Path({str(path)!r})))
except OSError as error:
    print(error)
"""
    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert ended.stdout.decode().strip() == f"{path} is not as it was written"
