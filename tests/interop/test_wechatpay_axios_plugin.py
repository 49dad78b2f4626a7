"""The npm client wechatpay-axios-plugin, in all its three styles, talks to the sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from palm.sandbox import Faults, SandboxKeys
from tests.interop.asker import Asker, running

OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
REFUSED = {
    "altered": "EV3_RES_HEADER_SIGNATURE_DIGEST",
    "probe": "EV3_RES_HEADER_SIGNATURE_DIGEST",
    "missing": "EV3_RES_HEADERS_INCOMPLATE",
    "serial": "EV3_RES_HEADER_PLATFORM_SERIAL",
    "stale": "EV3_RES_HEADER_TIMESTAMP_OFFSET",
}

styles = pytest.mark.parametrize(
    "style",
    [
        "chained",
        pytest.param("declared", marks=pytest.mark.slow),
        pytest.param("keyed", marks=pytest.mark.slow),
    ],
)
modes = pytest.mark.parametrize("mode", ["public_key", "certificate", "grey"])


@pytest.fixture(scope="session")
def asker(node_modules: Path) -> Iterator[AxiosAsker]:
    """The client in a process of its own, installed as the lock file says, once."""
    with running("client.js") as process:
        yield AxiosAsker(process)


class AxiosAsker(Asker):
    """Asks line by line; see ``client.js``."""

    def query(self, config, style, *, openid=OPENID, organization_id="1004", serial=None):
        params = {"organization_id": organization_id}
        headers = {"Wechatpay-Serial": serial} if serial else {}
        asked = {"style": style, "openid": openid, "params": params, "headers": headers}
        return self.ask("query", config, **asked)


def config(folder, certificates=None, *, private_key=None):
    """Return the arguments of the client's constructor, as its documentation has them.

    Args:
        folder: The sandbox's.
        certificates: PEM texts by serial number; default the folder's, where certificates sign.
        private_key: Another one than the folder's.
    """
    settings = folder.settings
    keys = {settings["platform_serial"]: folder.text("platform_cert.pem")}
    if folder.mode == "public_key":
        keys = {}
    elif certificates is not None:
        keys = dict(certificates)
    if folder.mode != "certificate":
        keys[settings["public_key_id"]] = folder.text("wechatpay_pub.pem")
    return {
        "baseURL": settings["base_url"],
        "mchid": settings["mchid"],
        "serial": settings["merchant_serial"],
        "privateKey": private_key or folder.text("merchant_key.pem"),
        "certs": keys,
        "timeout": 10_000,
    }


# --- right answers


@styles
def test_its_questions_are_answered_and_the_answers_accepted_in_every_mode(sandbox, asker, style):
    held = config(sandbox)
    assert len(held["certs"]) == {"public_key": 1, "certificate": 1, "grey": 2}[sandbox.mode]
    for serial in (None, *held["certs"]):
        answer = asker.query(held, style, serial=serial)
        assert answer["status"] == 200
        assert answer["data"]["openid"] == OPENID
        assert answer["data"]["organization_id"] == "1004"


async def test_it_reads_state_and_time_as_the_population_has_them(serve, asker):
    async with serve("public_key") as (gateway, folder):
        gateway.date = date(2026, 11, 21)
        for number in range(20):
            openid = f"o{number:027d}"
            answer = await asyncio.to_thread(asker.query, config(folder), "keyed", openid=openid)
            state, opened = gateway.population.state_on(openid, "1004", gateway.date)
            assert answer["data"]["state"] == f"AUTHORIZATION_STATE_{state}"
            assert answer["data"].get("authorize_time") == (opened and opened.isoformat())


@styles
@pytest.mark.parametrize("organization_id", ["a b", "a+b&c=d", "刷掌", "0010"])
def test_its_query_is_signed_as_the_sandbox_reads_it(sandbox, asker, style, organization_id):
    answer = asker.query(config(sandbox), style, organization_id=organization_id)
    assert answer["data"]["organization_id"] == organization_id


def test_its_post_is_accepted_and_answered(sandbox, asker):
    question = {"openid": OPENID, "organization_id": "刷掌 1004"}
    answer = asker.ask("preauthorize", config(sandbox), json=question)
    assert (answer["status"], len(answer["data"]["permission_token"])) == (200, 64)


@styles
@pytest.mark.parametrize("mode", ["certificate", "grey"])
async def test_it_downloads_the_certificates_and_verifies_with_them(serve, asker, mode, style):
    async with serve(mode) as (gateway, folder):
        gateway.rotate()
        gateway.rotation_share = 0.5
        download = {"secret": folder.settings["apiv3_key"]}
        found = await asyncio.to_thread(asker.ask, "download", config(folder), **download)
        certificates = {each.serial_no: each.certificate_pem for each in gateway.keys.platform}
        assert (found["status"], found["data"]) == (200, certificates)
        held = config(folder, found["data"])
        answers = [await asyncio.to_thread(asker.query, held, style) for _ in range(10)]
    assert [answer["status"] for answer in answers] == [200] * 10


def test_with_the_public_key_alone_there_are_no_certificates_to_download(sandbox, asker):
    secret = sandbox.settings["apiv3_key"]
    found = asker.ask("download", config(sandbox), secret=secret)
    assert found["status"] == (404 if sandbox.mode == "public_key" else 200)


# --- wrong ones


async def test_it_is_refused_when_it_signs_with_a_wrong_key(serve, asker):
    stranger = SandboxKeys.generate().credential.key_pem
    async with serve("public_key") as (gateway, folder):
        held = config(folder, private_key=stranger)
        answer = await asyncio.to_thread(asker.query, held, "chained")
    assert (answer["status"], gateway.stats.rejected) == (401, 1)


@pytest.fixture
def query_under(serve, asker):
    """Return what comes of a question whose answer a fault befalls."""

    async def query_under(fault: str, mode: str, style: str) -> dict[str, Any]:
        async with serve(mode) as (gateway, folder):
            gateway.faults = Faults(**{fault: 1.0})
            answer = await asyncio.to_thread(asker.query, config(folder), style)
            assert gateway.stats.faults == {fault: 1}
        return answer

    return query_under


@styles
@modes
@pytest.mark.parametrize("fault", REFUSED)
async def test_what_it_refuses_we_refuse(query_under, check_refused_by_us, mode, style, fault):
    assert (await query_under(fault, mode, style))["code"] == REFUSED[fault]
    await check_refused_by_us(mode, fault)


@styles
@modes
async def test_what_it_takes_for_true_we_refuse(query_under, check_refused_by_us, mode, style):
    """A signed answer about somebody else."""
    answer = await query_under("other", mode, style)
    assert answer["status"] == 200
    assert answer["data"]["openid"] != OPENID
    await check_refused_by_us(mode, "other")
