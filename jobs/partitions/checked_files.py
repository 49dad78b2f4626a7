"""Files of the work folder: pieces with a checksum each, so that none is read as something else.

A piece is a mark, the length of its content, a crc32 of the three, and the content. Disks and
network file systems may return other bytes than were written, and Arrow may crash on them.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO, Final

import pyarrow as pa

__all__ = [
    "SUFFIX",
    "DamagedFileError",
    "append_piece",
    "append_table",
    "read_piece",
    "read_table",
    "tables_in",
]

SUFFIX: Final = ".pieces"
"""What the names of such files end with."""
_HEAD: Final = struct.Struct("<4sQ")
_CRC: Final = struct.Struct("<I")
_MARK: Final = b"PPC1"
_COMPRESSED: Final = pa.ipc.IpcWriteOptions(compression="lz4")


class DamagedFileError(OSError):
    """A file of the work folder is not as it was written."""


def append_piece(file: IO[bytes], content: bytes | memoryview) -> None:
    """Append a piece to a file that is open for writing.

    Raises:
        OSError: It cannot be written.
    """
    head = _HEAD.pack(_MARK, len(content))
    file.write(head + _CRC.pack(_crc(head, content)))
    file.write(content)


def read_piece(file: BinaryIO) -> bytes:
    """Return the content of the piece at which an open file stands.

    Raises:
        OSError: It cannot be read, or (DamagedFileError) is not as it was written.
    """
    head, crc = file.read(_HEAD.size), file.read(_CRC.size)
    if len(crc) == _CRC.size:
        mark, length = _HEAD.unpack(head)
        if mark == _MARK and length <= _left(file):
            content = file.read(length)
            if len(content) == length and _CRC.pack(_crc(head, content)) == crc:
                return content
    raise DamagedFileError(f"{file.name} is not as it was written")


def append_table(file: IO[bytes], table: pa.Table) -> None:
    """Append a table to a file, as a piece that is an Arrow stream.

    Raises:
        OSError: It cannot be written.
    """
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, table.schema, options=_COMPRESSED) as writer:
        writer.write_table(table)
    append_piece(file, memoryview(stream.getvalue()))


def read_table(file: BinaryIO) -> pa.Table:
    """Return the table at which an open file stands.

    Raises:
        OSError: It cannot be read, or (DamagedFileError) is not as it was written.
    """
    with pa.ipc.open_stream(pa.py_buffer(read_piece(file))) as reader:
        return reader.read_all()


def tables_in(path: Path, size: int | None = None) -> Iterator[pa.Table]:
    """Yield the tables of a file, the oldest first.

    Args:
        path: The file.
        size: How many bytes of it count; None: all that it has.

    Raises:
        OSError: It cannot be read, or (DamagedFileError) is not as it was written.
    """
    with path.open("rb") as file:
        end = _end(file) if size is None else size
        while file.tell() < end:
            yield read_table(file)


def _crc(head: bytes, content: bytes | memoryview) -> int:
    return zlib.crc32(content, zlib.crc32(head))


def _end(file: BinaryIO) -> int:
    here = file.tell()
    end = file.seek(0, 2)
    file.seek(here)
    return end


def _left(file: BinaryIO) -> int:
    return _end(file) - file.tell()
