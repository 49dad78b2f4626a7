"""Reports that were damaged, or made up: refused with one line, or read as what was written.

A damage that is believed would be a false state in this report and a false change in the next one.
"""

from __future__ import annotations

import json
import random
from dataclasses import replace
from io import BytesIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from jobs.commands.exit_codes import exit_code_of
from jobs.compare.changes import classify
from jobs.errors import RunError
from jobs.render import FORMATS, writer_of
from jobs.render.language import Language
from jobs.render.terminal import print_summary
from jobs.report.metadata import CHECKSUMS, checksums
from jobs.report.model import KEY, ReportError
from jobs.report.parquet import read_parquet, write_parquet
from jobs.report.parquet.checksums import column_digests
from jobs.schema import ROWS
from jobs.store.baseline import find_baseline
from palm import ServerError
from tests.damage import damage, footer_of
from tests.made_up import made_up

PAIRS = [f"{i % 7:04}/o{i:027}" for i in range(120)]
KINDS = ("ON", "OFF", "NONE", "UNKNOWN")


@pytest.fixture(scope="module")
def sound(report_of, nights, tmp_path_factory):
    """Return a report of a second night with every kind of row, and the bytes of its file."""
    folder = tmp_path_factory.mktemp("sound")
    chance = random.Random(1)
    heard = {pair: chance.choice(KINDS) for pair in PAIRS}
    first = report_of(heard, nights[0])
    write_parquet(first, folder / "first.parquet")
    heard = {pair: chance.choice([state, *KINDS]) for pair, state in heard.items()}
    del heard[PAIRS[0]], heard[PAIRS[1]]
    heard[PAIRS[2]] = ServerError(500, "SYSTEM_ERROR", request_id="r")
    heard["B/new"] = "ON"
    second = report_of(
        heard, nights[1], baseline=first, baseline_file=folder / "first.parquet", extra_lines=",7\n"
    )
    write_parquet(second, folder / "second.parquet")
    return second, (folder / "second.parquet").read_bytes()


@pytest.fixture(scope="module")
def tonight(report_of, nights):
    """Return a third night's changes against a baseline, from the same answers each time."""
    answered = report_of(dict.fromkeys(PAIRS, "ON"), nights[2])
    pairs = answered.rows[["organization_id", "openid", "input_line", "input_duplicates"]]
    answers = answered.rows[["state", "authorize_time", "answered_at", "unknown_reason",
                             "error_code", "http_status", "attempts", "request_id"]]  # fmt: skip

    def tonight(baseline):
        rows = classify(
            pairs, answers, baseline.rows, run_date=nights[2], baseline_run_date=baseline.run_date
        )
        return plain(rows)

    return tonight


@pytest.fixture
def find(sound, nights, tmp_path):
    """Return what a run makes of these bytes as its baseline: a report, or the line of exit 65."""
    report, _ = sound

    def find(content):
        path = tmp_path / "baseline.parquet"
        path.write_bytes(content)
        try:
            return find_baseline(
                None, run_date=nights[2], gateway=report.gateway, named=path
            ).report
        except RunError as stop:
            stopped = stop
        assert (exit_code_of(stopped), str(stopped).isprintable()) == (65, True)
        return str(stopped)

    return find


@pytest.fixture
def check(sound, tonight, find):
    """Damage the file once a seed; return how many were refused."""
    report, content = sound
    changes = tonight(report)

    def check(seeds, part=slice(None)):
        refused = 0
        for seed in seeds:
            found = find(damage(content, seed, part))
            if isinstance(found, str):
                refused += 1
                continue
            assert found.about == report.about, seed
            assert plain(found.rows).equals(plain(report.rows)), seed
            assert tonight(found).equals(changes), seed
        return refused

    return check


def plain(rows):
    """Return the values alone: not the order in which a column's categories stand."""
    return rows.astype(object).where(rows.notna(), None)


def test_a_damaged_report_is_refused_or_read_as_it_was_written(check):
    assert check(range(300)) > 200


def test_a_report_whose_footer_is_damaged_is_refused_or_read_as_it_was_written(sound, check):
    assert check(range(100), footer_of(sound[1])) > 50


@pytest.mark.manual
@pytest.mark.timeout(900)
def test_two_thousand_damaged_reports(check):
    assert check(range(1_000, 3_000)) > 1_300


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_thousand_damaged_footers(sound, check):
    assert check(range(1_000, 2_000), footer_of(sound[1])) > 600


def test_the_pages_carry_checksums_that_another_reader_verifies(sound):
    _, content = sound
    column = pq.ParquetFile(BytesIO(content)).metadata.row_group(0).column(1)
    changed = bytearray(content)
    changed[column.data_page_offset + column.total_compressed_size // 2] ^= 1
    file = pq.ParquetFile(BytesIO(bytes(changed)), page_checksum_verification=True)
    with pytest.raises(OSError, match="CRC checksum verification failed"):
        file.read()


# Files that are sound Parquet, and made up. ``forge`` gives them the checksums that fit.


@pytest.fixture
def forge(sound, find):
    """Return what a run makes of the report with other columns or metadata, checksums right."""
    report, content = sound
    table = pq.read_table(BytesIO(content))

    def forge(change=lambda table: table, about=report.about, columns=None):
        text = json.dumps(about)
        digests = column_digests(report.rows) if columns is None else columns
        metadata = {KEY: text, CHECKSUMS: checksums(text, digests)}
        file = BytesIO()
        pq.write_table(change(table).replace_schema_metadata(metadata), file)
        return find(file.getvalue())

    return forge


def test_one_that_is_only_written_anew_is_read(forge, sound):
    found = forge()
    assert plain(found.rows).equals(plain(sound[0].rows))


def with_column(name, values):
    return lambda table: table.set_column(table.schema.get_field_index(name), name, values(table))


def invalid_codes(table):
    size = len(table)
    codes, texts = pa.array([9] * size, pa.int32()), pa.array(["ON", "OFF"])
    return pa.DictionaryArray.from_arrays(codes, texts, safe=False)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.append_column("openid", t["openid"]), "two columns have the same name"),
        (lambda t: t.slice(1), "it has 120 rows and claims 121"),
        (lambda t: pa.concat_tables([t, t]), "it has 242 rows and claims 121"),
        (lambda t: t.drop_columns(["change"]), "column 'change' does not match its checksum"),
        (lambda t: t.drop_columns(["class"]), "column 'class' does not match its checksum"),
        (lambda t: t.append_column("more", t["openid"]), "column 'more' does not match"),
        (with_column("state", lambda t: pa.array([1] * len(t))), "'state' has the wrong type"),
        (with_column("openid", lambda t: pa.array([["x"]] * len(t))), "'openid' has the wrong"),
        (with_column("attempts", lambda t: pa.array([1.5] * len(t))), "'attempts' has the wrong"),
        (with_column("attempts", lambda t: pa.array([2**40] * len(t))), "is damaged"),
        (with_column("authorize_time", lambda t: t["openid"]), "'authorize_time' has the wrong"),
        (with_column("state", lambda t: t["known_state"]), "'state' does not match its checksum"),
        (with_column("openid", lambda t: t["openid"].take(list(range(len(t)))[::-1])), "'openid'"),
        (
            with_column("openid", lambda t: t["openid"].fill_null("").cast("binary")),
            "'openid' has the wrong type",
        ),
    ],
)  # fmt: skip
def test_a_report_with_another_column_is_refused(forge, change, said):
    assert said in forge(change)


def test_values_that_are_not_text_are_refused(forge):
    """Each as it came from the column, but the first, which is not UTF-8."""

    def change(table):
        values = [b"\xff\xfe", *(text.encode() for text in table["openid"].to_pylist()[1:])]
        cells = pa.array(values, pa.binary())
        return pa.StringArray.from_buffers(len(cells), *cells.buffers()[1:])

    assert "damaged" in forge(with_column("openid", change))


@pytest.mark.parametrize("name", ["openid", "organization_id", "change"])
def test_a_row_without_a_pair_or_a_change_is_refused(sound, tmp_path, name):
    report = replace(
        sound[0], content=sound[0].rows.assign(**{name: None}).astype({name: ROWS[name]})
    )
    write_parquet(report, tmp_path / "made-up.parquet")
    with pytest.raises(ReportError, match="a row lacks its pair or its change"):
        read_parquet(tmp_path / "made-up.parquet")


@pytest.mark.parametrize(
    ("column", "value", "control"),
    [
        ("openid", "the same", "unique_pairs"),
        ("state", "ON", "states"),
        ("known_state", "ON", "roll_forward"),
        ("change", "REAUTHORIZED", "input_rows"),
        ("input_duplicates", 3, "input_rows"),
    ],
)
def test_a_report_whose_own_controls_do_not_hold_is_no_baseline(
    sound, find, tmp_path, column, value, control
):
    """Its checksums are right: it was written so."""
    rows = sound[0].rows
    rows = rows.assign(**{column: pd.Series(value, index=rows.index).astype(rows[column].dtype)})
    path = tmp_path / "made-up.parquet"
    write_parquet(replace(sound[0], content=rows), path)
    said = find(path.read_bytes())
    assert "is damaged: the control" in said
    assert control in said


@pytest.mark.slow
def test_metadata_that_is_made_up_is_refused_or_can_be_compared_with_and_shown(
    sound, forge, tonight
):
    """Whatever stands in it: no format, nor the summary, fails with a defect."""
    refused = 0
    for seed in range(300):
        found = forge(about=made_up(sound[0].about, random.Random(seed)))
        if isinstance(found, str):
            refused += 1
            continue
        tonight(found)
        if seed % 10 == 0:  # they take long
            for name in FORMATS:
                writer_of(name)(found, BytesIO(), Language.EN)
        print_summary(found, Console(file=None, quiet=True))
    assert 200 < refused < 300


@pytest.mark.parametrize(
    "text", [b"[" * 100_000, b'{"schema": 2, "run": NaN}', b'{"schema": 1}', b"1" * 5_000, b"\xff"]
)
def test_metadata_that_no_report_has_is_refused(sound, find, text):
    table = pq.read_table(BytesIO(sound[1]))
    for metadata in ({KEY: text}, {KEY: text, CHECKSUMS: b"{}"}, {KEY: text, CHECKSUMS: text}):
        file = BytesIO()
        pq.write_table(table.replace_schema_metadata(metadata), file)
        assert isinstance(find(file.getvalue()), str)


def test_a_report_that_has_lost_its_checksums_is_refused(sound, find):
    table = pq.read_table(BytesIO(sound[1]))
    metadata = {KEY: table.schema.metadata[KEY.encode()]}
    file = BytesIO()
    pq.write_table(table.replace_schema_metadata(metadata), file)
    assert "its checksums are missing" in find(file.getvalue())


def test_a_report_of_schema_1_had_none_and_is_read_once_its_controls_hold(sound, find):
    """Its metadata says that it has none, so that it is no way round them for a later one."""
    table = pq.read_table(BytesIO(sound[1]))
    about = sound[0].about | {"schema": 1}

    def written(table):
        file = BytesIO()
        pq.write_table(table.replace_schema_metadata({KEY: json.dumps(about)}), file)
        return file.getvalue()

    assert plain(find(written(table)).rows).equals(plain(sound[0].rows))
    damaged = with_column("state", lambda t: t["known_state"])(table)
    assert "is damaged: the control" in find(written(damaged))
