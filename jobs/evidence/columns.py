"""The columns of the evidence, and how a signed message is put into them and taken out again.

Pure. A message is rebuilt byte for byte. Values that are not as WeChat Pay writes them, a timestamp
with leading zeros or a nonce that is not 32 lower-case hexadecimal digits, stand in columns of
their own, which are empty otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from palm import Pair, SignedMessage

__all__ = ["EVIDENCE", "PAIR", "SignedRows", "evidence_table", "signed_message"]

_WORD: Final = pa.dictionary(pa.int32(), pa.string())
EVIDENCE: Final = pa.schema(
    [
        pa.field("organization_id", _WORD, nullable=False),
        pa.field("openid", pa.string(), nullable=False),
        pa.field("signed_at", pa.timestamp("ms", "UTC")),
        pa.field("timestamp_text", pa.string()),
        pa.field("nonce", pa.binary(16)),
        pa.field("nonce_text", pa.binary()),
        pa.field("body", pa.binary(), nullable=False),
        pa.field("key_id", _WORD, nullable=False),
        pa.field("signature", pa.binary(), nullable=False),
    ]
)
"""The columns of an evidence file; its rows stand in the order of the report's.

``signed_at`` is ``Wechatpay-Timestamp``, or ``timestamp_text`` is where it is not a usual number;
``nonce`` is ``Wechatpay-Nonce``, hexadecimal, or ``nonce_text`` is, as bytes. ``body`` is as
received, ``key_id`` is ``Wechatpay-Serial``, ``signature`` the decoded ``Wechatpay-Signature``.
"""
PAIR: Final = ("organization_id", "openid")

_NONCE_LENGTH: Final = 32
_HEX_DIGITS: Final = b"0123456789abcdef"
_USUAL_TIMESTAMP: Final = re.compile(r"0|[1-9][0-9]{0,11}")


def evidence_table(kept: Iterable[tuple[Pair, SignedMessage]]) -> pa.Table:
    """Return the rows of signed messages, columns ``EVIDENCE``."""
    milliseconds = lru_cache(1024)(_milliseconds)  # many answers are signed in the same second
    rows = [_cells(pair, signed, milliseconds(signed.timestamp)) for pair, signed in kept]
    columns = zip(*rows, strict=True) if rows else [()] * len(EVIDENCE)
    arrays = [
        pa.array(values, pa.string()).dictionary_encode()
        if field.type == _WORD
        else pa.array(values, field.type)
        for field, values in zip(EVIDENCE, columns, strict=True)
    ]
    return pa.table(arrays, schema=EVIDENCE)


def _milliseconds(timestamp: str) -> int | None:
    """Return the Unix milliseconds of a usual timestamp, None of any other text."""
    return int(timestamp) * 1000 if _USUAL_TIMESTAMP.fullmatch(timestamp) else None


def _cells(pair: Pair, signed: SignedMessage, milliseconds: int | None) -> tuple[object, ...]:
    nonce = signed.nonce
    is_hex = len(nonce) == _NONCE_LENGTH and not nonce.translate(None, _HEX_DIGITS)
    return (
        pair.organization_id,
        pair.openid,
        milliseconds,
        None if milliseconds is not None else signed.timestamp,
        bytes.fromhex(signed.nonce.decode()) if is_hex else None,
        None if is_hex else signed.nonce,
        signed.body,
        signed.key_id,
        signed.signature,
    )


class SignedRows(NamedTuple):
    """Rows of evidence as lists, in which a loop finds its values fastest.

    Attributes:
        seconds: When each was signed, Unix seconds; None where the timestamp is not a number.
        timestamps: The same, as signed.
        nonces: The random text of each, as signed.
        messages: The bytes that were signed.
        bodies: The bodies in them.
        key_ids: Id of the key of each.
        signatures: The raw signatures.
    """

    seconds: list[int | None]
    timestamps: list[bytes]
    nonces: list[bytes]
    messages: list[bytes]
    bodies: list[bytes]
    key_ids: list[str]
    signatures: list[bytes]

    @classmethod
    def of(cls, rows: pa.Table) -> SignedRows:
        """Return rows with the columns ``EVIDENCE``."""
        milliseconds = rows["signed_at"].cast(pa.int64())
        seconds: list[int | None] = pc.divide(milliseconds, 1000).to_pylist()
        bodies: list[bytes] = rows["body"].to_pylist()
        timestamps = _texts(seconds, rows["timestamp_text"])
        nonces = _nonces(rows)
        parts = zip(timestamps, nonces, bodies, strict=True)
        messages = [b"%b\n%b\n%b\n" % each for each in parts]
        if None in seconds:
            seconds = [int(each) if each.isdigit() else None for each in timestamps]
        key_ids: list[str] = rows["key_id"].to_pylist()
        signatures: list[bytes] = rows["signature"].to_pylist()
        return cls(seconds, timestamps, nonces, messages, bodies, key_ids, signatures)


def _texts(seconds: Sequence[int | None], others: pa.ChunkedArray) -> list[bytes]:
    if others.null_count == len(others):
        return [b"%d" % each if each is not None else b"" for each in seconds]
    pairs = zip(seconds, others.to_pylist(), strict=True)
    return [(text or "").encode() if each is None else b"%d" % each for each, text in pairs]


def _nonces(rows: pa.Table) -> list[bytes]:
    others = rows["nonce_text"]
    usual = (each.hex().encode() if each else b"" for each in rows["nonce"].to_pylist())
    if others.null_count == len(others):
        return list(usual)
    return [
        text if text is not None else each
        for each, text in zip(usual, others.to_pylist(), strict=True)
    ]


def signed_message(row: pa.Table) -> SignedMessage:
    """Return the signed message in a table of one row."""
    signed = SignedRows.of(row)
    return SignedMessage(
        signed.timestamps[0].decode(),
        signed.nonces[0],
        signed.bodies[0],
        signed.signatures[0],
        signed.key_ids[0],
    )
