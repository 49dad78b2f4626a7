"""What a run is compared with, and what it may replace: a single file's rules."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, timedelta

import pandas as pd
import pytest

from jobs.commands.exit_codes import exit_code_of
from jobs.compare.summary import summarize
from jobs.errors import RunError
from jobs.partitions.hashing import partition_numbers
from jobs.partitions.partitioned import FrameInMemory
from jobs.report.info import Metadata
from jobs.report.model import GatewayId
from jobs.report.parquet import write_parquet
from jobs.schema import ROWS, conform
from jobs.store.baseline import check_replaced, find_baseline
from jobs.store.locations import previous_of
from jobs.store.outputs import Outputs, parse_outputs
from jobs.store.publish import publish
from jobs.store.staging.partitioned_rows import no_rows, partitioned_rows
from tests.night import with_members
from tests.parted import parted

SANDBOX = GatewayId("sandbox", "0000000000")
LIVE = GatewayId("wechatpay", "1900000001")


@pytest.fixture
def output(tmp_path):
    return tmp_path / "report.parquet"


@pytest.fixture
def find(output, nights):
    def find(run_date=nights[1], *, gateway=SANDBOX, named=None, wanted=True):
        return find_baseline(output, run_date=run_date, gateway=gateway, named=named, wanted=wanted)

    return find


@pytest.fixture
def stop(find):
    """Return the verdict that ends a search."""

    def stop(*given, **named):
        with pytest.raises(RunError) as stopped:
            find(*given, **named)
        assert str(stopped.value).isprintable()
        return stopped.value

    return stop


@pytest.fixture
def publish_night(output, report_of, find):
    """Publish a night's report where the one before stands, as the job does."""

    def publish_night(heard, run_date, **options):
        found = find(run_date, **options)
        report = report_of(
            heard, run_date, baseline=found.report, baseline_file=found.path,
            run_id=f"{run_date}-{'-'.join(heard.values())}",
        )  # fmt: skip
        publish(report, Outputs.to(output), baseline=found.report, replaced=found.replaced)
        return report

    return publish_night


def test_without_a_report_there_is_nothing_to_compare_with(find):
    found = find()
    assert (found.report, found.path, found.replaced) == (None, None, None)


def test_a_report_of_an_earlier_date_is_the_baseline(find, publish_night, output, nights):
    first = publish_night({"A/a": "ON"}, nights[0])
    found = find(nights[1])
    assert (found.report.run_id, found.path) == (first.run_id, output)
    assert found.replaced.run_id == first.run_id


def test_a_rerun_of_the_date_compares_with_what_the_run_before_it_compared_with(
    find, publish_night, output, nights
):
    first = publish_night({"A/a": "ON"}, nights[0])
    second = publish_night({"A/a": "OFF"}, nights[1])
    found = find(nights[1])
    assert (found.report.run_id, found.path) == (first.run_id, previous_of(output))
    assert found.replaced.run_id == second.run_id


def test_however_often_it_is_run_again_the_changes_stay(publish_night, nights):
    publish_night({"A/a": "ON"}, nights[0])
    reports = [publish_night({"A/a": "OFF"}, nights[1]) for _ in range(3)]
    assert [report.summary.changes["CLOSED"] for report in reports] == [1, 1, 1]


def test_a_rerun_of_the_first_date_has_no_baseline_again(find, publish_night, nights):
    publish_night({"A/a": "ON"}, nights[0])
    found = find(nights[0])
    assert (found.report, found.path) == (None, None)
    assert found.replaced.run_date == nights[0]


def test_a_rerun_of_a_night_that_was_compared_with_nothing_has_no_baseline(
    find, publish_night, nights
):
    publish_night({"A/a": "ON"}, nights[0])
    publish_night({"A/a": "ON"}, nights[1], wanted=False)
    assert find(nights[1]).report is None


def test_a_rerun_whose_baseline_is_gone_says_how_to_go_on(stop, publish_night, output, nights):
    publish_night({"A/a": "ON"}, nights[0])
    publish_night({"A/a": "OFF"}, nights[1])
    previous_of(output).unlink()
    stopped = stop(nights[1])
    assert exit_code_of(stopped) == 65
    assert "--baseline" in str(stopped)
    assert "--no-baseline" in str(stopped)


def test_a_rerun_beside_another_previous_report_does_not_take_it(
    stop, publish_night, report_of, output, nights
):
    publish_night({"A/a": "ON"}, nights[0])
    publish_night({"A/a": "OFF"}, nights[1])
    previous_of(output).unlink()
    write_parquet(report_of({"A/a": "NONE"}, nights[0], run_id="another"), previous_of(output))
    assert exit_code_of(stop(nights[1])) == 65


def test_a_report_of_a_later_date_is_not_replaced(stop, publish_night, nights):
    publish_night({"A/a": "ON"}, nights[2])
    stopped = stop(nights[1])
    assert exit_code_of(stopped) == 2
    assert "later than the run date" in str(stopped)


@pytest.mark.parametrize(
    "gateway", [LIVE, GatewayId("sandbox", "1900000001"), GatewayId("other", "0000000000")]
)
def test_a_report_of_another_merchant_or_gateway_is_not_replaced(
    stop, publish_night, nights, gateway
):
    publish_night({"A/a": "ON"}, nights[0])
    stopped = stop(nights[1], gateway=gateway)
    assert exit_code_of(stopped) == 2
    assert "merchant 0000000000 at sandbox" in str(stopped)


def test_a_report_of_another_merchant_is_not_replaced_without_a_baseline_either(
    stop, publish_night, nights
):
    publish_night({"A/a": "ON"}, nights[0])
    assert exit_code_of(stop(nights[1], gateway=LIVE, wanted=False)) == 2


def test_a_report_of_another_merchant_is_taken_where_it_is_named(
    find, publish_night, output, nights
):
    first = publish_night({"A/a": "ON"}, nights[0])
    found = find(nights[1], gateway=LIVE, named=output)
    assert found.report.run_id == found.replaced.run_id == first.run_id


def test_naming_another_baseline_does_not_let_another_merchants_report_be_replaced(
    stop, publish_night, report_of, nights, tmp_path
):
    publish_night({"A/a": "ON"}, nights[0])
    named = tmp_path / "named.parquet"
    write_parquet(report_of({"A/a": "OFF"}, nights[0], gateway=LIVE, run_id="n"), named)
    assert exit_code_of(stop(nights[1], gateway=LIVE, named=named)) == 2


def test_the_named_baseline_wins(find, publish_night, report_of, nights, tmp_path):
    publish_night({"A/a": "ON"}, nights[0])
    named = tmp_path / "named.parquet"
    write_parquet(report_of({"A/a": "OFF"}, nights[0] - timedelta(days=7), run_id="n"), named)
    found = find(nights[1], named=named)
    assert (found.report.run_id, found.path) == ("n", named)
    assert found.replaced.run_date == nights[0]


@pytest.mark.parametrize("days", [0, 1])
def test_a_named_baseline_must_be_of_an_earlier_date(stop, report_of, nights, tmp_path, days):
    named = tmp_path / "named.parquet"
    write_parquet(report_of({"A/a": "OFF"}, nights[1] + timedelta(days=days)), named)
    stopped = stop(nights[1], named=named)
    assert exit_code_of(stopped) == 2
    assert "not earlier than the run date 2025-03-04" in str(stopped)


@pytest.mark.parametrize("content", [b"", b"PAR1 but not really PAR1"])
def test_a_report_that_cannot_be_read_is_not_replaced(stop, output, content):
    output.write_bytes(content)
    stopped = stop()
    assert exit_code_of(stopped) == 65
    assert str(output) in str(stopped)
    assert output.read_bytes() == content


def test_a_named_baseline_that_cannot_be_read_ends_the_run(stop, tmp_path):
    assert exit_code_of(stop(named=tmp_path / "none.parquet")) == 65


def test_a_report_of_another_schema_ends_the_run(stop, output, report_of, nights):
    report = report_of({"A/a": "ON"}, nights[0])
    write_parquet(with_members(report, {"schema": 3}), output)
    stopped = stop()
    assert exit_code_of(stopped) == 65
    assert "schema 3" in str(stopped)


def test_no_baseline_compares_with_nothing_but_still_replaces(find, publish_night, nights):
    first = publish_night({"A/a": "ON"}, nights[0])
    found = find(nights[1], wanted=False)
    assert (found.report, found.path) == (None, None)
    assert found.replaced.run_id == first.run_id


def test_the_previous_report_stands_beside_the_report():
    from pathlib import Path  # noqa: PLC0415 - here alone

    assert previous_of(Path("x/night.v2.parquet")) == Path("x/night.v2.previous.parquet")


def check(replaced, pairs):
    return check_replaced(replaced, FrameInMemory(replaced.rows), FrameInMemory(pairs))


@pytest.mark.parametrize(("shared", "refused"), [(4, False), (2, False), (1, True), (0, True)])
def test_a_report_of_the_same_date_is_replaced_by_one_that_shares_half_its_pairs(
    report_of, pairs_of, nights, shared, refused
):
    replaced = report_of({f"A/{i}": "ON" for i in range(4)}, nights[1])
    pairs = pairs_of(*(f"A/{i}" for i in range(shared)), *(f"B/{i}" for i in range(9)))
    if refused:
        with pytest.raises(
            RunError, match=rf"has 4 pairs, and only {shared} .* --replace"
        ) as stopped:
            check(replaced, pairs)
        assert exit_code_of(stopped.value) == 2
    else:
        check(replaced, pairs)


def test_the_same_openid_in_another_organization_is_another_pair(report_of, pairs_of, nights):
    replaced = report_of({"A/a": "ON"}, nights[1])
    with pytest.raises(RunError):
        check(replaced, pairs_of("B/a"))


def test_pairs_that_were_not_in_the_replaced_input_do_not_count(
    report_of, pairs_of, publish_night, nights
):
    publish_night({f"A/{i}": "ON" for i in range(9)}, nights[0])
    replaced = publish_night({"A/0": "ON", "B/0": "ON"}, nights[1])
    assert len(replaced.rows) == 10
    check(replaced, pairs_of("A/0"))


def test_where_no_report_of_the_date_is_replaced_nothing_is_checked(pairs_of):
    assert check_replaced(None, no_rows(0), FrameInMemory(pairs_of("B/b"))) is None


def test_a_report_copied_elsewhere_takes_its_previous_one_along(
    find, publish_night, output, nights, tmp_path
):
    first = publish_night({"A/a": "ON"}, nights[0])
    publish_night({"A/a": "OFF"}, nights[1])
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for path in (output, previous_of(output)):
        shutil.copy2(path, moved / path.name)
    found = find_baseline(moved / output.name, run_date=nights[1], gateway=SANDBOX, named=None)
    assert found.report.run_id == first.run_id


def test_a_gap_of_days_makes_no_difference(find, publish_night, nights):
    first = publish_night({"A/a": "ON"}, nights[0])
    assert find(date(2025, 12, 31)).report.run_id == first.run_id


def test_a_baselines_keys_are_cleaned_as_those_of_an_input_are(tmp_path, report_of, nights):
    """Two spellings that are one pair become one row: the one that was known later."""
    output = tmp_path / "report.parquet"
    heard = {'"1001"/oA': "OFF", "1001/oA": "ON", "1001\u00a0/oB": "ON", "7/oC": "NONE"}
    report = report_of({"1001/x": "ON"}, nights[0])
    rows = pd.DataFrame({
        "organization_id": [pair.split("/")[0] for pair in heard],
        "openid": [pair.split("/")[1] for pair in heard],
        "state": list(heard.values()), "known_state": list(heard.values()),
        "change": "FIRST_SEEN", "input_line": [2, 3, 4, 5], "input_duplicates": 0,
        "known_at": pd.to_datetime([f"2025-03-03T{hour}:00Z" for hour in ("02", "01", "02", "02")]),
    })  # fmt: skip
    rows = conform(rows, ROWS)
    summary = summarize(rows, baseline_run_date=None)
    counted = report.about["input"] | {"lines": 4, "pairs": 4}
    about = report.about | {"input": counted, "summary": summary.to_json()}
    write_parquet(replace(report, content=rows, metadata=Metadata.from_json(about)), output)
    found = find_baseline(output, run_date=nights[1], gateway=SANDBOX, named=None).report
    keys = found.rows["organization_id"].astype(str) + "/" + found.rows["openid"]
    assert dict(zip(keys, found.rows["state"], strict=True)) == {
        "1001/oA": "OFF", "1001/oB": "ON", "7/oC": "NONE",
    }  # fmt: skip
    assert list(keys) == ["1001/oA", "1001/oB", "7/oC"]
    assert {s: flow.closing for s, flow in found.summary.roll_forward.items()} == {
        "ON": 1, "OFF": 1, "NONE": 1,
    }  # fmt: skip


@pytest.fixture
def put_day(tmp_path, report_of):
    """Publish a report to a folder that keeps one a day, in so many parts, or as one file."""

    def put_day(run_date, count=None):
        report = report_of({"A/a": "ON", "A/b": "OFF"}, run_date, run_id=f"{run_date} in {count}")
        (tmp_path / "reports").mkdir(exist_ok=True)
        outputs = parse_outputs(
            (f"{tmp_path}/reports/",), None, run_date, in_parts=count is not None
        )
        publish(parted(report, count) if count else report, outputs, baseline=None, replaced=None)
        return outputs

    return put_day


@pytest.mark.parametrize("new", [None, 2])
@pytest.mark.parametrize("old", [None, 1, 4])
def test_a_day_is_compared_with_and_replaced_whatever_files_it_has(put_day, nights, old, new):
    put_day(nights[0], old)
    put_day(nights[1], old)
    outputs = put_day(nights[2], new)
    found = find_baseline(
        outputs.for_date(nights[1]).primary,
        run_date=nights[1],
        gateway=SANDBOX,
        named=None,
        folder=outputs.folder,
    )
    assert found.report.run_id == f"{nights[0]} in {old}"
    assert found.replaced.run_id == f"{nights[1]} in {old}"
    assert found.path.name == ("report.parquet" if old is None else f"run_date={nights[0]}")
    assert len(partitioned_rows(found.report, 0, None).frame(0)) == 2


def test_the_folder_of_a_day_can_be_named_as_baseline(put_day, nights):
    for count in (None, 2):
        day = put_day(nights[0], count).day
        found = find_baseline(None, run_date=nights[1], gateway=SANDBOX, named=day)
        assert found.report.run_id == f"{nights[0]} in {count}"


def test_a_day_that_lacks_a_part_is_not_compared_with(put_day, nights):
    outputs = put_day(nights[0], 4)
    (outputs.day / "part-00002.parquet").unlink()
    with pytest.raises(RunError, match=r"part-00002\.parquet is missing; move it away") as stop:
        find_baseline(
            outputs.for_date(nights[1]).primary,
            run_date=nights[1],
            gateway=SANDBOX,
            named=None,
            folder=outputs.folder,
        )
    assert exit_code_of(stop.value) == 65


def test_keys_of_a_report_that_is_read_in_pieces_are_cleaned_as_well(put_day, nights, report_of):
    decorated = report_of({"A/a": "ON", "A/ b ": "OFF"}, nights[0])
    outputs = put_day(nights[0], 2)
    publish(parted(decorated, 2), outputs, baseline=None, replaced=None)
    found = find_baseline(None, run_date=nights[1], gateway=SANDBOX, named=outputs.day)
    assert sorted(found.report.rows["openid"]) == ["a", "b"]
    for number in range(2):
        rows = partitioned_rows(found.report, 1, outputs.folder).frame(number)
        assert set(partition_numbers(rows["organization_id"], rows["openid"], 1)) <= {number}
