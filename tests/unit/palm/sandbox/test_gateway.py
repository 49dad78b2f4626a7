"""The gateway as a client meets it: what is refused, in which order, and how answers look."""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from datetime import date, datetime
from itertools import permutations

import pytest
from aiohttp import ClientSession

from palm.clock import Clock
from palm.crypto.signing import RSAVerifier
from palm.errors import SettingsError
from palm.sandbox import Faults, SandboxGateway, SandboxKeys
from palm.sandbox.responses import IDLE_S

OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
PATH = "/v3/palmservice/authorization/openid/"
TARGET = f"{PATH}{OPENID}?organization_id=1004"
FORMAT = "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》"


def verify(keys, response, mode="public_key"):
    verifier = RSAVerifier(keys.platform_keys(mode))
    return verifier.verify(response.headers, response.body, now=int(time.time()))


# --- answers


async def test_answers_about_the_pair_as_the_population_has_it(gateway, caller):
    response = await caller.ask(gateway)
    state, opened = gateway.population.state_on(OPENID, "1004", date(2026, 11, 21))
    expected = {
        "openid": OPENID,
        "organization_id": "1004",
        "state": f"AUTHORIZATION_STATE_{state}",
    }
    if opened:
        expected["authorize_time"] = opened.isoformat()
    assert (response.status, response.json) == (200, expected)


async def test_leaves_out_the_time_of_a_pair_that_was_never_opened(gateway, caller):
    openid = next(
        o
        for o in map(str, range(1000))
        if gateway.population.state_on(o, "1", gateway.date).authorize_time is None
    )
    response = await caller.ask(gateway, f"{PATH}{openid}?organization_id=1")
    assert response.json == {
        "openid": openid,
        "organization_id": "1",
        "state": "AUTHORIZATION_STATE_NONE",
    }


async def test_writes_times_as_the_documentation_does_and_json_without_blanks(gateway, caller):
    openid = next(
        o
        for o in map(str, range(1000))
        if gateway.population.state_on(o, "1", gateway.date).authorize_time is not None
    )
    response = await caller.ask(gateway, f"{PATH}{openid}?organization_id=1")
    written = response.json["authorize_time"]
    assert datetime.strptime(written, "%Y-%m-%dT%H:%M:%S+08:00")  # noqa: DTZ007 - the form matters
    assert b" " not in response.body


async def test_an_answer_verifies_and_has_the_headers_of_a_real_one(gateway, caller, keys):
    response = await caller.ask(gateway)
    assert verify(keys, response) == keys.public_key_id
    assert response.headers["Server"] == "nginx"
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-cache, must-revalidate"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Language"] == "zh-CN"
    assert response.headers["Wechatpay-Signature-Type"] == "WECHATPAY2-SHA256-RSA2048"
    assert len(response.headers["Wechatpay-Nonce"]) == 32
    assert len(response.headers["Wechatpay-Signature"]) == 344
    number, _, inner_code = response.headers["Request-ID"].rpartition("-")
    assert (int(number, 16) > 0, inner_code) == (True, "0")
    assert set(response.headers) == {
        *("Server", "Date", "Content-Type", "Content-Length", "Connection", "Cache-Control"),
        *("X-Content-Type-Options", "Request-ID", "Content-Language", "Wechatpay-Nonce"),
        *("Wechatpay-Signature", "Wechatpay-Timestamp", "Wechatpay-Serial"),
        "Wechatpay-Signature-Type",
    }


async def test_openssl_agrees_that_an_answer_is_signed(gateway, caller, keys, tmp_path):
    response = await caller.ask(gateway)
    h = response.headers
    (tmp_path / "key").write_text(keys.public_key_pem())
    (tmp_path / "signature").write_bytes(base64.b64decode(h["Wechatpay-Signature"]))
    (tmp_path / "message").write_bytes(
        f"{h['Wechatpay-Timestamp']}\n{h['Wechatpay-Nonce']}\n".encode() + response.body + b"\n"
    )
    openssl = await asyncio.create_subprocess_exec(
        *("openssl", "dgst", "-sha256", "-verify", "key", "-signature", "signature", "message"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
    )
    assert await openssl.communicate() == (b"Verified OK\n", None)


async def test_keeps_connections_alive_for_eight_seconds_and_says_so(gateway):
    async with (
        ClientSession(base_url=gateway.base_url) as session,
        session.get("/v3/nothing") as response,
    ):
        assert response.headers["Keep-Alive"] == "timeout=8"
        assert response.headers["Connection"] == "keep-alive"
        assert [c.keepalive_timeout for c in gateway._handlers.connections] == [IDLE_S]
    assert IDLE_S == 8


async def test_closes_an_idle_connection(keys, caller, monkeypatch):
    monkeypatch.setattr("palm.sandbox.gateway.IDLE_S", 0.2)
    async with SandboxGateway(keys) as gateway:
        request = "GET /nothing HTTP/1.1\r\nHost: x\r\nUser-Agent: x\r\nAccept: */*\r\n\r\n"
        started = time.monotonic()
        assert (await caller.send(gateway, request)).startswith(b"HTTP/1.1 404 ")
        assert 0.15 < time.monotonic() - started < 5


async def test_shows_today_in_china_unless_a_date_is_set(keys, caller):
    new_year = datetime.fromisoformat("2027-01-01T00:00:30+08:00").timestamp()
    async with SandboxGateway(keys, clock=Clock(wall=lambda: new_year)) as gateway:
        asked = []
        look = gateway.population.state_on
        gateway.population.state_on = lambda o, i, d: asked.append(d) or look(o, i, d)
        await caller.ask(gateway, authorization=caller.header(at=new_year))
        gateway.date = date(2026, 11, 21)
        await caller.ask(gateway, authorization=caller.header(at=new_year))
    assert asked == [date(2027, 1, 1), date(2026, 11, 21)]


async def test_leaves_out_the_ids_in_the_share_of_answers_that_have_no_echo(keys, caller):
    async with SandboxGateway(keys, echo=0.0) as gateway:
        assert set((await caller.ask(gateway)).json) <= {"state", "authorize_time"}
        gateway.echo = 0.5
        echoed = ["openid" in (await caller.ask(gateway)).json for _ in range(30)]
        assert 5 < sum(echoed) < 25


# --- order of the checks


async def test_without_user_agent_or_accept_nothing_else_is_looked_at(gateway, caller):
    for missing in ({"User_Agent": None}, {"Accept": None}):
        response = await caller.ask(gateway, "/nothing", authorization="nonsense", **missing)
        assert response.status == 400
        assert response.json == {
            "code": "INVALID_REQUEST",
            "message": "Http头缺少Accept或User-Agent",
        }
        assert not response.signed


async def test_any_accept_will_do(gateway, caller):
    assert (await caller.ask(gateway, Accept="*/*")).status == 200


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/v3/palmservice/authorization/openid",
        f"{PATH}a/b?organization_id=1",
        "/v3//palmservice/authorization/openid/a?organization_id=1",
        "/v3/palmservice/../palmservice/authorization/openid/a?organization_id=1",
        "/v3/palmservice%2Fauthorization/openid/a?organization_id=1",
        "/v3/Palmservice/authorization/openid/a?organization_id=1",
        "/v3/certificates/x",
    ],
)
async def test_an_unknown_path_is_404_and_empty_before_authentication(gateway, caller, target):
    response = await caller.ask(gateway, target, authorization="nonsense")
    assert (response.status, response.body, response.signed) == (404, b"", False)
    assert "Request-ID" in response.headers
    assert response.headers["Content-Length"] == "0"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD"])
async def test_a_wrong_method_is_405_and_empty_before_authentication(gateway, caller, method):
    response = await caller.ask(gateway, method=method, authorization="nonsense")
    assert (response.status, response.body, response.signed) == (405, b"", False)


async def refused(caller, gateway, authorization, **headers):
    """Return code and message of an unsigned 401."""
    response = await caller.ask(gateway, authorization=authorization, **headers)
    assert (response.status, response.signed) == (401, False)
    assert response.headers["Request-ID"].rpartition("-")[2] != "0"
    return response.json["code"], response.json["message"]


async def test_no_authorization_header_is_401(gateway, caller):
    response = await caller.ask(gateway, Authorization=None)
    assert (response.status, response.signed) == (401, False)
    assert response.json == {"code": "SIGN_ERROR", "message": FORMAT}


async def test_every_order_of_the_five_fields_is_accepted(gateway, caller):
    for order in list(permutations(range(5)))[::7]:
        scheme, _, fields = caller.header().partition(" ")
        parts = fields.split(",")
        shuffled = f"{scheme} {','.join(parts[i] for i in order)}"
        assert (await caller.ask(gateway, authorization=shuffled)).status == 200


@pytest.mark.parametrize(
    "change",
    [
        lambda _: "Bearer abc",
        lambda h: h.replace(" ", "  ", 1),
        lambda h: h.replace(",", ", "),
        lambda h: h.replace('"', "'"),
        lambda h: h + ",",
        lambda h: h + ',mchid="0000000000"',
        lambda h: h + ',other="1"',
        lambda h: h.rpartition(",")[0],
        lambda h: h.rpartition(",")[0] + ',mchid="0000000000"',
        lambda h: h.replace('timestamp="', 'timestamp="x'),
        lambda h: h.replace('timestamp="', 'timestamp="-'),
        lambda h: h.replace('timestamp="', 'timestamp="' + "9" * 5000),
        lambda h: h.replace('nonce_str="', 'nonce_str="",n="'),
    ],
)
async def test_an_authorization_of_another_form_is_401(gateway, caller, change):
    assert await refused(caller, gateway, change(caller.header())) == ("SIGN_ERROR", FORMAT)


async def test_another_scheme_is_refused_before_the_timestamp(gateway, caller):
    header = caller.header(at=0).replace("WECHATPAY2-SHA256-RSA2048", "WECHATPAY2-SM2-WITH-SM3")
    code, text = await refused(caller, gateway, header)
    assert (code, text) == ("SIGN_ERROR", "Http头Authorization认证类型不正确")


@pytest.mark.parametrize("skew", [-301, 301, 10**9])
async def test_a_timestamp_beyond_five_minutes_is_refused_before_the_signature(keys, caller, skew):
    async with SandboxGateway(keys, clock=Clock(wall=lambda: 1_800_000_000.9)) as gateway:
        header = caller.header("/other", at=1_800_000_000 + skew)
        _, text = await refused(caller, gateway, header)
        assert text == "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟"


@pytest.mark.parametrize("skew", [-300, 300])
async def test_a_timestamp_of_just_five_minutes_is_accepted(keys, caller, skew):
    async with SandboxGateway(keys, clock=Clock(wall=lambda: 1_800_000_000.9)) as gateway:
        header = caller.header(at=1_800_000_000 + skew)
        assert (await caller.ask(gateway, authorization=header)).status == 200


async def test_another_merchant_is_refused(gateway, caller):
    _, text = await refused(caller, gateway, caller.header(mchid="1900000109"))
    assert text == "商户未申请过证书。"


async def test_another_serial_is_refused(gateway, caller, keys):
    for serial in (keys.platform_serial, keys.platform_serial.lower()):
        _, text = await refused(caller, gateway, caller.header(serial_no=serial))
        assert text == "商户证书序列号有误。请使用签名私钥匹配的证书序列号"


async def test_the_same_serial_in_lower_case_is_accepted(gateway, caller, keys):
    """The npm client wechatpay-node-v3 sends it so."""
    header = caller.header(serial_no=keys.merchant_serial.lower())
    assert (await caller.ask(gateway, authorization=header)).status == 200


async def test_a_wrong_signature_is_refused_with_what_should_have_been_signed(gateway, caller):
    header = caller.header("/v3/certificates", at=time.time(), nonce_str="n" * 32)
    timestamp = header.partition('timestamp="')[2].partition('"')[0]
    response = await caller.ask(gateway, authorization=header)
    signed = f"GET\n{TARGET}\n{timestamp}\n{'n' * 32}\n\n"
    assert (response.status, response.signed) == (401, False)
    assert response.json == {
        "code": "SIGN_ERROR",
        "detail": {
            "detail": {"issue": "sign not match"},
            "field": "signature",
            "location": "authorization",
            "sign_information": {
                "method": "GET",
                "sign_message_length": len(signed),
                "truncated_sign_message": signed,
                "url": TARGET,
            },
        },
        "message": "错误的签名，验签失败",
    }


@pytest.mark.parametrize("signature", ["!!!", "abc", "QUJD", "é"])
async def test_a_signature_that_is_none_is_a_wrong_one(gateway, caller, signature):
    header = caller.header()
    right = header.partition('signature="')[2].partition('"')[0]
    _, text = await refused(caller, gateway, header.replace(right, signature))
    assert text == "错误的签名，验签失败"


async def test_the_body_of_a_get_is_signed_too_and_shown_cut_short(gateway, caller):
    assert (await caller.ask(gateway, body=b'{"x": "y"}')).status == 200
    response = await caller.ask(gateway, body=b'{"x": "y"}', authorization=caller.header())
    information = response.json["detail"]["sign_information"]
    assert response.status == 401
    assert information["truncated_sign_message"].endswith('\n{"x": "y\n')
    assert information["sign_message_length"] == len(information["truncated_sign_message"]) + 2


async def test_a_key_of_somebody_else_is_refused(gateway, caller):
    stranger = type(caller)(SandboxKeys.generate().merchant())
    header = stranger.header(serial_no=caller.merchant.serial_no)
    _, text = await refused(caller, gateway, header)
    assert text == "错误的签名，验签失败"


async def test_a_request_may_name_either_platform_key_but_no_other(gateway, caller, keys):
    for key_id in (keys.platform_serial, keys.public_key_id):
        assert (await caller.ask(gateway, Wechatpay_Serial=key_id)).status == 200
    for key_id in (keys.merchant_serial, "PUB_KEY_ID_1", ""):
        response = await caller.ask(gateway, TARGET, Wechatpay_Serial=key_id)
        assert (response.status, response.json["code"]) == (400, "PARAM_ERROR")
        assert response.json["message"] == "平台证书序列号Wechatpay-Serial错误"
        assert verify(keys, response)


async def test_errors_are_english_where_english_is_asked_for(gateway, caller):
    response = await caller.ask(gateway, Accept_Language="en", Authorization=None)
    assert response.headers["Content-Language"] == "en"
    assert response.json["message"].isascii()


# --- raw target and parameters


@pytest.mark.parametrize(
    ("encoded", "openid"),
    [
        ("a%2Fb", "a/b"),
        ("%2E%2E", ".."),
        ("..", ".."),
        ("a+b", "a+b"),
        ("a%20b", "a b"),
        ("%6F", "o"),
        ("a:b@c;d", "a:b@c;d"),
        ("%E5%BC%A0", "张"),
        ("%25", "%"),
        ("%F0%9F%96%90", "🖐"),
        ("%0A", "\n"),
        ("a%zz", "a%zz"),
        ("x" * 128, "x" * 128),
    ],
)
async def test_the_target_is_verified_as_sent_and_decoded_once(gateway, caller, encoded, openid):
    response = await caller.ask(gateway, f"{PATH}{encoded}?organization_id=1")
    assert (response.status, response.json["openid"]) == (200, openid)


@pytest.mark.parametrize(
    ("query", "organization_id"),
    [
        ("organization_id=a+b", "a b"),
        ("organization_id=a%2Bb", "a+b"),
        ("organization_id=0010", "0010"),
        ("x=1&organization_id=1&y", "1"),
        ("organization%5Fid=1", "1"),
        ("organization_id=a?b", "a?b"),
        ("organization_id=" + "%E5%BC%A0" * 64, "张" * 64),
    ],
)
async def test_the_query_is_verified_as_sent_and_decoded_once(
    gateway, caller, query, organization_id
):
    response = await caller.ask(gateway, f"{PATH}o?{query}")
    assert (response.status, response.json["organization_id"]) == (200, organization_id)


@pytest.mark.parametrize(
    ("target", "field"),
    [
        (f"{PATH}?organization_id=1", "openid"),
        (f"{PATH}{'x' * 129}?organization_id=1", "openid"),
        (f"{PATH}%FF?organization_id=1", "openid"),
        (f"{PATH}%ED%A0%80?organization_id=1", "openid"),
        (f"{PATH}o", "organization_id"),
        (f"{PATH}o?organization_id", "organization_id"),
        (f"{PATH}o?organization_id=", "organization_id"),
        (f"{PATH}o?organization_id=1&organization_id=1", "organization_id"),
        (f"{PATH}o?organization_id={'x' * 65}", "organization_id"),
        (f"{PATH}o?organization_id=%FF", "organization_id"),
        (f"{PATH}o?Organization_id=1", "organization_id"),
    ],
)
async def test_a_wrong_parameter_is_a_signed_400_that_names_it(
    gateway, caller, keys, target, field
):
    response = await caller.ask(gateway, target)
    assert (response.status, response.json["code"]) == (400, "PARAM_ERROR")
    assert response.json["detail"]["field"] == field
    assert response.json["detail"]["location"] == {"openid": "url"}.get(field, "query")
    assert verify(keys, response)


async def test_what_is_no_http_is_refused_and_not_logged(gateway, caller, caplog):
    with caplog.at_level(logging.DEBUG):
        content = await caller.send(gateway, f"GET {PATH}secret-openid HTTP/9.x\r\n\r\n")
    assert b" 400 " in content.partition(b"\r\n")[0]
    assert "secret-openid" not in caplog.text


# --- which key signs


@pytest.mark.parametrize(
    ("mode", "signers"),
    [
        # The request names no key, the public key, the certificate.
        ("public_key", ["public", "public", "public"]),
        ("certificate", ["certificate", "certificate", "certificate"]),
        ("grey", ["certificate", "public", "certificate"]),
    ],
)
async def test_the_mode_and_the_request_choose_the_key_that_signs(
    gateway, caller, keys, mode, signers
):
    ids = {"public": keys.public_key_id, "certificate": keys.platform_serial}
    gateway.mode = mode
    for named, signer in zip([None, *ids.values()], signers, strict=True):
        response = await caller.ask(gateway, Wechatpay_Serial=named)
        assert verify(keys, response, "grey") == ids[signer]


def test_an_unknown_mode_is_refused(keys):
    with pytest.raises(ValueError, match="gray"):
        SandboxGateway(keys, mode="gray")


# --- quota, statistics


async def test_beyond_the_quota_a_request_gets_a_signed_429(keys, caller):
    async with SandboxGateway(keys, limit=3) as gateway:
        gateway._limiter._clock = Clock(monotonic=lambda: 5.0)
        responses = [await caller.ask(gateway) for _ in range(5)]
        assert [r.status for r in responses] == [200, 200, 200, 429, 429]
        assert responses[-1].json["code"] == "FREQUENCY_LIMITED"
        assert verify(keys, responses[-1])
        gateway.limit = None
        assert (await caller.ask(gateway)).status == 200
        assert (gateway.stats.throttled, gateway.stats.answered) == (2, 4)


async def test_refused_and_wrong_requests_take_nothing_of_the_quota(keys, caller):
    async with SandboxGateway(keys, limit=1) as gateway:
        gateway._limiter._clock = Clock(monotonic=lambda: 5.0)
        await caller.ask(gateway, authorization="nonsense")
        await caller.ask(gateway, f"{PATH}o")
        assert (await caller.ask(gateway)).status == 200


async def test_statistics_tell_what_came_in_and_went_out(keys, caller):
    async with SandboxGateway(keys, record_times=True) as gateway:
        header = caller.header()
        await caller.ask(gateway, authorization=header)
        await caller.ask(gateway, authorization=header)
        await caller.ask(gateway)
        await caller.ask(gateway, authorization="nonsense")
        await caller.ask(gateway, "/nothing")
        stats = gateway.stats
    assert (stats.requests, stats.authenticated, stats.rejected, stats.answered) == (5, 3, 2, 3)
    assert stats.repeated_nonces == 1
    assert stats.statuses == {200: 3, 401: 1, 404: 1}
    assert stats.asked == {("1004", OPENID): 3}
    assert stats.times == sorted(stats.times)
    assert len(stats.times) == 5


async def test_pairs_and_times_need_not_be_kept(keys, caller):
    async with SandboxGateway(keys, record_pairs=False) as gateway:
        await caller.ask(gateway)
        assert (gateway.stats.asked, gateway.stats.times) == ({}, [])


async def test_latency_holds_back_authenticated_answers(gateway, caller):
    gateway.latency_s = 0.2
    started = time.monotonic()
    await caller.ask(gateway)
    assert time.monotonic() - started >= 0.2


# --- life and end


async def test_listens_on_the_loopback_only(gateway):
    assert gateway.base_url.startswith("http://127.0.0.1:")
    assert [s.getsockname()[0] for s in gateway._server.sockets] == ["127.0.0.1"]


async def test_a_port_that_is_taken_is_an_error_of_one_line(keys, gateway):
    port = int(gateway.base_url.rpartition(":")[2])
    with pytest.raises(SettingsError, match=f"cannot listen on port {port}: "):
        async with SandboxGateway(keys, port=port):
            pytest.fail("it must not start")


async def test_a_closed_gateway_has_no_address(keys):
    gateway = SandboxGateway(keys)
    with pytest.raises(RuntimeError, match="not running"):
        _ = gateway.base_url


async def test_closes_at_once_though_requests_stall_and_connections_idle(keys, caller):
    async with ClientSession() as session:
        async with SandboxGateway(keys, faults=Faults(stall=1.0)) as gateway:
            async with session.get(f"{gateway.base_url}/nothing") as response:
                assert response.status == 404
            asks = [asyncio.create_task(caller.ask(gateway)) for _ in range(6)]
            await asyncio.sleep(0.3)
            assert gateway.stats.faults["stall"] == 6
            started = time.monotonic()
        assert time.monotonic() - started < 0.5
        await asyncio.gather(*asks, return_exceptions=True)


async def test_lets_an_answer_under_way_go_out_when_it_closes(keys, caller):
    async with SandboxGateway(keys, latency_s=30.0) as gateway:
        ask = asyncio.create_task(caller.ask(gateway))
        while not gateway.stats.requests:
            await asyncio.sleep(0.01)
    assert (await ask).status == 200


async def test_can_be_opened_again(keys, caller):
    gateway = SandboxGateway(keys)
    for _ in range(2):
        async with gateway:
            assert (await caller.ask(gateway)).status == 200


async def test_a_function_as_clock_still_works_with_a_warning(keys, caller):
    with pytest.warns(DeprecationWarning, match="Clock"):
        sandbox = SandboxGateway(keys, clock=lambda: 1_800_000_000.9)
    async with sandbox as gateway:
        header = caller.header(at=1_800_000_000)
        assert (await caller.ask(gateway, authorization=header)).status == 200
