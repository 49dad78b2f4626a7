"""Answers that lie, keys that change, credentials that are revoked: no false state is reported."""

from __future__ import annotations

import pytest

from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError
from palm.settings import load_settings, read_config
from tests.night import NEXT

pytestmark = pytest.mark.slow


def by_hand(*faults):
    """Return those that are tried by hand; from the start on, each slow run tries all."""
    return [pytest.param(fault, marks=pytest.mark.manual) for fault in faults]


@pytest.mark.parametrize("fault", ["altered", *by_hand("missing", "serial", "stale", "other")])
def test_a_third_of_the_answers_lying_leads_to_no_false_state(gateway, night, is_true, fault):
    gateway.tell(faults=f"{fault}=0.3")
    report = night(250, rate=3_000)
    assert is_true(report, 250)
    assert report.summary.states["UNKNOWN"] <= 3
    assert gateway.tell()["faults"] > 70


@pytest.mark.parametrize(
    ("fault", "code"), [("altered", 77), ("missing", 77), ("serial", 77), ("stale", 77),
                        ("other", 4), ("truncated", 4)],
)  # fmt: skip
def test_all_answers_lying_from_the_start_leave_the_earlier_report_as_it_is(
    gateway, night, report_path, fault, code
):
    assert night(100, rate=3_000).run_id
    before = report_path.read_bytes()
    gateway.tell(faults=f"{fault}=1")
    stop = night(100, run_date=NEXT)
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == code
    assert report_path.read_bytes() == before


@pytest.mark.parametrize("fault", ["other", *by_hand("altered", "missing", "serial", "stale")])
def test_all_answers_lying_from_the_middle_on_leave_the_earlier_report_as_it_is(
    gateway, night, report_path, fault
):
    assert night(150, rate=3_000).run_id
    before = report_path.read_bytes()
    gateway.tell(plan=[{"queries": 60, "do": {"faults": f"{fault}=1"}}])
    stop = night(150, run_date=NEXT, rate=3_000, concurrency=16)
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == (77 if fault == "serial" else 4)
    assert report_path.read_bytes() == before


def test_certificates_rotated_in_the_middle_cost_nothing_with_the_apiv3_key(
    gateway, night, is_true
):
    settings = gateway.settings(mode="certificate")
    gateway.tell(plan=[{"queries": 300, "do": {"rotate": True}}])
    report = night(600, settings=settings)
    assert is_true(report, 600)
    assert report.summary.states["UNKNOWN"] == 0


def test_certificates_rotated_in_the_middle_end_with_77_where_only_the_old_one_is_held(
    gateway, night, report_path
):
    """Then that is what the next run needs; what was answered before is kept."""
    path = gateway.config(mode="certificate")
    text = path.read_text().replace('apiv3_key_file = "apiv3_key.txt"', "")
    path.write_text(text + 'platform_certificates = ["platform_cert.pem"]\n')
    gateway.tell(plan=[{"queries": 300, "do": {"rotate": True}}])
    stop = night(600, settings=load_settings(read_config(path)))
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == 77
    assert "no key is held for that id" in str(stop)
    assert not report_path.exists()
    report = night(600, settings=gateway.settings(mode="certificate"))
    assert report.about["asking"]["resumed"] >= 200


@pytest.mark.parametrize("offset_s", [3600, -3600])
def test_a_clock_an_hour_off_ends_with_77_and_says_so(gateway, night, report_path, offset_s):
    gateway.tell(offset_s=offset_s)
    stop = night(300)
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == 77
    assert "clock" in str(stop)
    assert not report_path.exists()
    assert gateway.tell()["asked"] <= 5  # the canary's


def test_a_key_revoked_in_the_middle_ends_with_77_once_a_second_pair_confirms_it(
    gateway, night, report_path
):
    """What was answered before it is kept, and is not asked again with the new key."""
    gateway.tell(plan=[{"queries": 300, "do": {"offset_s": 3600}}])
    stop = night(800, rate=500, concurrency=16)
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == 77
    assert not report_path.exists()
    assert 2 <= gateway.tell()["rejected"] <= 2 * 16
    gateway.tell(reset=True)
    report = night(800)
    assert report.about["asking"]["resumed"] >= 250
    assert gateway.tell()["asked"] == 800 - report.about["asking"]["resumed"]


def test_an_organization_that_is_denied_costs_its_own_pairs_alone(gateway, night, is_true):
    gateway.tell(denied=["1001"])
    report = night(300, max_unknown=0.5)
    assert is_true(report, 300)
    refused = report.rows[report.rows["state"] == "UNKNOWN"]
    assert set(refused["organization_id"]) == {"1001"}
    assert set(refused["unknown_reason"]) == {"REFUSED"}
    assert set(refused["http_status"]) == {403}
    assert len(refused) == 100


def test_every_organization_denied_ends_with_77(gateway, night, report_path):
    gateway.tell(denied=["*"])
    stop = night(300)
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == 77
    assert "open the palm service" in str(stop)
    assert not report_path.exists()


def test_a_run_of_which_only_denied_pairs_are_left_is_gone_on_with_to_its_end(gateway, night):
    """All that it still asks is denied, but the journal knows of an organization that is not."""
    gateway.tell(denied=["1001"], plan=[{"queries": 70, "do": {"open": False}}])
    settings = gateway.settings()
    lines = [f"o{i:027},{'0042' if i < 60 else '1001'},x" for i in range(120)]
    stop = night(0, *lines, settings=settings, concurrency=4, patience_s=0.5)
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == 4
    gateway.tell(reset=True, denied=["1001"])
    report = night(0, *lines, settings=settings, max_unknown=0.6)
    assert report.about["asking"]["resumed"] == 60
    assert report.summary.unknown_reasons == {"REFUSED": 60}


def test_a_wrong_clock_is_told_apart_from_a_wrong_key(gateway, night):
    settings = gateway.settings()
    wrong = {"merchant_serial": "5" * 40, "merchant_certificate": None}
    stop = night(50, settings=settings.model_copy(update=wrong))
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == 77
    assert "clock" not in str(stop)
    assert "serial" in str(stop)


@pytest.mark.parametrize("unnamed", [False, True])
def test_one_signed_answer_for_all_leads_to_no_false_state(gateway, night, is_true, unnamed):
    """An answer that names nobody, and is accepted, could be about anybody: 2,009 were false."""
    gateway.tell(faults=f"unnamed={int(unnamed)}", repeats=True)
    stop = night(300, accept_unnamed=unnamed)
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == 4
    assert "could not be verified" in str(stop)
    gateway.tell(reset=True)
    report = night(300, accept_unnamed=unnamed)
    assert is_true(report, 300)
    assert report.summary.states["UNKNOWN"] == 0
    assert report.about["asking"]["resumed"] <= 1  # the one whose own answer it was


def test_states_that_name_nobody_are_not_gone_on_with_where_they_are_not_accepted(
    gateway, night, is_true
):
    gateway.tell(faults="unnamed=1", plan=[{"queries": 150, "do": {"faults": "other=1"}}])
    stop = night(600, accept_unnamed=True, concurrency=4)
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == 4
    gateway.tell(reset=True)
    report = night(600)
    assert is_true(report, 600)
    assert report.about["asking"]["resumed"] == 0
    assert report.about["asking"]["answers_without_echo"] == 0
    assert gateway.tell()["asked"] == 600


@pytest.mark.manual
def test_states_that_name_nobody_stay_counted_when_a_run_is_gone_on_with(gateway, night, is_true):
    gateway.tell(faults="unnamed=1", plan=[{"queries": 150, "do": {"faults": "other=1"}}])
    assert isinstance(night(600, accept_unnamed=True, concurrency=4), RunError)
    gateway.tell(reset=True)
    report = night(600, accept_unnamed=True)
    assert is_true(report, 600)
    asking = report.about["asking"]
    assert 140 <= asking["resumed"] <= 160
    assert asking["answers_without_echo"] == asking["resumed"]


def test_more_than_one_unnamed_answer_in_a_thousand_ends_with_4(gateway, night, report_path):
    gateway.tell(faults="unnamed=0.02")
    stop = night(1_500)
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == 4
    assert "--accept-unnamed" in str(stop)
    assert not report_path.exists()
