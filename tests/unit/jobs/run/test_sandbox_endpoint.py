"""Which keys the sandbox of a run has."""

from __future__ import annotations

from jobs.run.sandbox_endpoint import SandboxEndpoint
from palm.sandbox import SANDBOX_MCHID
from tests.night import DAY


async def test_new_keys_are_made_each_time_it_is_opened():
    endpoint = SandboxEndpoint()
    async with endpoint.open(DAY) as first, endpoint.open(DAY) as second:
        assert first.merchant != second.merchant
        assert dict(first.keys) != dict(second.keys)
    assert first.gateway.mchid == SANDBOX_MCHID


async def test_keys_that_are_passed_are_used(keys):
    async with SandboxEndpoint(keys).open(DAY) as endpoint:
        assert endpoint.merchant == keys.merchant()
        assert dict(endpoint.keys) == dict(keys.platform_keys())


def test_no_key_can_be_read_in_its_description(keys):
    assert keys.public_key_id not in repr(SandboxEndpoint(keys))
