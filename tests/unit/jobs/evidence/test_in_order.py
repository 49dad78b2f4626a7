"""Each piece of a report finds its evidence, in whichever order its rows are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from jobs.evidence import in_order
from jobs.evidence.columns import SignedRows
from jobs.evidence.in_order import EvidenceInOrder
from jobs.evidence.kept import EvidenceCollector
from jobs.partitions.hashing import partition_numbers
from palm import Pair, SignedMessage

COUNT = 500


def rows() -> pd.DataFrame:
    """Return rows of a report; two of them are of nobody in the input, some are UNKNOWN."""
    number = np.arange(COUNT)
    lines = pd.array(number + 1, dtype="Int64")
    lines[-2:] = pd.NA
    return pd.DataFrame(
        {
            "organization_id": pd.Categorical((number % 3).astype(str)),
            "openid": [f"o{each}" for each in number],
            "input_line": lines,
            "state": np.where(number % 5 == 0, "UNKNOWN", "ON"),
        }
    )


@pytest.mark.parametrize("is_by_line", [True, False])
@pytest.mark.parametrize("bits", [0, 3])
def test_pieces_find_what_was_signed_of_their_rows(tmp_path, monkeypatch, bits, is_by_line):
    monkeypatch.setattr(in_order, "ROWS_PER_CHUNK", 64)
    whole = rows()
    numbers = partition_numbers(whole["organization_id"], whole["openid"], bits)
    folders = [tmp_path / name for name in ("kept", "ranges")]
    for each in folders:
        each.mkdir()
    collector = EvidenceCollector(lambda: None, folders[0], bits)
    for at, row in enumerate(whole.itertuples()):
        signed = SignedMessage(str(at), b"n", b"{}", bytes(256), "K")
        collector.add(int(numbers[at]), Pair(row.openid, row.organization_id), signed)
    found = EvidenceInOrder(collector.finish(), folders[1] if is_by_line else None)
    for number in range(1 << bits):
        found.add(number, whole.loc[numbers == number])
    pieces = (
        [whole.iloc[start : start + 64] for start in range(0, COUNT, 64)]
        if is_by_line
        else [whole.loc[numbers == number] for number in range(1 << bits)]
    )
    for piece in [*pieces, whole[:0]]:
        good = piece.loc[piece["state"] == "ON"]
        kept = found.of(piece).find(good["organization_id"].tolist(), good["openid"].tolist())
        assert kept.has_evidence.all()
        assert SignedRows.of(kept.rows).seconds == good.index.tolist()
    assert len(list(folders[1].iterdir())) == (9 if is_by_line else 0)
