"""Each fault, as it is named, drawn and met."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
import time
from collections import Counter
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palm.crypto.signing import RSAVerifier
from palm.errors import SettingsError, SignatureError, SignatureReason
from palm.sandbox import Fault, Faults, SandboxGateway
from tests.unit.palm.sandbox.conftest import PATH, parse

OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"


# --- naming them


def test_shares_are_read_from_text():
    expected = Faults(throttle=0.02, system_error=0.02, stall=0.01)
    assert Faults.parse("429=0.02, 500=0.02,stall=0.01,") == expected
    assert Faults.parse("bad_gateway=0.5,throttle=0.1") == Faults.parse("502=0.5,429=0.1")
    assert Faults.parse("") == Faults()


def test_all_sets_every_fault_and_what_comes_later_overrules():
    faults = Faults.parse("drop=0.5,all=0.02,stall=0")
    assert {getattr(faults, fault) for fault in Fault if fault != "stall"} == {0.02}
    assert faults.stall == 0


def test_str_can_be_read_again():
    faults = Faults(drop=0.25, newstate=0.125)
    assert str(faults) == "drop=0.25,newstate=0.125"
    assert Faults.parse(str(faults)) == faults


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("fire=0.1", "'fire'; known are all, throttle, .*duplicate, 429, 500, 502"),
        ("503=0.1", "503"),
        ("stall_s=0.1", "stall_s"),
        ("drop", "'drop'"),
        ("drop=", "'drop='"),
        ("drop=much", "'drop=much'"),
        ("drop=-0.1", "between 0 and 1"),
        ("drop=1.5", "between 0 and 1"),
        ("drop=nan", "between 0 and 1"),
        ("drop=0.6,stall=0.6", "1.2, more than 1"),
        ("all=0.1", "1.6, more than 1"),
    ],
)
def test_nonsense_is_refused_with_its_reason(text, says):
    with pytest.raises(SettingsError, match=says):
        Faults.parse(text)


def test_shares_of_just_one_are_allowed():
    fault = dict.fromkeys(list(Fault)[:10], 0.1)
    assert all(Faults(**fault).draw(n) for n in range(1000))


# --- drawing them


@given(st.integers(0, 10**9), st.integers(0, 99))
def test_a_draw_depends_on_seed_and_number_only(number, seed):
    assert Faults.parse("all=0.05", seed=seed).draw(number) == Faults.parse(
        "all=0.05", seed=seed
    ).draw(number)


def test_faults_come_in_proportion_to_their_shares():
    faults = Faults(drop=0.1, stale=0.3)
    drawn = Counter(faults.draw(number) for number in range(20_000))
    assert drawn.keys() == {None, Fault.DROP, Fault.STALE}
    assert abs(drawn[Fault.DROP] / 20_000 - 0.1) < 0.01
    assert abs(drawn[Fault.STALE] / 20_000 - 0.3) < 0.015


def test_another_seed_hits_others():
    draws = [[Faults(drop=0.5, seed=seed).draw(n) for n in range(50)] for seed in (1, 2)]
    assert draws[0] != draws[1]


def test_without_shares_nothing_goes_wrong():
    assert {Faults().draw(number) for number in range(100)} == {None}


# --- meeting them


@pytest.fixture
async def meet(keys, caller):
    """Return the answers (None: there was none) of requests that all meet the same fault."""

    async def ask(gateway):
        try:
            return await caller.ask(gateway)
        except ConnectionResetError:
            return None

    async def meet(fault, times=1, **shares):
        faults = Faults(**{fault: 1.0}, **shares)
        async with SandboxGateway(keys, date=date(2026, 11, 21), faults=faults) as gateway:
            answers = [await ask(gateway) for _ in range(times)]
            assert gateway.stats.faults == {fault: times}
            assert gateway.stats.answered == 0
            return answers

    return meet


@pytest.fixture
def verify(keys):
    verifier = RSAVerifier(keys.platform_keys())
    return lambda r: verifier.verify(r.headers, r.body, now=int(time.time()))


@pytest.fixture
def reason(verify):
    def reason(response):
        with pytest.raises(SignatureError) as raised:
            verify(response)
        return raised.value.reason

    return reason


async def test_throttle_is_429_and_signed_about_half_of_the_time(meet, verify):
    answers = await meet(Fault.THROTTLE, 30)
    assert {a.status for a in answers} == {429}
    assert {a.json["code"] for a in answers} == {"FREQUENCY_LIMITED"}
    signed = [a for a in answers if a.signed]
    assert 5 < len(signed) < 25
    assert all(verify(a) for a in signed)


async def test_system_error_is_a_signed_500(meet, verify):
    [answer] = await meet(Fault.SYSTEM_ERROR)
    assert (answer.status, answer.json["code"]) == (500, "SYSTEM_ERROR")
    assert verify(answer)


async def test_bad_gateway_is_a_502_of_html(meet):
    [answer] = await meet(Fault.BAD_GATEWAY)
    assert answer.status == 502
    assert answer.headers["Content-Type"] == "text/html"
    assert b"<center><h1>502 Bad Gateway</h1></center>" in answer.body
    assert b"<center>nginx</center>" in answer.body
    assert not answer.signed
    assert "Request-ID" not in answer.headers


async def test_drop_closes_the_connection_without_a_byte(meet):
    assert await meet(Fault.DROP) == [None]


async def test_stall_sends_nothing_or_half_a_body_and_then_closes(meet):
    answers = await meet(Fault.STALL, 20, stall_s=0.02)
    assert None in answers
    halves = [a for a in answers if a is not None]
    assert 3 < len(halves) < 17
    for answer in halves:
        assert answer.status == 200
        assert len(answer.body) == int(answer.headers["Content-Length"]) // 2


async def test_stall_lasts_until_the_client_leaves(keys, caller):
    async with SandboxGateway(keys, faults=Faults(stall=1.0)) as gateway:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(caller.ask(gateway), 0.1)
        await asyncio.sleep(0.05)
        assert gateway._handlers.connections == []


async def test_altered_breaks_the_signature_but_not_the_json(meet, reason):
    [answer] = await meet(Fault.ALTERED)
    assert reason(answer) is SignatureReason.WRONG
    assert answer.json["openid"] == OPENID


async def test_probe_has_its_prefix_and_is_no_base64(meet, reason):
    [answer] = await meet(Fault.PROBE)
    signature = answer.headers["Wechatpay-Signature"]
    assert signature.startswith("WECHATPAY/SIGNTEST/")
    for validate in (True, False):
        with pytest.raises(binascii.Error):
            base64.b64decode(signature, validate=validate)
    assert reason(answer) is SignatureReason.MALFORMED


async def test_missing_is_a_200_without_any_signature(meet, reason):
    [answer] = await meet(Fault.MISSING)
    assert (answer.status, answer.signed) == (200, False)
    assert reason(answer) is SignatureReason.MISSING


async def test_serial_names_a_key_that_nobody_knows(meet, reason, keys):
    [answer] = await meet(Fault.SERIAL)
    assert len(answer.headers["Wechatpay-Serial"]) == 40
    assert answer.headers["Wechatpay-Serial"] not in keys.platform_keys("grey")
    assert reason(answer) is SignatureReason.UNKNOWN_SERIAL


async def test_stale_is_correctly_signed_ten_minutes_ago(meet, reason, keys):
    [answer] = await meet(Fault.STALE)
    assert reason(answer) is SignatureReason.STALE
    then = int(time.time()) - 600
    verifier = RSAVerifier(keys.platform_keys())
    assert verifier.verify(answer.headers, answer.body, now=then)


async def test_other_is_believable_about_another_openid_and_state(meet, verify, keys, caller):
    [answer] = await meet(Fault.OTHER)
    assert verify(answer)
    assert answer.json["openid"] != OPENID
    assert len(answer.json["openid"]) == 28
    assert answer.json["organization_id"] == "1004"
    async with SandboxGateway(keys, date=date(2026, 11, 21)) as honest:
        assert (await caller.ask(honest)).json["state"] != answer.json["state"]


async def test_other_names_the_wrong_openid_even_where_answers_have_no_echo(keys, caller):
    async with SandboxGateway(keys, echo=0.0, faults=Faults(other=1.0)) as gateway:
        assert (await caller.ask(gateway)).json["openid"] != OPENID


async def test_nostate_is_signed_and_has_no_state(meet, verify):
    [answer] = await meet(Fault.NOSTATE)
    assert verify(answer)
    assert "state" not in answer.json
    assert answer.json["openid"] == OPENID


async def test_newstate_is_signed_and_has_a_state_that_no_page_lists(meet, verify):
    [answer] = await meet(Fault.NEWSTATE)
    assert verify(answer)
    assert answer.json["state"] == "AUTHORIZATION_STATE_FROZEN"


async def test_truncated_is_signed_but_no_json(meet, verify):
    [answer] = await meet(Fault.TRUNCATED)
    assert verify(answer)
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.body)


@pytest.mark.parametrize(
    ("openid", "told"),
    [("oB", {"organization_id"}), ("oE", {"openid"}), ("oA", set())],
)
async def test_unnamed_is_signed_and_lacks_one_name_or_both(keys, caller, verify, openid, told):
    target = f"/v3/palmservice/authorization/openid/{openid}?organization_id=1004"
    async with (
        SandboxGateway(keys, date=date(2026, 11, 21)) as honest,
        SandboxGateway(keys, date=date(2026, 11, 21), faults=Faults(unnamed=1.0)) as gateway,
    ):
        true = (await caller.ask(honest, target)).json
        answer = await caller.ask(gateway, target)
    names = {"openid", "organization_id"}
    assert verify(answer)
    assert answer.json == {k: v for k, v in true.items() if k not in names or k in told}


async def test_duplicate_is_the_true_answer_twice_on_one_connection(keys, caller, verify):
    seed = 1
    async with SandboxGateway(keys, faults=Faults(duplicate=1.0, seed=seed)) as gateway:
        answer = await caller.ask(gateway)
        stats = gateway.stats
    length = int(answer.headers["Content-Length"])
    first, second = answer.body[:length], parse(answer.body[length:])
    assert json.loads(first)["openid"] == OPENID
    assert (second.status, second.body, second.headers) == (200, first, answer.headers)
    assert verify(second)
    assert (stats.answered, stats.faults, stats.statuses) == (1, {"duplicate": 1}, {200: 1})


async def test_a_duplicate_comes_before_the_answer_to_the_next_request(keys, caller):
    """Both requests are sent at once, so the second waits until the first one's handler ends."""
    async with SandboxGateway(keys, faults=Faults(duplicate=0.5, seed=1)) as gateway:
        assert [gateway.faults.draw(n) for n in (1, 2)] == [Fault.DUPLICATE, None]
        heads = [
            f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: test\r\nAccept: */*\r\n"
            f"Authorization: {caller.header(target)}\r\nConnection: {connection}\r\n\r\n"
            for target, connection in [(f"{PATH}{OPENID}?organization_id=1", "keep-alive"),
                                       (f"{PATH}{OPENID}?organization_id=2", "close")]
        ]  # fmt: skip
        said = await caller.send(gateway, "".join(heads))
    assert re.findall(rb'"organization_id":"(.)"', said) == [b"1", b"1", b"2"]


async def test_faults_meet_authenticated_requests_only(keys, caller):
    async with SandboxGateway(keys, faults=Faults(drop=1.0)) as gateway:
        assert (await caller.ask(gateway, "/nothing")).status == 404
        assert (await caller.ask(gateway, authorization="nonsense")).status == 401
        assert not gateway.stats.faults


async def test_the_same_requests_meet_the_same_faults_in_another_run(keys, caller):
    runs = []
    for _ in range(2):
        faults = Faults(system_error=0.3, bad_gateway=0.3)
        async with SandboxGateway(keys, faults=faults) as gateway:
            runs.append([(await caller.ask(gateway)).status for _ in range(20)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500, 502}
