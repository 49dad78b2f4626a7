"""The PyPI client wechatpayv3, which shares no code with us, talks to the sandbox."""

from __future__ import annotations

import asyncio
import json

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from palm.sandbox import Gateway, SandboxKeys

wechatpayv3 = pytest.importorskip("wechatpayv3")

PATH = "/v3/palmservice/authorization/openid/oUpF8uMuAJO_M2pxb1Q9zNjWeS6o?organization_id=1004"


@pytest.fixture(scope="module")
def keys():
    return SandboxKeys.generate()


@pytest.fixture(scope="module")
def strangers_keys():
    return SandboxKeys.generate()


def client(gateway, keys, *, signed_with=None, verified_with=None):
    """Return the client's low-level core; other keys than the right ones where they are given."""
    private = (signed_with or keys).merchant_key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    core = wechatpayv3.WeChatPay(
        wechatpay_type=wechatpayv3.WeChatPayType.NATIVE,
        mchid=keys.mchid,
        private_key=private.decode(),
        cert_serial_no=keys.merchant_serial,
        appid="wx0000000000000000",
        apiv3_key=keys.apiv3_key,
        public_key=(verified_with or keys).public_key_pem(),
        public_key_id=keys.public_key_id,
        timeout=10,
        proxy={"http": ""},
    )._core
    core._gate_way = gateway.base_url
    return core


async def ask(gateway, *args, path=PATH, **kwargs):
    core = client(gateway, *args, **kwargs)
    status, body = await asyncio.to_thread(core.request, path)
    return status, json.loads(body)


async def test_gets_an_answer_that_it_verifies(keys):
    async with Gateway(keys) as gateway:
        status, answer = await ask(gateway, keys)
    assert status == 200
    assert (answer["openid"], answer["organization_id"]) == ("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "1004")
    assert gateway.stats.answered == 1


async def test_is_refused_when_it_signs_with_a_wrong_key(keys, strangers_keys):
    async with Gateway(keys) as gateway:
        status, answer = await ask(gateway, keys, signed_with=strangers_keys)
    assert (status, answer["code"]) == (401, "SIGN_ERROR")
    assert answer["detail"]["sign_information"]["url"] == PATH
    assert gateway.stats.answered == 0


async def test_refuses_an_answer_that_its_public_key_did_not_sign(keys, strangers_keys):
    async with Gateway(keys) as gateway:
        with pytest.raises(Exception, match="failed to verify the signature"):
            await ask(gateway, keys, verified_with=strangers_keys)
    assert gateway.stats.answered == 1


async def test_signs_its_path_as_the_sandbox_reads_it(keys):
    path = "/v3/palmservice/authorization/openid/a%2Fb?organization_id=a%20b"
    async with Gateway(keys) as gateway:
        status, answer = await ask(gateway, keys, path=path)
    assert (status, answer["openid"], answer["organization_id"]) == (200, "a/b", "a b")
