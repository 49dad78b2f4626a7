"""The sandbox as a whole: many people asked at once, and a client that reads its folder."""

from __future__ import annotations

import asyncio
import base64
import json
import time
import tomllib
import uuid
from collections import Counter
from datetime import date

import aiohttp

from palm.crypto.keys import Merchant, PlatformKeys
from palm.crypto.signing import RSASigner, RSAVerifier, authorization, message
from palm.sandbox import Fault, Faults, Population, SandboxGateway

DATE = date(2026, 11, 21)


async def ask(session, signer, openid, organization_id):
    """Return status, headers and body of one question."""
    target = f"/v3/palmservice/authorization/openid/{openid}?organization_id={organization_id}"
    timestamp, nonce_str = str(int(time.time())), uuid.uuid4().hex
    signature = base64.b64encode(signer.sign(message("GET", target, timestamp, nonce_str, b"")))
    header = authorization(
        signer.mchid,
        signer.serial_no,
        signature.decode(),
        timestamp=timestamp,
        nonce_str=nonce_str,
    )
    headers = {"Authorization": header, "Accept": "application/json"}
    async with session.get(target, headers=headers) as response:
        return response.status, response.headers, await response.read()


async def test_a_client_configured_by_the_folder_gets_true_answers(keys, tmp_path):
    async with SandboxGateway(keys, date=DATE) as gateway:
        keys.write(tmp_path / "keys", gateway.base_url)
        settings = tomllib.loads((tmp_path / "keys" / "palm.toml").read_text())

        def read(name):
            return (tmp_path / "keys" / settings[name]).read_bytes()

        merchant = Merchant.from_pem(
            settings["mchid"], read("private_key"), certificate=read("merchant_certificate")
        )
        verifier = RSAVerifier(
            PlatformKeys.from_pem(
                public_keys={settings["public_key_id"]: read("public_key")},
            )
        )
        people = [(f"o{i:027d}", str(1000 + i % 5)) for i in range(200)]
        async with aiohttp.ClientSession(base_url=settings["base_url"]) as session:
            signer = RSASigner(merchant)
            answers = await asyncio.gather(*(ask(session, signer, *pair) for pair in people))
    for (openid, organization_id), (status, headers, body) in zip(people, answers, strict=True):
        assert status == 200
        verifier.verify(headers, body, now=int(time.time()))
        answer = json.loads(body)
        standing = Population().state_on(openid, organization_id, DATE)
        assert (answer["openid"], answer["organization_id"]) == (openid, organization_id)
        assert answer["state"] == f"AUTHORIZATION_STATE_{standing.state}"
        time_written = standing.authorize_time and standing.authorize_time.isoformat()
        assert answer.get("authorize_time") == time_written
    assert gateway.stats.asked == Counter((organization, openid) for openid, organization in people)
    assert gateway.stats.answered == 200


async def test_all_faults_are_met_and_counted_one_a_request(keys):
    faults = Faults.parse("all=0.06", stall_s=0.05)
    async with (
        SandboxGateway(keys, date=DATE, faults=faults) as gateway,
        aiohttp.ClientSession(
            base_url=gateway.base_url,
            connector=aiohttp.TCPConnector(force_close=True),  # a duplicate is nobody's answer
        ) as session,
    ):
        # Else aiohttp sends a GET again by itself when a connection breaks.
        session._retry_connection = False
        signer = RSASigner(keys.merchant())
        failures = 0
        for i in range(150):
            try:
                await ask(session, signer, f"o{i}", "1")
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
                failures += 1
    met = gateway.stats.faults
    assert met.keys() == set(Fault)
    assert failures == met[Fault.DROP] + met[Fault.STALL]
    answered = gateway.stats.answered  # those that are sent twice, too
    assert gateway.stats.requests == 150 == met.total() - met[Fault.DUPLICATE] + answered
