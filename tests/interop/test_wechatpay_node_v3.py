"""The npm client wechatpay-node-v3, which writes its serial number in lower case."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from palm.sandbox import Faults, SandboxKeys
from tests.interop.asker import Asker, running

OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
PATH = "/v3/palmservice/authorization/openid/{}?organization_id=1004"
REFUSED = {
    "altered": "not verified",
    "probe": "not verified",
    "missing": "平台证书",
    "serial": "平台证书",
}

modes = pytest.mark.parametrize(
    "mode", ["public_key", pytest.param("certificate", marks=pytest.mark.slow), "grey"]
)


@pytest.fixture(scope="session")
def asker(node_modules: Path) -> Iterator[Asker]:
    """The client in a process of its own, installed as the lock file says, once."""
    with running("node_v3.js") as process:
        yield Asker(process)


def config(folder, *, private_key: str | None = None) -> dict[str, Any]:
    """Return the arguments of the client's constructor; certificates it downloads by itself."""
    settings = folder.settings
    has_public_key = folder.mode != "certificate"
    public_keys = {settings["public_key_id"]: folder.text("wechatpay_pub.pem")}
    return {
        "baseURL": settings["base_url"],
        "mchid": settings["mchid"],
        "publicKey": folder.text("merchant_cert.pem"),
        "privateKey": private_key or folder.text("merchant_key.pem"),
        "key": settings["apiv3_key"],
        "publicKeys": public_keys if has_public_key else {},
    }


def query(asker, folder, *, serial=None, **changes):
    path = PATH.format(OPENID)
    return asker.ask("query", config(folder, **changes), path=path, serial=serial)


def test_its_questions_are_answered_and_the_answers_accepted_in_every_mode(sandbox, asker):
    settings = sandbox.settings
    serials = {
        "public_key": [None, settings["public_key_id"]],
        "certificate": [None, settings["platform_serial"]],
        "grey": [None, settings["public_key_id"], settings["platform_serial"]],
    }
    for serial in serials[sandbox.mode]:
        answer = query(asker, sandbox, serial=serial)
        assert answer["status"] == 200
        assert (answer["data"]["openid"], answer["data"]["organization_id"]) == (OPENID, "1004")
        assert answer["serialNo"] == settings["merchant_serial"].lower()


async def test_it_is_refused_when_it_signs_with_a_wrong_key(serve, asker):
    stranger = SandboxKeys.generate().credential.key_pem
    async with serve("public_key") as (gateway, folder):
        answer = await asyncio.to_thread(query, asker, folder, private_key=stranger)
    assert answer == {"status": 401, "message": "SIGN_ERROR"}
    assert gateway.stats.rejected == 1


@pytest.fixture
def query_under(serve, asker):
    """Return what comes of a question whose answer a fault befalls."""

    async def query_under(fault: str, mode: str) -> dict[str, Any]:
        async with serve(mode) as (gateway, folder):
            gateway.faults = Faults(**{fault: 1.0})
            answer = await asyncio.to_thread(query, asker, folder)
            assert gateway.stats.faults[fault]
        return answer

    return query_under


@modes
@pytest.mark.parametrize("fault", REFUSED)
async def test_what_it_refuses_we_refuse(query_under, check_refused_by_us, mode, fault):
    answer = await query_under(fault, mode)
    assert REFUSED[fault] in answer["message"]
    await check_refused_by_us(mode, fault)


@modes
@pytest.mark.parametrize("fault", ["stale", "other"])
async def test_what_it_takes_for_true_we_refuse(query_under, check_refused_by_us, mode, fault):
    """An answer signed ten minutes ago, and a signed answer about somebody else."""
    answer = await query_under(fault, mode)
    assert answer["status"] == 200
    assert (answer["data"]["openid"] == OPENID) is (fault == "stale")
    await check_refused_by_us(mode, fault)
