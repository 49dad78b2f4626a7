"""Notifications for tests: accepted by the client unless they have a fault."""

from __future__ import annotations

import pytest

from palm import APIv3Key, AsyncPalm, CertificateStore, Clock, SignatureError
from palm.sandbox import Fault, KeyMode, make_notification

NOW = 1_764_000_000
CLOCK = Clock(wall=lambda: NOW)


@pytest.fixture
async def palm(keys):
    store = CertificateStore(APIv3Key(keys.apiv3_key.encode()), keys.platform_keys(KeyMode.GREY))
    nowhere = "http://127.0.0.1:1"
    async with AsyncPalm(
        merchant=keys.merchant(), keys=store, base_url=nowhere, clock=CLOCK
    ) as palm:
        yield palm


@pytest.mark.parametrize("signed_by", [None, "platform_serial"])
async def test_the_client_accepts_a_notification(palm, keys, signed_by):
    key_id = getattr(keys, signed_by) if signed_by else None
    headers, body = make_notification(
        keys,
        "TRANSACTION.SUCCESS",
        {"out_trade_no": "12", "attach": "学"},
        original_type="transaction",
        summary="支付成功",
        key_id=key_id,
        clock=CLOCK,
    )
    found = await palm.notifications.parse(headers, body)
    assert found.resource == {"out_trade_no": "12", "attach": "学"}
    assert (found.event_type, found.original_type) == ("TRANSACTION.SUCCESS", "transaction")
    assert (found.summary, found.resource_type) == ("支付成功", "encrypt-resource")
    assert found.create_time.timestamp() == NOW
    assert found.verified_by == (key_id or keys.public_key_id)


async def test_each_has_an_id_of_its_own_and_another_ciphertext(palm, keys):
    made = [make_notification(keys, "A.B", {}, clock=CLOCK) for _ in range(2)]
    one, other = [await palm.notifications.parse(*each) for each in made]
    assert one.id != other.id
    assert one.resource == other.resource == {}
    assert len({body for _, body in made}) == 2


@pytest.mark.parametrize(
    "fault",
    [Fault.PROBE, Fault.STALE, Fault.ALTERED, Fault.SERIAL, Fault.MISSING],
)
async def test_one_with_a_fault_is_refused(palm, keys, fault):
    headers, body = make_notification(keys, "A.B", {"a": "b"}, clock=CLOCK, fault=fault)
    with pytest.raises(SignatureError) as caught:
        await palm.notifications.parse(headers, body)
    assert caught.value.probe == (fault is Fault.PROBE)
