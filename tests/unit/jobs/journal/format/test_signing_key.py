"""A key that signed answers comes back from a journal, also from a repaired one."""

from __future__ import annotations

import pytest

from jobs.evidence.keys import EvidenceKey
from jobs.journal.format.frames import HEAD, KEY, frame
from jobs.journal.format.header import header_frame
from jobs.journal.format.scan import scan
from jobs.journal.format.signing_key import key_frame, parse_key
from tests.unit.jobs.journal.format.test_scan import RUN, good, journal


@pytest.fixture
def key(keys):
    return EvidenceKey.of("PUB_KEY_ID_1", keys.platform_key.public_key())


def test_it_comes_back(key):
    content = journal([good(0)]) + key_frame(RUN.seed, "PUB_KEY_ID_1", key)
    found = scan(content)
    assert (found.records, found.damaged) == (1, 0)
    assert [parse_key(content, body) for body in found.keys] == [("PUB_KEY_ID_1", key)]


def test_it_comes_back_with_its_certificate(keys):
    serial, certificate = keys.platform_serial, keys.platform_certificate
    key = EvidenceKey.of(serial, certificate.public_key(), certificate)
    content = header_frame(RUN) + key_frame(RUN.seed, serial, key)
    ((found_id, found),) = [parse_key(content, body) for body in scan(content).keys]
    assert (found_id, found.load_certificate()) == (serial, certificate)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"id": 1, "kind": "x"}'])
def test_another_body_is_no_key(body):
    content = header_frame(RUN) + frame(KEY, body, RUN.seed)
    assert parse_key(content, len(header_frame(RUN)) + HEAD.size) is None
