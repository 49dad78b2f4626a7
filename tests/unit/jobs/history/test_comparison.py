"""What changed from one report to a later one, with nights in between."""

from __future__ import annotations

import pytest

from jobs.errors import UsageError
from jobs.history.comparison import compare
from jobs.report.compose import baseline_info
from jobs.report.model import GatewayId
from jobs.report.parquet import write_parquet


@pytest.fixture
def chain(report_of, nights, tmp_path):
    """Return a function that makes the reports of three nights, each compared with the last."""

    def chain(*heard):
        reports, before, path = [], None, None
        for day, told in zip(nights, heard, strict=False):
            before = report_of(told, day, baseline=before, baseline_file=path)
            path = tmp_path / f"{day}.parquet"
            write_parquet(before, path)
            reports.append(before)
        return reports

    return chain


@pytest.fixture
def compared(tmp_path):
    def compared(before, after):
        path = tmp_path / f"{before.run_date}.parquet"
        return compare(before, after, baseline=baseline_info(before, path))

    return compared


def changes(report):
    return dict(zip(report.rows["openid"], report.rows["change"], strict=True))


def test_a_change_of_a_night_in_between_is_found_though_the_later_night_has_no_answer(
    chain, compared
):
    first, _, third = chain(
        {"A/a": "ON", "A/b": "ON"}, {"A/a": "OFF", "A/b": "ON"}, {"A/a": "UNKNOWN", "A/b": "ON"}
    )
    found = compared(first, third)
    assert changes(third) == {"a": "UNKNOWN", "b": "UNCHANGED"}
    assert changes(found) == {"a": "CLOSED", "b": "UNCHANGED"}
    assert found.summary.loss == 1
    assert [control.name for control in found.controls if not control.holds] == []


def test_what_was_never_answered_since_is_unknown(chain, compared):
    first, _, third = chain({"A/a": "ON"}, {"A/a": "UNKNOWN"}, {"A/a": "UNKNOWN"})
    found = compared(first, third)
    assert changes(found) == {"a": "UNKNOWN"}
    assert found.rows["unknown_runs"].tolist() == [2]
    assert found.rows["unknown_reason"].tolist() == ["TIMEOUT"]


def test_its_closing_is_the_later_reports_own(chain, compared):
    first, _, third = chain(
        {"A/a": "ON", "A/b": "OFF", "A/gone": "ON"},
        {"A/a": "OFF", "A/b": "ON", "A/gone": "ON"},
        {"A/a": "ON", "A/b": "UNKNOWN", "A/new": "NONE"},
    )
    found = compared(first, third)
    for state, flow in found.summary.roll_forward.items():
        assert flow.closing == third.summary.roll_forward[state].closing
        assert flow.opening == first.summary.roll_forward[state].closing
    assert changes(found)["gone"] == "DROPPED"
    assert found.rows.set_index("openid")["first_seen_at"]["new"] == third.run.started


def test_it_is_no_night_and_is_about_no_requests(chain, compared):
    first, second = chain({"A/a": "ON"}, {"A/a": "OFF"})
    metadata = compared(first, second).metadata
    assert metadata.not_a_night is not None
    assert (metadata.input, metadata.asking, metadata.history) == (None, None, None)
    assert metadata.part.comparison is True
    assert metadata.part.known_before_only == 0


def test_an_earlier_report_that_knows_more_leaves_its_pairs_without_an_answer(
    chain, compared, report_of, nights
):
    """The later report was compared with none, so it does not know what the earlier one does."""
    (first,) = chain({"A/a": "ON", "A/b": "ON"})
    alone = report_of({"A/a": "UNKNOWN", "A/b": "OFF"}, nights[1])
    found = compared(first, alone)
    assert changes(found) == {"a": "UNKNOWN", "b": "CLOSED"}
    assert found.metadata.part.known_before_only == 1


@pytest.mark.parametrize(
    ("order", "line"),
    [
        ((1, 0), "the first report is of .*, the second of .*: name the earlier one first"),
        ((0, 0), "both reports are of .*: only reports of different dates can be compared"),
    ],
)
def test_the_earlier_one_is_named_first(chain, compared, order, line):
    reports = chain({"A/a": "ON"}, {"A/a": "OFF"})
    with pytest.raises(UsageError, match=line):
        compared(*(reports[at] for at in order))


def test_reports_of_two_merchants_are_not_compared(chain, compared, report_of, nights):
    (first,) = chain({"A/a": "ON"})
    other = report_of({"A/a": "ON"}, nights[1], gateway=GatewayId("wechatpay", "1900000001"))
    with pytest.raises(UsageError, match="only reports of one merchant and gateway"):
        compared(first, other)
