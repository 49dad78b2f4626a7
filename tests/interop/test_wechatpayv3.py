"""The PyPI client wechatpayv3, which shares no code with us, talks to the sandbox."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.util import find_spec

import pytest

from palm import APIv3Key, AsyncPalm, CertificateStore, SettingsError, SignatureError
from palm.sandbox import Fault, Faults, SandboxKeys, make_notification

pytest.importorskip("wechatpayv3", reason="wechatpayv3 is not installed")

from wechatpayv3.core import Core
from wechatpayv3.type import RequestType

OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
PATH = f"/v3/palmservice/authorization/openid/{OPENID}?organization_id=1004"
PREAUTHORIZE = "/v3/palmservice/authorization/preauthorize"
REFUSED = {
    "altered": "failed to verify the signature",
    "missing": "does not support this algorithm",
    "serial": "failed to verify the signature",
    "probe": "failed to verify the signature",
}

without_async = pytest.mark.skipif(
    not all(find_spec(name) for name in ("httpx", "aiofiles")),
    reason="what wechatpayv3[async] needs is not installed",
)
kinds = pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=without_async)])
modes = pytest.mark.parametrize("mode", ["public_key", "certificate", "grey"])


def directed(core: type, base_url: str) -> type:
    """Return the client's low-level class, which knows but one address, with another."""
    return type(
        core.__name__, (core,), {"_gate_way": property(lambda _: base_url, lambda *_: None)}
    )


@asynccontextmanager
async def client(folder, kind, *, held=None, **changes) -> AsyncIterator:
    """Yield a function that sends a request and returns status and text.

    Args:
        folder: The sandbox's.
        kind: sync or async.
        held: ``public_key`` or ``certificate``, what to verify with; default as the mode has it.
        changes: Other arguments than the right ones.
    """
    settings = folder.settings
    arguments = {
        "mchid": settings["mchid"],
        "cert_serial_no": settings["merchant_serial"],
        "private_key": folder.text("merchant_key.pem"),
        "apiv3_key": settings["apiv3_key"],
        "timeout": 10,
    }
    if (held or folder.mode) != "certificate":
        arguments["public_key"] = folder.text("wechatpay_pub.pem")
        arguments["public_key_id"] = settings["public_key_id"]
    arguments |= changes
    if kind == "async":
        from wechatpayv3.async_ import core as async_core  # noqa: PLC0415 - an extra of its own

        core = directed(async_core.AsyncCore, settings["base_url"])(**arguments)
        try:
            async with core:
                yield partial(request, core, async_core.RequestType)
        finally:
            await core._client.aclose()  # it does not where it cannot start
    else:
        core = await asyncio.to_thread(directed(Core, settings["base_url"]), **arguments)
        yield partial(asyncio.to_thread, request, core, RequestType)


def request(core, types, path, *, method="GET", data=None):
    """Send a request, or return the promise of one; each variant has an enum of its own."""
    return core.request(path, method=types[method], data=data)


def read(answer):
    status, text = answer
    return status, json.loads(text)


# --- right answers


@kinds
async def test_its_questions_are_answered_and_the_answers_accepted_in_every_mode(sandbox, kind):
    async with client(sandbox, kind) as ask:
        status, answer = read(await ask(PATH))
    assert status == 200
    assert (answer["openid"], answer["organization_id"]) == (OPENID, "1004")


@kinds
@pytest.mark.parametrize(
    ("mode", "held"),
    [("certificate", "public_key"), ("grey", "certificate"), ("grey", "public_key")],
)
async def test_it_gets_on_with_the_key_of_the_other_mode_where_there_is_one(
    serve, kind, mode, held
):
    async with serve(mode) as (gateway, folder), client(folder, kind, held=held) as ask:
        assert (await ask(PATH))[0] == 200
    downloads = 0 if (mode, held) == ("grey", "public_key") else 1
    assert gateway.stats.routes["GET /v3/certificates"] == downloads


@kinds
async def test_with_certificates_alone_it_cannot_start_where_there_are_none_nor_can_we(serve, kind):
    async with serve("public_key") as (gateway, folder):
        with pytest.raises(Exception, match="No wechatpay platform certificate"):
            async with client(folder, kind, held="certificate"):
                pytest.fail("it must not start")
        gateway.keys.write(folder.path, gateway.base_url, mode="certificate")
        async with AsyncPalm.from_env(folder.path / "palm.toml") as palm:
            with pytest.raises(SettingsError, match="set public_key"):
                await palm.authorizations.get(OPENID, "1004")


@kinds
async def test_it_finds_the_new_certificate_after_a_rotation(serve, kind):
    async with serve("certificate") as (gateway, folder), client(folder, kind) as ask:
        assert (await ask(PATH))[0] == 200
        gateway.rotate()
        assert (await ask(PATH))[0] == 200
    assert gateway.stats.routes["GET /v3/certificates"] == 2


@kinds
async def test_its_post_is_accepted_and_answered(sandbox, kind):
    question = {"openid": OPENID, "organization_id": "中1004"}
    async with client(sandbox, kind) as ask:
        status, answer = read(await ask(PREAUTHORIZE, method="POST", data=question))
    assert (status, len(answer["permission_token"])) == (200, 64)


@kinds
async def test_it_signs_its_path_as_the_sandbox_reads_it(sandbox, kind):
    path = "/v3/palmservice/authorization/openid/a%2Fb?organization_id=a%20b"
    async with client(sandbox, kind) as ask:
        status, answer = read(await ask(path))
    assert (status, answer["openid"], answer["organization_id"]) == (200, "a/b", "a b")


# --- wrong ones


@kinds
async def test_it_is_refused_when_it_signs_with_a_wrong_key(serve, kind, strangers_keys):
    async with (
        serve("public_key") as (gateway, folder),
        client(folder, kind, private_key=strangers_keys.credential.key_pem) as ask,
    ):
        status, answer = read(await ask(PATH))
    assert (status, answer["code"]) == (401, "SIGN_ERROR")
    assert answer["detail"]["sign_information"]["url"] == PATH
    assert gateway.stats.answered == 0


@kinds
async def test_it_refuses_an_answer_that_its_public_key_did_not_sign(serve, kind, strangers_keys):
    async with (
        serve("public_key") as (gateway, folder),
        client(folder, kind, public_key=strangers_keys.public_key_pem()) as ask,
    ):
        with pytest.raises(Exception, match="failed to verify the signature"):
            await ask(PATH)
    assert gateway.stats.answered == 1


@kinds
@modes
@pytest.mark.parametrize("fault", REFUSED)
async def test_what_it_refuses_we_refuse(serve, check_refused_by_us, kind, mode, fault):
    async with serve(mode) as (gateway, folder), client(folder, kind) as ask:
        gateway.faults = Faults(**{fault: 1.0})
        with pytest.raises(Exception, match=REFUSED[fault]):
            await ask(PATH)
    assert gateway.stats.faults[fault]
    await check_refused_by_us(mode, fault)


@kinds
@modes
@pytest.mark.parametrize("fault", ["stale", "other"])
async def test_what_it_takes_for_true_we_refuse(serve, check_refused_by_us, kind, mode, fault):
    """An answer signed ten minutes ago, and a signed answer about somebody else."""
    async with serve(mode) as (gateway, folder), client(folder, kind) as ask:
        gateway.faults = Faults(**{fault: 1.0})
        status, answer = read(await ask(PATH))
    assert (status, gateway.stats.faults[fault]) == (200, 1)
    assert (answer["openid"] == OPENID) is (fault == "stale")
    await check_refused_by_us(mode, fault)


@pytest.fixture(scope="module")
def strangers_keys():
    return SandboxKeys.generate()


# --- notifications


async def test_it_reads_the_sandboxs_notifications_as_we_do_and_refuses_those_with_a_fault(serve):
    async with serve("public_key") as (gateway, folder):
        settings, keys = folder.settings, gateway.keys
        core = await asyncio.to_thread(
            directed(Core, gateway.base_url),
            mchid=settings["mchid"],
            cert_serial_no=settings["merchant_serial"],
            private_key=folder.text("merchant_key.pem"),
            apiv3_key=settings["apiv3_key"],
            public_key=folder.text("wechatpay_pub.pem"),
            public_key_id=settings["public_key_id"],
        )
        order = {"out_trade_no": "12", "attach": "学"}
        store = CertificateStore(APIv3Key(keys.apiv3_key.encode()), keys.platform_keys())
        async with AsyncPalm(
            merchant=keys.merchant(), keys=store, base_url=gateway.base_url
        ) as palm:
            headers, body = make_notification(keys, "TRANSACTION.SUCCESS", order)
            theirs = core.callback(headers, body)
            ours = await palm.notifications.parse(headers, body)
            assert theirs["resource"] == ours.resource == order
            assert (theirs["id"], theirs["event_type"]) == (ours.id, ours.event_type)
            for fault in (Fault.PROBE, Fault.ALTERED):
                headers, body = make_notification(keys, "A.B", order, fault=fault)
                assert core.callback(headers, body) is None
                with pytest.raises(SignatureError):
                    await palm.notifications.parse(headers, body)
