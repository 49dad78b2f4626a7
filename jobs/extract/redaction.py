"""A report that may be passed on: hashes instead of openids, nothing else about a person. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import PurePath

import pandas as pd

from jobs.report.info import Metadata
from jobs.report.model import Report
from jobs.schema import ROWS, STRING, carried_columns

__all__ = ["redacted"]

_DIGITS: int = 16


def redacted(report: Report, key: bytes) -> Report:
    """Return the report without anything that identifies a person.

    The same openid gets the same hash under the same key. Columns carried over from the input are
    removed, and so are request ids, the folders in the name of the input, and the values by which
    people were selected. Organizations stay. The result is for pages, workbooks and the terminal:
    a night that compared with it would find nobody again.

    Args:
        report: The whole report, or a part.
        key: Of the hashes.
    """
    secret = hashlib.blake2b(key, digest_size=32).digest()
    openids = report.rows["openid"]
    hashes = {
        each: hashlib.blake2b(each.encode(), key=secret, digest_size=_DIGITS // 2).hexdigest()
        for each in openids.unique()
    }
    rows = report.rows.drop(columns=carried_columns(report.rows.columns, ROWS))
    rows["openid"] = openids.map(hashes).astype(STRING)
    rows["request_id"] = pd.Series(index=rows.index, dtype=ROWS["request_id"])
    return replace(report, rows=rows, metadata=_without_names(report.metadata))


def _without_names(metadata: Metadata) -> Metadata:
    counted, part = metadata.input, metadata.part
    if counted is not None:
        name = PurePath(counted.name.replace("\\", "/")).name
        metadata = replace(metadata, input=replace(counted, name=name))
    if part is not None and part.where:
        hidden = tuple(replace(each, value="…") for each in part.where)
        metadata = replace(metadata, part=replace(part, where=hidden))
    return metadata
