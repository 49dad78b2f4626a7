"""Evidence files are read by ranges of rows; a damaged one is an error that names it."""

from __future__ import annotations

import random
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.errors import InputError
from jobs.evidence import write as writing
from jobs.evidence.folder import EvidenceDay
from jobs.evidence.read import EvidenceFiles


@pytest.fixture
def day(night, tmp_path, monkeypatch):
    """Three parts of five, five and two rows, in groups of two."""
    monkeypatch.setattr(writing, "_ROWS_PER_PART", 5)
    monkeypatch.setattr(writing, "_ROWS_PER_GROUP", 2)
    night.write(tmp_path)
    return EvidenceDay.of(tmp_path / "evidence", night.report.run_date)


def test_rows_are_taken_by_their_number_in_any_order(night, day):
    everyone = [row["openid"] for row in night.rows()]
    chance = random.Random(1)
    some = [chance.sample(range(12), 5) for _ in range(20)]
    with EvidenceFiles(day.parts()) as files:
        assert len(files) == len(everyone) == 12
        for positions in ([], [0], [11, 0], list(range(12)), *some):
            found = files.take(np.array(positions, np.int64))
            assert found["openid"].to_pylist() == [everyone[at] for at in positions]


def test_it_names_its_keys_and_all_pairs(night, day, keys):
    with EvidenceFiles(day.parts()) as files:
        key = files.keys[keys.public_key_id].load()
        assert key == keys.public_key_pair.public_key()
        openids = [name for group in files.pairs() for name in group["openid"].to_pylist()]
        assert openids == [row["openid"] for row in night.rows()]
        assert sum(map(len, files.tables())) == 12


def refusal(day) -> str:
    """Read everything; return the error, or nothing."""
    try:
        with EvidenceFiles(day.parts()) as files:
            files.take(np.arange(len(files)))
    except InputError as error:
        return str(error)
    return ""


def test_a_file_that_is_cut_or_altered_is_an_error_that_names_it(day):
    path = day.part(1)
    content = path.read_bytes()
    chance, refused = random.Random(3), 0
    for _ in range(60):
        altered = bytearray(content)
        for _ in range(chance.randrange(1, 4)):
            altered[chance.randrange(len(altered))] ^= 1 << chance.randrange(8)
        path.write_bytes(altered)
        refused += str(path) in refusal(day)
    assert refused > 30
    path.write_bytes(content[:-9])
    with pytest.raises(InputError, match=r"part-00001\.parquet is damaged, or not evidence"):
        EvidenceFiles(day.parts())
    path.unlink()
    with pytest.raises(InputError, match=r"part-00001\.parquet cannot be read: No such file"):
        EvidenceFiles([path])


@pytest.mark.parametrize("claimed", [b"\x02", b"\x7e"], ids=["fewer", "more"])
def test_a_file_that_claims_another_number_of_rows_is_an_error_that_names_it(day, claimed):
    """One byte of the footer, which no checksum covers: the rows of one group of two."""
    path = day.part(1)
    content, altered = path.read_bytes(), []
    field = b"\x16\x04"  # Thrift: the next field is an i64, and is 2
    at = content.find(field)
    while at >= 0:
        path.write_bytes(content[: at + 1] + claimed + content[at + 2 :])
        with suppress(pa.ArrowException, OSError):
            metadata = pq.read_metadata(path)
            groups = [metadata.row_group(each) for each in range(metadata.num_row_groups)]
            if any(each.num_rows != given for each, given in zip(groups, (2, 2, 1), strict=True)):
                altered.append(refusal(day))
        at = content.find(field, at + 1)
    assert len(altered) == 2
    assert altered == [f"{path} is damaged, or not evidence of palm-reconcile"] * 2


def test_another_parquet_file_is_not_evidence(written, tmp_path):
    with pytest.raises(InputError, match=r"report\.parquet is not evidence of palm-reconcile"):
        EvidenceFiles([written])


def test_another_version_or_other_columns_are_refused(day, tmp_path):
    table = pq.read_table(day.part(0))
    metadata = table.schema.metadata
    later = metadata[writing.FOOTER].replace(b'"schema":1', b'"schema":2')
    for changed, text in (
        (table.replace_schema_metadata({writing.FOOTER: later}), "was written with another schema"),
        (table.drop_columns(["nonce"]), "does not have the columns of evidence"),
    ):
        pq.write_table(changed, tmp_path / "changed.parquet")
        with pytest.raises(InputError, match=text):
            EvidenceFiles([tmp_path / "changed.parquet"])
