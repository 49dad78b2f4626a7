"""What single answers say about the whole run."""

from __future__ import annotations

import pytest

from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError
from jobs.sweep.abort.monitor import AbortMonitor
from jobs.sweep.abort.thresholds import AbortThresholds
from palm import (
    BodyError,
    CertificateRefusedError,
    Clock,
    ConnectError,
    ForbiddenError,
    LocalResourceError,
    MismatchError,
    NoStateError,
    Pair,
    RefusedError,
    ServerError,
    SignatureError,
    SignatureReason,
    ThrottledError,
    UnauthorizedError,
    UnnamedError,
)


class Moment:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Moment()


@pytest.fixture
def abort(clock):
    """Return a monitor of two organizations, past its canary."""
    abort = AbortMonitor(AbortThresholds(unverified_in_a_row=4), 2, Clock(monotonic=clock))
    abort.judge_canary([None])
    return abort


def unbelieved(reason=SignatureReason.WRONG):
    return SignatureError("not believed", reason, serial="5AB")


def test_patience_is_counted_from_the_last_accepted_answer(abort, clock):
    clock.now = 800.0
    abort.answered("A")
    clock.now = 1700.0
    abort.check_patience()
    clock.now = 1700.1
    with pytest.raises(
        RunError, match=r"^No valid answer for 15 min: gateway down \(no answer at all\)$"
    ) as stop:
        abort.check_patience()
    assert exit_code_of(stop.value) == 4


@pytest.mark.parametrize(
    ("error", "trouble"),
    [(ConnectError("no connection: Connection refused"), "gateway down (connection refused)"),
     (ServerError(502), "gateway down (HTTP 502)"),
     (ThrottledError(429, "FREQUENCY_LIMITED"),
      "every request is throttled (HTTP 429: FREQUENCY_LIMITED)"),
     (BodyError("the answer is no JSON"), "no answer could be verified (the answer is no JSON)")],
    ids=lambda each: type(each).__name__,
)  # fmt: skip
def test_what_kept_all_answers_away_is_said(abort, clock, error, trouble):
    clock.now = 1_000.0
    with pytest.raises(RunError) as stop:
        abort.check_patience(error)
    assert str(stop.value) == f"No valid answer for 16 min: {trouble}"


def test_where_this_machine_is_the_reason_it_says_so_and_the_code_is_not_the_gateways(abort, clock):
    clock.now = 1_000.0
    with pytest.raises(RunError) as stop:
        abort.check_patience(LocalResourceError("no connection: this machine has no memory"))
    assert exit_code_of(stop.value) == 75
    assert str(stop.value) == "No valid answer for 16 min: this machine has no memory"


def test_a_certificate_that_is_refused_where_no_host_answered_is_the_reason(abort, clock):
    clock.now = 1_000.0
    refused = CertificateRefusedError("gateway.example", "certificate has expired", 10)
    with pytest.raises(RunError) as stop:
        abort.check_patience(ConnectError("no connection: Connection refused"), refused)
    assert exit_code_of(stop.value) == 77
    assert "the TLS certificate of gateway.example is refused" in str(stop.value)


def test_a_certificate_that_is_refused_in_the_middle_of_a_run_says_which_setting_helps(
    abort, clock
):
    clock.now = 1_000.0
    with pytest.raises(RunError) as stop:
        abort.check_patience(CertificateRefusedError("gateway.example", "self-signed", 18))
    assert exit_code_of(stop.value) == 4
    assert str(stop.value).startswith(
        "No valid answer for 16 min: the TLS certificate of gateway.example is refused (self-signed"
    )
    assert "set ca_file (PALM_CA_FILE, --ca-file) to the certificate of" in str(stop.value)


@pytest.mark.parametrize(
    ("error", "accepted"),
    [(RefusedError(400), True), (NoStateError("x"), True), (ServerError(500), False),
     (ThrottledError(429), False), (ConnectError("x"), False), (unbelieved(), False)],
    ids=lambda each: type(each).__name__,
)  # fmt: skip
def test_a_verdict_about_a_pair_is_an_accepted_answer_and_a_failure_is_none(
    abort, clock, error, accepted
):
    clock.now = 900.0
    abort.failed(Pair(0, "A"), error)
    clock.now = 901.0
    if accepted:
        abort.check_patience()
    else:
        with pytest.raises(RunError):
            abort.check_patience()


def test_a_401_is_confirmed_by_a_second_pair_and_not_by_the_same_again(abort):
    abort.failed(Pair(0, "A"), UnauthorizedError(401))
    abort.failed(Pair(0, "A"), UnauthorizedError(401))
    with pytest.raises(RunError) as stop:
        abort.failed(Pair(1, "A"), UnauthorizedError(401, "SIGN_ERROR", "签名错误"))
    assert exit_code_of(stop.value) == 77
    assert "private_key does not belong" in str(stop.value)


def test_a_403_is_about_its_organization_until_another_says_so_too(abort):
    abort.failed(Pair(0, "A"), ForbiddenError(403))
    abort.failed(Pair(1, "A"), ForbiddenError(403))
    with pytest.raises(RunError, match="open the palm service") as stop:
        abort.failed(Pair(2, "B"), ForbiddenError(403))
    assert exit_code_of(stop.value) == 77


@pytest.mark.parametrize(
    "permit",
    [lambda abort: abort.answered("B"), lambda abort: abort.restored("B", is_good=True),
     lambda abort: abort.failed(Pair(9, "B"), NoStateError("x"))],
    ids=["an answer", "an answer of an earlier run", "an answer without a state"],
)  # fmt: skip
def test_one_organization_that_is_permitted_keeps_403_from_being_about_the_merchant(abort, permit):
    permit(abort)
    for place, organization in enumerate("ACDE"):
        abort.failed(Pair(place, organization), ForbiddenError(403))


def canary(clock, organizations, *failed, permitted=None):
    """Judge a canary's errors, each of a pair of the next organization named."""
    abort = AbortMonitor(AbortThresholds(), organizations, Clock(monotonic=clock))
    if permitted:
        abort.restored(permitted, is_good=True)
    for place, (organization, error) in enumerate(failed):
        abort.failed(Pair(place, organization), error)
    abort.judge_canary([error for _, error in failed])


def test_a_canary_of_one_organization_that_is_denied_says_nothing_of_the_others(clock):
    canary(clock, 2, *[("A", ForbiddenError(403))] * 5)
    canary(clock, 2, ("A", ForbiddenError(403)), ("B", ForbiddenError(403)), permitted="C")


def test_a_canary_of_which_all_organizations_are_denied_ends_with_77(clock):
    for organizations, failed in ((1, "A"), (2, "AB"), (5, "ABCDE")):
        with pytest.raises(RunError) as stop:
            canary(clock, organizations, *((each, ForbiddenError(403)) for each in failed))
        assert exit_code_of(stop.value) == 77


def test_so_many_unbelieved_pairs_in_a_row_end_the_run(abort):
    for place in range(3):
        abort.failed(Pair(place, "A"), MismatchError("about somebody else"))
    with pytest.raises(RunError, match="the last 4 pairs could not be verified") as stop:
        abort.failed(Pair(3, "A"), BodyError("not JSON"))
    assert exit_code_of(stop.value) == 4


@pytest.mark.parametrize("other", [None, ServerError(500)])
def test_anything_else_breaks_the_row(abort, other):
    for place in range(12):
        if place % 3 == 2:
            _ = abort.answered("A") if other is None else abort.failed(Pair(place, "A"), other)
        else:
            abort.failed(Pair(place, "A"), MismatchError("x"))


def test_a_row_of_keys_that_nobody_holds_is_a_matter_of_credentials(abort):
    for place in range(3):
        abort.failed(Pair(place, "A"), unbelieved(SignatureReason.UNKNOWN_SERIAL))
    with pytest.raises(RunError, match="no key is held for that id") as stop:
        abort.failed(Pair(3, "A"), unbelieved(SignatureReason.UNKNOWN_SERIAL))
    assert exit_code_of(stop.value) == 77


def test_at_the_end_a_share_decides(abort):
    with pytest.raises(RunError, match="10 of 10 pairs"):  # the others were not asked
        abort.check_verified(10, 10)
    abort.check_verified(10, 10_000)
    with pytest.raises(RunError, match="11 of 10,000 pairs"):
        abort.check_verified(11, 10_000)


def test_a_canary_whose_answers_name_nobody_stops_at_once_and_names_the_option(clock):
    with pytest.raises(
        RunError, match="3 answers do not name the person.*--accept-unnamed"
    ) as stop:
        canary(clock, 3, *zip("ABC", [UnnamedError("x")] * 3, strict=True))
    assert exit_code_of(stop.value) == 4


def test_a_canary_of_copies_is_not_believed_and_never_a_matter_of_keys(clock):
    with pytest.raises(RunError, match="the first 3 pairs could not be verified") as stop:
        canary(clock, 3, *zip("ABC", [unbelieved(SignatureReason.REPLAYED)] * 3, strict=True))
    assert exit_code_of(stop.value) == 4


def test_copies_beside_wrong_signatures_do_not_hide_what_is_wrong(clock):
    errors = [unbelieved(SignatureReason.REPLAYED), unbelieved(SignatureReason.WRONG)]
    with pytest.raises(RunError, match="not the platform's") as stop:
        canary(clock, 2, *zip("AB", errors, strict=True))
    assert exit_code_of(stop.value) == 77


def nobody_named(abort, answers, unnamed):
    """Return the code with which the monitor stops, None: it does not."""
    try:
        abort.check_named(unnamed, answers)
    except RunError as stop:
        return exit_code_of(stop)
    return None


@pytest.mark.parametrize(
    ("answers", "unnamed", "code"),
    [(999, 999, None), (1_000, 1, None), (1_000, 2, 4), (1_001, 2, 4), (5_000, 5, None)],
)
def test_unnamed_answers_are_judged_from_the_thousandth_answer_on(abort, answers, unnamed, code):
    assert nobody_named(abort, answers, unnamed) == code


def test_a_row_of_pairs_that_nobody_names_says_so_and_any_other_row_does_not(abort, clock):
    for place in range(3):
        abort.failed(Pair(place, "A"), UnnamedError("x"))
    with pytest.raises(
        RunError, match="4 answers do not name the person.*--accept-unnamed"
    ) as stop:
        abort.failed(Pair(3, "A"), UnnamedError("x"))
    assert exit_code_of(stop.value) == 4
    other = AbortMonitor(AbortThresholds(unverified_in_a_row=4), 2, Clock(monotonic=clock))
    for place in range(9):
        other.failed(Pair(place, "A"), UnnamedError("x") if place % 3 else RefusedError(404))
    other.answered("A")
    for place in range(3):
        other.failed(Pair(place, "A"), unbelieved())
    with pytest.raises(RunError, match="the last 4 pairs could not be verified"):
        other.failed(Pair(3, "A"), unbelieved())


def test_a_canary_of_which_one_pair_is_answered_and_names_nobody_stops(clock):
    """The others brought no answer at all, so that all answers name nobody."""
    errors = [UnnamedError("x"), ServerError(500), ConnectError("x")]
    with pytest.raises(RunError, match="1 answer does not name .* and is not accepted") as stop:
        canary(clock, 3, *zip("ABC", errors, strict=True))
    assert exit_code_of(stop.value) == 4
    canary(clock, 3, *zip("ABC", [UnnamedError("x"), NoStateError("x"), None], strict=True))


def test_the_last_few_unnamed_pairs_of_a_run_that_is_gone_on_with_do_not_stop_it(clock):
    """Thousands have a good answer in the journal; the same command must come to its end."""
    canary(clock, 1, *[("A", UnnamedError("x"))] * 5, permitted="A")


REFUSED = RefusedError(400, "PARAM_ERROR", "平台证书序列号Wechatpay-Serial错误")


def test_fifty_refusals_of_one_kind_before_any_good_answer_stop_the_run(abort):
    for place in range(49):
        abort.failed(Pair(place, "A"), REFUSED)
    with pytest.raises(RunError, match="HTTP 400: PARAM_ERROR .*check public_key_id") as stop:
        abort.failed(Pair(49, "A"), REFUSED)
    assert exit_code_of(stop.value) == 77


def test_the_same_code_with_other_messages_is_one_kind_and_other_codes_are_not(abort):
    for place in range(49):
        abort.failed(Pair(place, "A"), RefusedError(400, "PARAM_ERROR", f"openid {place}"))
        abort.failed(Pair(1_000 + place, "A"), RefusedError(400, "INVALID_REQUEST"))
        abort.failed(Pair(2_000 + place, "A"), RefusedError(404, "PARAM_ERROR"))
    with pytest.raises(RunError):
        abort.failed(Pair(50, "A"), RefusedError(400, "PARAM_ERROR", "openid 50"))


@pytest.mark.parametrize(
    "know",
    [lambda abort: abort.answered("B"), lambda abort: abort.restored("B", is_good=True),
     lambda abort: setattr(abort, "has_good_answer", True)],
    ids=["an answer", "an answer of an earlier run", "an answer kept from a report"],
)  # fmt: skip
def test_after_a_good_answer_refusals_are_about_their_pairs(abort, know):
    know(abort)
    for place in range(200):
        abort.failed(Pair(place, "A"), REFUSED)


def test_a_refusal_of_an_earlier_run_is_no_good_answer(abort):
    abort.restored("B", is_good=False)
    with pytest.raises(RunError):
        for place in range(50):
            abort.failed(Pair(place, "A"), REFUSED)
