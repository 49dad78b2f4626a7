"""The gateway's other two interfaces: the certificates, and the token to authorize with."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from palm.clock import Clock
from palm.crypto.certificates import APIv3Key, read_certificates
from palm.crypto.signing import RSAVerifier
from palm.sandbox import Fault, Faults, Population, SandboxGateway

CERTIFICATES = "/v3/certificates"
PREAUTHORIZE = "/v3/palmservice/authorization/preauthorize"
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
NONE = "无可用的平台证书"


def signer(gateway, response):
    """Return the id of the key that signed a response, which must verify."""
    verifier = RSAVerifier(gateway.keys.platform_keys("grey"))
    return verifier.verify(response.headers, response.body, now=int(time.time()))


def listed(gateway, response):
    """Return the serial numbers in a list of certificates, which must decrypt."""
    key = APIv3Key(gateway.keys.apiv3_key.encode())
    return list(read_certificates(response.json, key, now=datetime.now(UTC)))


# --- certificates


@pytest.mark.parametrize("mode", ["certificate", "grey"])
async def test_certificates_decrypt_and_sign_the_very_answer_that_holds_them(
    gateway, caller, keys, mode
):
    gateway.mode = mode
    response = await caller.ask(gateway, CERTIFICATES)
    assert (response.status, listed(gateway, response)) == (200, [keys.platform_serial])
    assert signer(gateway, response) == keys.platform_serial


async def test_in_the_grey_mode_the_request_chooses_who_signs_the_list(gateway, caller, keys):
    gateway.mode = "grey"
    for named in (keys.public_key_id, keys.platform_serial):
        response = await caller.ask(gateway, CERTIFICATES, Wechatpay_Serial=named)
        assert signer(gateway, response) == named
        assert listed(gateway, response) == [keys.platform_serial]


async def test_an_entry_looks_as_documented_and_no_nonce_is_used_twice(gateway, caller, keys):
    gateway.mode = "certificate"
    nonces = set()
    for _ in range(3):
        [entry] = (await caller.ask(gateway, CERTIFICATES)).json["data"]
        assert list(entry) == ["serial_no", "effective_time", "expire_time", "encrypt_certificate"]
        assert entry["serial_no"] == keys.platform_serial
        starts, ends = (datetime.fromisoformat(entry[f"{w}_time"]) for w in ("effective", "expire"))
        assert starts == keys.platform_certificate.not_valid_before_utc
        assert ends == keys.platform_certificate.not_valid_after_utc
        assert starts.utcoffset() == timedelta(hours=8)
        sealed = entry["encrypt_certificate"]
        assert (sealed["algorithm"], sealed["associated_data"]) == (
            "AEAD_AES_256_GCM",
            "certificate",
        )
        assert len(sealed["nonce"]) == 12
        nonces.add(sealed["nonce"])
    assert len(nonces) == 3


@pytest.mark.parametrize(("algorithm", "count"), [("RSA", 1), ("ALL", 1), ("SM2", 0)])
async def test_the_algorithm_may_be_chosen_and_there_is_no_sm2(gateway, caller, algorithm, count):
    gateway.mode = "certificate"
    response = await caller.ask(gateway, f"{CERTIFICATES}?algorithm_type={algorithm}")
    assert (response.status, len(response.json["data"])) == (200, count)
    assert signer(gateway, response)


@pytest.mark.parametrize("query", ["algorithm_type=", "algorithm_type=rsa", "algorithm_type=%FF"])
async def test_a_wrong_algorithm_is_a_signed_400(gateway, caller, query):
    gateway.mode = "certificate"
    response = await caller.ask(gateway, f"{CERTIFICATES}?{query}")
    assert (response.status, response.json["code"]) == (400, "PARAM_ERROR")
    assert response.json["detail"]["field"] == "algorithm_type"
    assert signer(gateway, response)


async def test_a_merchant_with_the_public_key_alone_gets_a_signed_404(gateway, caller, keys):
    response = await caller.ask(gateway, CERTIFICATES)
    assert (response.status, response.json["code"]) == (404, "RESOURCE_NOT_EXISTS")
    assert response.json["message"].startswith(NONE)
    assert signer(gateway, response) == keys.public_key_id
    assert gateway.stats.answered == 0
    assert gateway.stats.routes == {"GET /v3/certificates": 1}


async def test_certificates_are_for_the_merchant_only(gateway, caller):
    gateway.mode = "certificate"
    response = await caller.ask(gateway, CERTIFICATES, Authorization=None)
    assert (response.status, response.signed) == (401, False)
    assert (await caller.ask(gateway, CERTIFICATES, method="POST")).status == 405


async def test_certificates_take_nothing_of_the_quota_of_queries(keys, caller):
    async with SandboxGateway(keys, mode="certificate", limit=1) as gateway:
        gateway._limiter._clock = Clock(monotonic=lambda: 5.0)
        assert [(await caller.ask(gateway, CERTIFICATES)).status for _ in range(3)] == [200] * 3
        assert [(await caller.ask(gateway)).status for _ in range(2)] == [200, 429]


# --- rotation


async def test_after_a_rotation_the_new_certificate_signs_and_both_are_listed(gateway, caller):
    gateway.mode = "certificate"
    old = gateway.keys.platform_serial
    new = gateway.rotate()
    response = await caller.ask(gateway, CERTIFICATES)
    assert (listed(gateway, response), signer(gateway, response)) == ([old, new], new)
    for named in (old, new, None):
        assert signer(gateway, await caller.ask(gateway, Wechatpay_Serial=named)) == new


async def test_while_a_rotation_goes_on_both_certificates_sign_in_their_shares(gateway, caller):
    gateway.mode = "certificate"
    old = gateway.keys.platform_serial
    new = gateway.rotate()
    gateway.rotation_share = 0.5
    signers = [signer(gateway, await caller.ask(gateway)) for _ in range(40)]
    assert 8 < signers.count(old) < 32
    assert set(signers) == {old, new}
    gateway.rotation_share = 0.0
    assert signer(gateway, await caller.ask(gateway)) == old


async def test_a_rotation_does_not_touch_the_public_key(gateway, caller, keys):
    gateway.rotate()
    assert signer(gateway, await caller.ask(gateway)) == keys.public_key_id


# --- the token


def body(**members):
    return json.dumps(members).encode()


async def ask(caller, gateway, content):
    return await caller.ask(gateway, PREAUTHORIZE, method="POST", body=content)


@pytest.mark.parametrize("way", ["organization_id", "preauthorize_session_id"])
async def test_both_ways_to_a_token_of_64_characters(gateway, caller, way):
    response = await ask(caller, gateway, body(openid=OPENID, **{way: "1004"}))
    assert (response.status, list(response.json)) == (200, ["permission_token"])
    assert len(response.json["permission_token"]) == 64
    assert signer(gateway, response)
    assert gateway.stats.asked == {}
    assert gateway.stats.routes == {f"POST {PREAUTHORIZE}": 1}


async def test_the_documentations_example_which_has_both_ids_is_answered(gateway, caller):
    """Source: https://wechatpay.im/openapi/v3/palmservice/authorization/preauthorize."""
    ids = {"preauthorize_session_id": "181167098309019291163", "organization_id": "1004"}
    response = await ask(caller, gateway, body(openid=OPENID, **ids))
    assert response.status == 200
    assert len(response.json["permission_token"]) == 64
    assert (
        response.json
        != (await ask(caller, gateway, body(openid=OPENID, **ids | {"organization_id": "1"}))).json
    )


async def test_a_token_depends_on_the_question_and_the_seed_only(gateway, caller):
    questions = [
        {"openid": OPENID, "organization_id": "1"},
        {"openid": OPENID, "preauthorize_session_id": "1"},
        {"openid": OPENID, "organization_id": "2"},
        {"openid": "o", "organization_id": "1"},
    ]
    runs = []
    for seed in (0, 0, 1):
        gateway.population = Population(seed)
        answers = [await ask(caller, gateway, body(**question)) for question in questions]
        runs.append([answer.json["permission_token"] for answer in answers])
    assert runs[0] == runs[1]
    assert len({*runs[0], *runs[2]}) == 8


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"", ""),
        (b"no json", ""),
        (b"[]", ""),
        (b"\xff", ""),
        (b"[" * 100_000, ""),
        (body(organization_id="1"), "/openid"),
        (body(openid=OPENID), "/preauthorize_session_id"),
        (body(openid=None, organization_id="1"), "/openid"),
        (body(openid=7, organization_id="1"), "/openid"),
        (body(openid="", organization_id="1"), "/openid"),
        (body(openid="x" * 129, organization_id="1"), "/openid"),
        (body(openid="\ud800", organization_id="1"), "/openid"),
        (body(openid=OPENID, organization_id="x" * 129), "/organization_id"),
        (body(openid=OPENID, preauthorize_session_id=["1"]), "/preauthorize_session_id"),
    ],
)
async def test_a_wrong_body_is_a_signed_400_that_names_the_member(gateway, caller, content, field):
    response = await ask(caller, gateway, content)
    assert (response.status, response.json["code"]) == (400, "PARAM_ERROR")
    assert response.json["detail"]["field"] == field
    assert response.json["detail"]["location"] == "body"
    assert signer(gateway, response)


# --- faults


@pytest.mark.parametrize("fault", ["other", "nostate", "newstate"])
async def test_faults_of_a_state_do_not_befall_what_tells_none(keys, caller, fault):
    faults = Faults(**{fault: 1.0})
    async with SandboxGateway(keys, mode="certificate", faults=faults) as gateway:
        response = await caller.ask(gateway, CERTIFICATES)
        assert listed(gateway, response) == [keys.platform_serial]
        assert (gateway.stats.answered, gateway.stats.faults) == (1, {})


async def test_an_altered_list_is_still_json_but_not_what_was_signed(keys, caller):
    async with SandboxGateway(keys, mode="certificate", faults=Faults(altered=1.0)) as gateway:
        response = await caller.ask(gateway, CERTIFICATES)
        assert response.json["data"][0]["serial_no"] == keys.platform_serial
        with pytest.raises(Exception, match="does not match its body"):
            signer(gateway, response)
        assert gateway.stats.faults == {Fault.ALTERED: 1}
