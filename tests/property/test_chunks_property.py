"""A report in pieces makes the same file as the same rows in memory, however they are cut."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import jobs.report.parquet.write
from jobs.compare.column_counts import count_by_column
from jobs.compare.controls.recount import RowCounter
from jobs.compare.summary import summarize
from jobs.render import writer_of
from jobs.render.language import Language
from jobs.report.info import Metadata
from jobs.report.model import Report, recheck_alone
from jobs.report.parquet import read_parquet, write_parquet
from jobs.report.parquet.checksums import ColumnDigests, column_digests
from jobs.schema import ROWS, codes, conform
from tests.examples import examples_of
from tests.property.test_writers_property import rows_of
from tests.unit.jobs.conftest import _report_of

DAY = date(2025, 3, 3)
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)


class Cut:
    """Rows in pieces that end at these places, each with the categories that occur in it."""

    def __init__(self, rows, places):
        self.rows, self.places = rows, sorted(places)

    @property
    def columns(self):
        return list(self.rows.columns)

    def __len__(self):
        return len(self.rows)

    def __iter__(self):
        for start, end in zip([0, *self.places], [*self.places, len(self.rows)], strict=True):
            piece = self.rows.iloc[start:end].reset_index(drop=True)
            yield piece.assign(
                **{
                    name: piece[name].cat.remove_unused_categories()
                    for name in ("organization_id", "error_code")
                }
            )


@st.composite
def cut_rows(draw, most=24):
    """Return rows with anything in them, and the same in pieces."""
    rows = rows_of(draw, draw(st.integers(0, most)))
    places = draw(st.lists(st.integers(0, len(rows)), max_size=5))
    return rows, Cut(rows, places)


def digests_as_documented(rows):
    """Return the checksums of the columns, made from all rows at once as their module says."""
    found = {}
    for name, column in rows.items():
        digest = hashlib.sha256(json.dumps([name, len(column)]).encode() + b"\n")
        if isinstance(ROWS.get(name), pd.CategoricalDtype):
            digest.update(codes(rows, name).tobytes())
        elif isinstance(column.dtype, pd.CategoricalDtype):
            texts = [None if pd.isna(each) else str(each) for each in column]
            known = list(dict.fromkeys(texts))
            digest.update(json.dumps(known).encode() + b"\n")
            digest.update(np.array([known.index(each) for each in texts], "<i4").tobytes())
        elif "datetime" in str(column.dtype):
            digest.update(column.to_numpy("datetime64[ms]").view("int64").astype("<i8").tobytes())
        elif "Int" in str(column.dtype):
            width = np.dtype(str(column.dtype).lower()).newbyteorder("<")
            digest.update(np.array([0 if pd.isna(n) else n for n in column], width).tobytes())
            missing = np.array([pd.isna(n) for n in column], dtype=bool)
            digest.update(np.packbits(missing).tobytes())
        else:
            texts = [None if pd.isna(each) else each.encode() for each in column]
            lengths = np.array([-1 if each is None else len(each) for each in texts], "<i4")
            digest.update(hashlib.sha256(lengths.tobytes()).digest())
            digest.update(hashlib.sha256(b"".join(each or b"" for each in texts)).digest())
        found[name] = digest.hexdigest()
    return found


@settings(max_examples=examples_of(100), deadline=None)
@given(cut_rows())
def test_checksums_are_those_of_the_documentation_however_the_rows_are_cut(drawn):
    rows, cut = drawn
    expected = digests_as_documented(rows)
    assert column_digests(rows) == expected
    digests = ColumnDigests(len(rows))
    for piece in cut:
        digests.update(piece)
    assert digests.hexdigests() == expected


def claiming(rows):
    """Return a report of these rows whose summary claims as many."""
    base = _report_of({"A/a": "ON"}, DAY)
    about = base.about
    changes = dict.fromkeys(about["summary"]["changes"], 0) | {"FIRST_SEEN": len(rows)}
    about["summary"] |= {"changes": changes}
    return Report(rows, Metadata.from_json(about))


@pytest.mark.parametrize("group", [5, 1_000])
@settings(max_examples=examples_of(60), deadline=None)
@given(drawn=cut_rows())
def test_the_parquet_file_is_the_same_byte_for_byte(drawn, group):
    rows, cut = drawn
    whole = claiming(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs.report.parquet.write, "_ROWS_PER_GROUP", group)
        files = []
        for report in (whole, replace(whole, content=cut)):
            file = io.BytesIO()
            write_parquet(report, file)
            files.append(file.getvalue())
    assert files[0] == files[1]


@settings(max_examples=examples_of(30), deadline=None)
@given(drawn=cut_rows())
def test_a_large_report_is_read_in_pieces_that_are_its_rows(tmp_path_factory, drawn):
    rows, _ = drawn
    path = tmp_path_factory.getbasetemp() / "pieces.parquet"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jobs.report.parquet.write._ROWS_PER_GROUP", 5)
        patch.setattr("jobs.report.parquet.stored_rows.ROWS_PER_CHUNK", 3)
        patch.setattr("jobs.report.parquet.read.MOST_IN_MEMORY", -1)
        write_parquet(claiming(rows), path)
        report = read_parquet(path)
        assert not report.is_in_memory
        pieces = [len(piece) for piece in report.chunks()]
        assert max(pieces) <= 3
        assert sum(pieces) == report.row_count == len(rows)
        assert report.columns == list(rows.columns)
        pd.testing.assert_frame_equal(report.rows, rows)


@settings(max_examples=examples_of(60), deadline=None)
@given(data=st.data())
def test_controls_are_the_same_however_the_rows_are_cut(data):
    """Also where pairs are repeated, within a piece and across them."""
    pairs = st.tuples(st.sampled_from("AB"), st.sampled_from(["o1", "o2", "o3", "o4"]))
    drawn = data.draw(st.lists(pairs, max_size=9))
    rows = conform(
        pd.DataFrame(
            {
                "organization_id": [organization for organization, _ in drawn],
                "openid": [openid for _, openid in drawn],
                "state": "ON",
                "change": "FIRST_SEEN",
                "input_duplicates": 1,
            },
        ).astype({"organization_id": "str", "openid": "str"}),
        ROWS,
    )
    whole = claiming(rows)
    summary = summarize(rows, baseline_run_date=None)
    whole = replace(whole, metadata=replace(whole.metadata, summary=summary, baseline=None))
    cut = Cut(rows, data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    controls = recheck_alone(replace(whole, content=cut))
    assert controls == recheck_alone(whole)
    (unique,) = [each for each in controls if each.name == "unique_pairs"]
    assert unique.detail.startswith(f"{len(drawn) - len(set(drawn))} of ")


def test_pairs_whose_hashes_are_equal_are_compared_themselves(monkeypatch):
    monkeypatch.setattr(
        "jobs.compare.controls.recount._hashes", lambda rows: np.zeros(len(rows), dtype=np.int64)
    )
    rows = conform(
        pd.DataFrame({"organization_id": ["A", "B", "A"], "openid": ["a", "a", "a"]}), ROWS
    )
    counter = RowCounter(3, None)
    counter.add(rows)
    assert counter.recount(lambda: [rows]).repeated == 1


@pytest.mark.parametrize("name", ["csv", "html", "json", "xlsx"])
@settings(max_examples=examples_of(15), deadline=None, phases=NO_SHRINKING)
@given(drawn=cut_rows(most=12), language=st.sampled_from(list(Language)))
def test_every_format_is_the_same_byte_for_byte(drawn, name, language):
    rows, cut = drawn
    whole = replace(claiming(rows), show=("class",))
    files = []
    for report in (whole, replace(whole, content=cut)):
        file = io.BytesIO()
        writer_of(name)(report, file, language)
        files.append(file.getvalue())
    assert files[0] == files[1]


@settings(max_examples=examples_of(60), deadline=None)
@given(drawn=cut_rows(), first=st.dates(date(2024, 1, 1), date(2026, 1, 1)))
def test_counts_by_a_column_add_up(drawn, first):
    rows, cut = drawn
    whole = count_by_column([rows], "class", baseline_run_date=first)
    assert count_by_column(cut, "class", baseline_run_date=first) == whole
