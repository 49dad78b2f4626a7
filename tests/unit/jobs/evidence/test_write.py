"""Evidence is written in the report's order, completely, and never half."""

from __future__ import annotations

import json
import random
import stat
import string

import duckdb
import pyarrow.parquet as pq
import pytest

from jobs.errors import OutputError
from jobs.evidence import write as writing
from jobs.evidence.folder import EvidenceDay
from jobs.evidence.manifest import sha256_of
from jobs.evidence.options import EvidenceScope
from jobs.evidence.write import baseline_link
from palm import Pair
from tests.evidence import SignedNight, body_of, write_evidence


def day_of(night, tmp_path) -> EvidenceDay:
    return EvidenceDay.of(tmp_path / "evidence", night.report.run_date)


def pairs_in(day) -> list[tuple[str, str]]:
    tables = [pq.read_table(path) for path in day.parts()]
    return [
        pair
        for table in tables
        for pair in zip(
            table["organization_id"].to_pylist(), table["openid"].to_pylist(), strict=True
        )
    ]


def test_its_rows_are_the_states_in_the_reports_order(night, written, tmp_path, monkeypatch):
    day = day_of(night, tmp_path)
    wanted = [(row["organization_id"], row["openid"]) for row in night.rows()]
    assert pairs_in(day) == wanted
    assert len(wanted) == 12
    monkeypatch.setattr(writing, "_ROWS_PER_PART", 5)
    night.kept = dict(reversed(night.kept.items()))
    night.write(tmp_path)
    assert [path.name for path in day.parts()] == [f"part-0000{n}.parquet" for n in range(3)]
    assert pairs_in(day) == wanted
    night.kept = {}
    night.write(tmp_path)
    assert [path.name for path in day.parts()] == ["part-00000.parquet"]
    assert pairs_in(day) == []


def test_other_programs_read_it(night, written, tmp_path, keys):
    """DuckDB as the judge: the types are plain, and the keys stand in the footer."""
    path = day_of(night, tmp_path).part(0)
    found = duckdb.read_parquet(str(path)).project(
        "organization_id, openid, epoch(signed_at)::BIGINT, hex(nonce), decode(body), "
        "octet_length(signature)"
    )
    row, kept = night.rows()[0], next(iter(night.kept.values()))
    assert found.limit(1).fetchall()[0] == (
        row["organization_id"], row["openid"], int(kept.timestamp), kept.nonce.decode().upper(),
        kept.body.decode(), 256,
    )  # fmt: skip
    footer = json.loads(pq.read_metadata(path).metadata[writing.FOOTER])
    assert footer["run_id"] == night.report.run_id
    assert footer["keys"][keys.public_key_id]["pem"] == keys.public_key_pem()


def test_the_manifest_names_files_keys_and_counts(night, written, tmp_path, keys):
    manifest = day_of(night, tmp_path).read_manifest()
    assert list(manifest.reports) == ["report.parquet"]
    assert list(manifest.parts) == ["part-00000.parquet"]
    assert list(manifest.keys) == [keys.public_key_id]
    assert (manifest.counts, manifest.replaces, manifest.baseline) == ({"BACKED": 12}, None, None)


def test_states_without_evidence_and_without_a_name_are_counted(
    night, nights, report_of, tmp_path, keys
):
    night.kept.pop(Pair("o00", "1001"))
    rows = night.report.rows
    rows["error_code"] = rows["openid"].map({"o01": "UNNAMED"}).astype("category")
    written = write_evidence(
        tmp_path / "e", night.report, [night.write(tmp_path)], night.kept, keys
    )
    assert written.counts == {"BACKED": 10, "UNNAMED": 1, "MISSING": 1}


def test_only_changes_are_kept_where_that_is_wanted(two_nights, tmp_path):
    _, _, second, path = two_nights(scope=EvidenceScope.CHANGES)
    day = day_of(second, tmp_path)
    assert pairs_in(day) == [("1001", "o00"), ("1002", "o01"), ("1002", "o03")]
    assert day.read_manifest().counts == {"BACKED": 3, "NOT_KEPT": 9}
    assert path.is_file()


def test_files_are_readable_by_the_group_alone(night, written, tmp_path):
    day = day_of(night, tmp_path)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in day.path.iterdir()}
    assert modes <= {0o640, 0o600}


def test_the_manifest_that_is_replaced_stays_and_is_named(
    night, report_of, heard, nights, tmp_path
):
    night.write(tmp_path)
    day = day_of(night, tmp_path)
    first = day.manifest.read_bytes()
    corrected = SignedNight(
        report_of(heard, nights[0], run_id="20250303T090000Z-0000000f"), night.keys
    )
    corrected.write(tmp_path)
    assert day.replaced_manifest(night.report.run_id).read_bytes() == first
    assert day.read_manifest().replaces == sha256_of(first)
    names = sorted(path.name for path in day.path.iterdir())
    assert names == [
        f"manifest.{night.report.run_id}.json", "manifest.json", "part-00000.parquet"
    ]  # fmt: skip


def test_a_manifest_names_the_night_before_and_its_manifest(two_nights, tmp_path):
    first, _, second, _ = two_nights()
    link = day_of(second, tmp_path).read_manifest().baseline
    assert link.run_id == first.report.run_id
    assert link.manifest == sha256_of(day_of(first, tmp_path).manifest.read_bytes())
    assert link.report == second.report.metadata.baseline.sha256


def test_a_night_before_without_evidence_is_named_without_a_manifest(two_nights, tmp_path):
    _, _, second, _ = two_nights()
    assert baseline_link(second.report.metadata.baseline, tmp_path / "elsewhere").manifest is None
    assert baseline_link(None, tmp_path) is None


def test_an_error_leaves_the_earlier_evidence_and_no_other_file(
    night, written, tmp_path, monkeypatch
):
    day = day_of(night, tmp_path)
    before = {path.name: path.read_bytes() for path in day.path.iterdir()}

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.pq, "write_table", full)
    with pytest.raises(OutputError, match=r"part-00000\.parquet cannot be written: No space left"):
        night.write(tmp_path)
    assert {path.name: path.read_bytes() for path in day.path.iterdir()} == before


def test_while_files_are_exchanged_there_is_no_manifest(night, written, tmp_path, monkeypatch):
    """A run that is killed then leaves evidence that is seen to be incomplete, and a chain."""
    day = day_of(night, tmp_path)
    first = sha256_of(day.manifest.read_bytes())

    class Killed(BaseException):
        pass

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(writing, "place", killed)
        with pytest.raises(Killed):
            night.write(tmp_path)
    assert not day.manifest.exists()
    night.write(tmp_path)
    assert day.read_manifest().replaces == first


@pytest.mark.slow
def test_a_row_takes_at_most_330_bytes(report_of, nights, keys, tmp_path):
    """Openids, nonces and signatures as random as real ones; each authorize_time is another."""
    chance, states = random.Random(5), ("ON", "OFF", "NONE")
    letters = string.ascii_letters + string.digits + "-_"
    names = [f"{1000 + n % 40}/o{''.join(chance.choices(letters, k=27))}" for n in range(20_000)]
    night = SignedNight(report_of({"1/o": "ON"}, nights[0]), keys)
    (template,) = night.kept.values()
    night.report = report_of({name: states[n % 3] for n, name in enumerate(names)}, nights[0])
    night.kept = {}
    for row in night.rows():
        night.kept[Pair(row["openid"], row["organization_id"])] = type(template)(
            str(1_740_967_200 + chance.randrange(600)),
            chance.randbytes(16).hex().encode(),
            body_of(
                row,
                authorize_time=f"{2020 + chance.randrange(6)}-0{chance.randrange(1, 10)}-"
                f"{chance.randrange(10, 29)}T{chance.randrange(10, 24)}:{chance.randrange(10, 60)}:"
                f"{chance.randrange(10, 60)}+08:00",
            ),
            chance.randbytes(256),
            template.key_id,
        )
    night.write(tmp_path)
    size = day_of(night, tmp_path).part(0).stat().st_size
    assert size / len(names) <= 330
