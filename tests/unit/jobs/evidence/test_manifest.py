"""The manifest is an in-toto Statement in canonical JSON, and is read back as it was."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime

import pytest

from jobs.evidence.manifest import BaselineLink, Manifest, ManifestError, sha256_of
from jobs.evidence.options import EvidenceScope
from jobs.report.info import GatewayId
from tests.made_up import made_up

MANIFEST = Manifest(
    report="1" * 64,
    reports={"report.parquet": "1" * 64},
    parts={"part-00000.parquet": "2" * 64, "part-00001.parquet": "3" * 64},
    run_id="20250304T020000Z-0000000f",
    run_date=date(2025, 3, 4),
    gateway=GatewayId("wechatpay", "1900000001"),
    scope=EvidenceScope.CHANGES,
    first_started=datetime(2025, 3, 4, 2, tzinfo=UTC),
    keys={"PUB_KEY_ID_1": "4" * 64},
    counts={"BACKED": 7, "MISSING": 1},
    baseline=BaselineLink("20250303T020000Z-0000000f", date(2025, 3, 3), "5" * 64, "6" * 64),
    replaces="7" * 64,
)


def test_it_is_an_in_toto_statement():
    statement = json.loads(MANIFEST.to_bytes())
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["subject"] == [
        {"name": "report.parquet", "digest": {"sha256": "1" * 64}},
        {"name": "evidence/part-00000.parquet", "digest": {"sha256": "2" * 64}},
        {"name": "evidence/part-00001.parquet", "digest": {"sha256": "3" * 64}},
    ]
    assert statement["predicate"]["outcomes"] == {"BACKED": 7, "MISSING": 1}


def test_it_is_canonical_json():
    content = MANIFEST.to_bytes()
    again = json.dumps(json.loads(content), sort_keys=True, separators=(",", ":"))
    assert content == again.encode("ascii")


def test_it_is_read_back_as_it_was():
    content = MANIFEST.to_bytes()
    assert Manifest.from_bytes(content) == MANIFEST
    assert sha256_of(Manifest.from_bytes(content).to_bytes()) == sha256_of(content)


def test_the_first_night_has_nothing_before_it():
    first = Manifest(
        report="1" * 64, reports={}, parts={}, run_id="1", run_date=date(2025, 3, 4),
        gateway=MANIFEST.gateway,
        scope=EvidenceScope.ALL, first_started=MANIFEST.first_started, keys={},
    )  # fmt: skip
    assert Manifest.from_bytes(first.to_bytes()) == first


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"[" * 5000, b"null"])
def test_what_is_no_manifest_is_refused(content):
    with pytest.raises(ManifestError, match="damaged, or not a manifest"):
        Manifest.from_bytes(content)


def test_another_predicate_is_refused_by_its_name():
    statement = json.loads(MANIFEST.to_bytes()) | {
        "predicateType": "https://slsa.dev/provenance/v1"
    }
    with pytest.raises(ManifestError, match="its type is 'https://slsa.dev/provenance/v1'"):
        Manifest.from_bytes(json.dumps(statement).encode())


def test_whatever_is_changed_is_read_or_refused_without_another_error():
    chance, statement = random.Random(17), json.loads(MANIFEST.to_bytes())
    read = 0
    for _ in range(1000):
        try:
            Manifest.from_bytes(json.dumps(made_up(statement, chance)).encode())
        except ManifestError:
            continue
        read += 1
    assert 0 < read < 1000
