"""The header of a journal: only one that this program wrote is read."""

from __future__ import annotations

import pytest

from jobs.journal.format.header import JournalRun, header_frame
from jobs.journal.format.scan import scan
from tests.unit.jobs.journal.format.test_scan import ROWS, RUN, found_in, journal


def test_without_a_header_nothing_is_believed():
    content = journal(ROWS)
    found = scan(content[2 * len(header_frame(RUN)) :])
    assert (found.run, found.answers) == (None, {})


def test_either_of_the_first_two_headers_is_enough():
    content = bytearray(journal(ROWS))
    content[5] ^= 1
    assert len(found_in(bytes(content), 6)) == 6


def test_a_header_of_a_newer_format_is_not_read():
    newer = header_frame(RUN).replace(b'"format": 1', b'"format": 2')
    assert scan(newer).run is None


@pytest.mark.parametrize("salt", ["", "5a" * 15, "5a" * 65, "no", 5, None])
def test_a_header_with_another_salt_than_this_program_makes_is_not_read(salt):
    odd = JournalRun("2025-03-03", "sandbox", "0000000000", 1_741_000_000_000, salt)
    assert scan(header_frame(odd)).run is None
