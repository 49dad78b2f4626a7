"""One person's proof: what WeChat Pay signed of one answer, as JSON that needs no tool of ours."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from typing import Final

import numpy as np
import pandas as pd

from jobs.errors import InputError, UsageError
from jobs.evidence.columns import PAIR, signed_message
from jobs.evidence.kept import PairIndex
from jobs.evidence.read import EvidenceFiles
from palm import Pair

__all__ = ["person_proof", "row_of"]

_ALGORITHM: Final = "RSASSA-PKCS1-v1_5 with SHA-256"


def row_of(chunks: Iterable[pd.DataFrame], pair: Pair) -> pd.DataFrame:
    """Return the row of one pair, as a frame.

    Args:
        chunks: The report's rows, columns ``ROWS``.
        pair: The person and the organization.

    Raises:
        UsageError: The report does not have it. The pair is not repeated in the message.
    """
    for rows in chunks:
        same = (rows["openid"] == pair.openid) & (rows["organization_id"] == pair.organization_id)
        if len(found := rows.loc[same]):
            return found
    raise UsageError("--openid and --organization-id name nobody in the report")


def person_proof(row: pd.DataFrame, files: EvidenceFiles) -> bytes:
    """Return the proof of one row of the report.

    Its ``timestamp``, ``nonce`` and ``body``, each ended by a line feed, are what was signed. If a
    platform certificate signed it, ``certificate`` is that in PEM.

    Args:
        row: A frame of one row, columns ``ROWS``.
        files: The evidence.

    Raises:
        InputError: There is no evidence of this row, or it holds what is not text.
    """
    pairs = [group.to_pydict() for group in files.pairs()]
    index = PairIndex(*([value for group in pairs for value in group[name]] for name in PAIR))
    (position,) = index.find(*(row[name].tolist() for name in PAIR)).tolist()
    if position < 0:
        raise InputError("there is no evidence of this person's state")
    signed = signed_message(files.take(np.array([position])))
    key = files.keys.get(signed.key_id)
    if key is None:
        raise InputError("the evidence lacks the key that signed this answer")
    time = row["authorize_time"].iloc[0]
    try:
        proof = {
            "organization_id": row["organization_id"].iloc[0],
            "openid": row["openid"].iloc[0],
            "state": row["state"].iloc[0],
            "authorize_time": None if pd.isna(time) else time.isoformat(timespec="milliseconds"),
            "timestamp": signed.timestamp,
            "nonce": signed.nonce.decode(),
            "body": signed.body.decode(),
            "signature": b64encode(signed.signature).decode(),
            "key_id": signed.key_id,
            "public_key": key.pem,
            "algorithm": _ALGORITHM,
        }
        if key.certificate is not None:
            proof["certificate"] = key.certificate
    except UnicodeDecodeError:
        raise InputError("the evidence of this person holds what is not text") from None
    return (json.dumps(proof, ensure_ascii=False, indent=2) + "\n").encode()
