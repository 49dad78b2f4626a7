"""What signs a run's requests."""

from __future__ import annotations

import pytest

from jobs.report.model import GatewayId
from jobs.run import endpoint
from jobs.run.endpoint import Endpoint
from palm import Merchant, ThreadSigner


@pytest.mark.parametrize(
    ("rate", "cores", "kind"),
    [
        (999.0, 8, Merchant),
        (1_000.0, 1, Merchant),
        (1_000.0, 2, ThreadSigner),
        (100_000.0, 8, ThreadSigner),
    ],
)
def test_threads_sign_where_one_core_would_be_full_and_another_is_there(
    keys, monkeypatch, rate, cores, kind
):
    monkeypatch.setattr(endpoint, "usable_cores", lambda: cores)
    asked = Endpoint(GatewayId("other", keys.mchid), keys.merchant(), keys.platform_keys(), [])
    signer = asked.signer(rate)
    assert type(signer) is kind
    assert (signer.mchid, signer.serial_no) == (keys.mchid, keys.merchant_serial)
