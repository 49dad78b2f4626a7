"""A signed message comes back from the columns of evidence byte for byte."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.evidence.columns import EVIDENCE, SignedRows, evidence_table, signed_message
from palm import Pair, SignedMessage, message

TIMESTAMPS = st.one_of(
    st.integers(0, 10**12 - 1).map(str),
    st.text("0123456789", min_size=1, max_size=12),
    st.just("1740967200"),
)
NONCES = st.one_of(
    st.binary(min_size=16, max_size=16).map(lambda raw: raw.hex().encode()),
    st.binary(min_size=16, max_size=16).map(lambda raw: raw.hex().upper().encode()),
    st.binary(min_size=1, max_size=40).filter(lambda raw: b"\n" not in raw),
    st.text(min_size=1, max_size=10).map(lambda text: text.encode("utf-8", "surrogatepass")),
)
SIGNED = st.builds(
    SignedMessage,
    timestamp=TIMESTAMPS,
    nonce=NONCES,
    body=st.one_of(st.binary(), st.text('\\"\n张{}:u4e00 \t\x00').map(str.encode)),
    signature=st.binary(min_size=256, max_size=512),
    key_id=st.sampled_from(["PUB_KEY_ID_1", "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"]),
)
PAIRS = st.builds(Pair, openid=st.text(max_size=9), organization_id=st.sampled_from(["1", "02"]))


@given(kept=st.lists(st.tuples(PAIRS, SIGNED), max_size=8))
def test_a_message_is_rebuilt_byte_for_byte_from_a_file(kept):
    file = io.BytesIO()
    pq.write_table(evidence_table(kept), file)
    table = pq.read_table(file)
    assert table.schema.equals(EVIDENCE)
    assert SignedRows.of(table).messages == [each.message for _, each in kept]
    found = [signed_message(table.slice(at, 1)) for at in range(len(table))]
    assert found == [each for _, each in kept]
    names = table["openid"].to_pylist(), table["organization_id"].to_pylist()
    assert list(map(Pair, *names)) == [pair for pair, _ in kept]


def test_what_is_usual_takes_no_text():
    usual = SignedMessage("1740967200", b"0123456789abcdef" * 2, b"{}", b"s", "K")
    table = evidence_table([(Pair("o", "1"), usual)])
    assert table["nonce"].to_pylist() == [bytes.fromhex("0123456789abcdef" * 2)]
    assert table["signed_at"].cast(pa.int64()).to_pylist() == [1740967200_000]
    assert (table["nonce_text"].null_count, table["timestamp_text"].null_count) == (1, 1)


@pytest.mark.parametrize(
    ("timestamp", "seconds"), [("1740967200", 1740967200), ("0017", 17), ("x", None)]
)
def test_the_time_of_a_timestamp_that_is_written_in_an_odd_way_is_known(timestamp, seconds):
    odd = SignedMessage(timestamp, b"n", b"{}", b"s", "K")
    rows = SignedRows.of(evidence_table([(Pair("o", "1"), odd)]))
    assert rows.seconds == [seconds]
    assert rows.messages == [message(timestamp, "n", "{}")]
