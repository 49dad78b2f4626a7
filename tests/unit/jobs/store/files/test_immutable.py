"""A file that not even root may replace is told from others, and changed by nothing."""

from __future__ import annotations

import errno
import struct

import pytest

from jobs.store.files.immutable import is_immutable


def answering(flags):
    """Return an ioctl that answers with the attributes of a file."""
    return lambda *arguments: struct.pack("I", flags).ljust(len(arguments[-1]), b"\0")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "report.parquet"
    path.write_bytes(b"x")
    return path


@pytest.mark.parametrize(
    ("flags", "expected"), [(0x10, True), (0x20, True), (0x80030, True), (0x80000, False)]
)
def test_the_attributes_immutable_and_append_only_count(file, flags, expected):
    assert is_immutable(file, answering(flags)) is expected


def test_a_usual_file_and_one_that_is_not_there_are_not(file):
    assert not is_immutable(file)
    assert not is_immutable(file.with_name("none.parquet"), answering(0x10))


def test_a_file_system_without_attributes_has_no_such_file(file):
    def refusing(descriptor, request, buffer):
        raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")

    assert not is_immutable(file, refusing)
