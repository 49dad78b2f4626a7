"""A report that may be passed on: hashes instead of openids, nothing else about a person. Pure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath

import pandas as pd

from jobs.person import Person
from jobs.report.chunks import DerivedChunks, RowChunks
from jobs.report.info import Metadata
from jobs.report.model import Report
from jobs.schema import ROWS, STRING, carried_columns

__all__ = ["redacted"]


def redacted(report: Report, person: Person) -> Report:
    """Return the report without anything that identifies a person.

    An openid becomes the hash that a log with the same key has for it. Columns carried over from
    the input are removed, and so are request ids, the folders in the name of the input, and the
    values by which people were selected. Organizations stay, and so do the values of columns by
    which the report is counted. The result is for pages, workbooks and the terminal: a night that
    compared with it would find nobody again.

    Args:
        report: The whole report, or a part.
        person: Makes the hashes.
    """
    carried = carried_columns(report.columns, ROWS)

    def make(rows: pd.DataFrame) -> pd.DataFrame:
        openids = rows["openid"]
        hashes = {each: person.of(each) for each in openids.unique()}
        rows = rows.drop(columns=carried)
        rows["openid"] = openids.map(hashes).astype(STRING)
        rows["request_id"] = pd.Series(index=rows.index, dtype=ROWS["request_id"])
        return rows

    content: pd.DataFrame | RowChunks = (
        make(report.rows)
        if report.is_in_memory
        else DerivedChunks(report.row_chunks, list(ROWS), report.row_count, make)
    )
    return replace(report, content=content, metadata=_without_names(report.metadata))


def _without_names(metadata: Metadata) -> Metadata:
    counted, part = metadata.input, metadata.part
    if counted is not None:
        name = PurePath(counted.name.replace("\\", "/")).name
        metadata = replace(metadata, input=replace(counted, name=name))
    if part is not None and part.where:
        hidden = tuple(replace(each, value="…") for each in part.where)
        metadata = replace(metadata, part=replace(part, where=hidden))
    return metadata
