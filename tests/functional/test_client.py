"""The client against the sandbox: each fault is the right error, after the right attempts."""

from __future__ import annotations

import asyncio
import time
from datetime import date
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from palm import (
    AsyncPalm,
    BodyError,
    Clock,
    DisconnectedError,
    MismatchError,
    NoStateError,
    Retry,
    ServerError,
    SignatureError,
    SignatureReason,
    ThrottledError,
    TimedOutError,
    Timeouts,
    UnauthorizedError,
    UnnamedError,
    UnrecognizedStateError,
)
from palm.sandbox import Fault, Faults, Population, SandboxGateway

DATE = date(2026, 11, 21)
OPENID = "oSecretPerson0123456789abcde"


async def no_wait(seconds):
    await asyncio.sleep(0)


def client(keys, gateway, *, mode="public_key", **options):
    given = {
        "merchant": keys.merchant(),
        "keys": keys.platform_keys(mode),
        "base_url": gateway.base_url,
        "retry": Retry(attempts=3, patience_s=0.0),
        "timeouts": Timeouts(connect_s=2, total_s=5),
        "clock": Clock(sleep=no_wait),
    }
    return AsyncPalm(**given | options)


def expect(fault):
    """Return the error of a fault, how many attempts it takes, and what the error must say."""
    wrong = SignatureReason
    return {
        Fault.THROTTLE: (ThrottledError, 1, {"status": 429, "code": "FREQUENCY_LIMITED"}),
        Fault.SYSTEM_ERROR: (
            ServerError,
            3,
            {"status": 500, "code": "SYSTEM_ERROR", "verified": True},
        ),
        Fault.BAD_GATEWAY: (ServerError, 3, {"status": 502, "code": None, "verified": False}),
        Fault.DROP: (DisconnectedError, 3, {"status": None}),
        Fault.STALL: (TimedOutError, 3, {"status": None}),
        Fault.ALTERED: (SignatureError, 3, {"reason": wrong.WRONG, "probe": False}),
        Fault.PROBE: (SignatureError, 3, {"reason": wrong.MALFORMED, "probe": True}),
        Fault.MISSING: (SignatureError, 3, {"reason": wrong.MISSING, "status": 200}),
        Fault.SERIAL: (SignatureError, 3, {"reason": wrong.UNKNOWN_SERIAL}),
        Fault.STALE: (SignatureError, 3, {"reason": wrong.STALE}),
        Fault.OTHER: (MismatchError, 3, {"status": 200}),
        Fault.NOSTATE: (NoStateError, 1, {"status": 200}),
        Fault.NEWSTATE: (UnrecognizedStateError, 1, {"state": "AUTHORIZATION_STATE_FROZEN"}),
        Fault.TRUNCATED: (BodyError, 3, {"status": 200}),
        Fault.UNNAMED: (UnnamedError, 2, {"status": 200}),
    }[fault]


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.DUPLICATE])
async def test_each_fault_is_its_error_after_its_attempts(keys, fault, everything_said_by):
    kind, attempts, attributes = expect(fault)
    timeouts = Timeouts(connect_s=0.15, total_s=0.15) if fault is Fault.STALL else Timeouts()
    async with SandboxGateway(keys, date=DATE, faults=Faults(**{fault.value: 1.0})) as gateway:
        async with client(keys, gateway, timeouts=timeouts) as palm:
            with pytest.raises(kind) as caught:
                await palm.authorizations.get(OPENID, "1004")
        stats, url = gateway.stats, gateway.base_url
    error = caught.value
    assert type(error) is kind
    assert {name: getattr(error, name) for name in attributes} == attributes
    assert (error.attempts, stats.requests, stats.authenticated) == (attempts,) * 3
    assert stats.repeated_nonces == 0
    assert error.route == "/v3/palmservice/authorization/openid/{openid}"
    said = everything_said_by(error).replace(error.route, "")
    assert not any(secret in said for secret in (OPENID, "v3/palmservice", url, "nonce_str"))


async def test_duplicates_cost_requests_and_never_the_truth(keys):
    """A copy comes while the connection is idle, or as the answer to the next question.

    With ``duplicate`` alone each first answer is true, so what is not believed is a copy.
    """
    async with SandboxGateway(keys, date=DATE, faults=Faults(duplicate=0.3)) as gateway:
        async with client(keys, gateway, retry=Retry(attempts=30)) as palm:
            people = [(f"o{number}", "1004") for number in range(300)]
            told = [each async for each in palm.authorizations.get_many(people)]
        look = gateway.population.state_on
        true = {pair: look(*pair, DATE).state for pair in people}
        assert gateway.stats.faults[Fault.DUPLICATE] > 50
    assert {pair: answer.state.name for pair, answer in told} == true


@pytest.mark.parametrize("mode", ["public_key", "certificate", "grey"])
async def test_answers_are_believed_and_true_in_every_key_mode(keys, mode):
    gateway = SandboxGateway(keys, date=DATE, mode=mode)
    async with gateway, client(keys, gateway, mode=mode) as palm:
        for number in range(20):
            answer = await palm.authorizations.get(f"o{number}", "1004")
            standing = gateway.population.state_on(f"o{number}", "1004", DATE)
            assert (answer.state.name, answer.authorize_time) == standing
            assert answer.echoed
    signed_by = keys.platform_serial if mode == "certificate" else keys.public_key_id
    assert answer.verified_by == signed_by


async def test_faults_now_and_then_cost_attempts_and_never_the_truth(keys):
    faults = Faults.parse(
        "500=0.1,502=0.1,drop=0.1,altered=0.1,probe=0.05,missing=0.05,stale=0.05,other=0.05", seed=7
    )
    async with SandboxGateway(keys, Population(seed=3), date=DATE, faults=faults) as gateway:
        retry = Retry(attempts=30)
        async with client(keys, gateway, retry=retry) as palm:
            answers = [await palm.authorizations.get(f"o{n}", "1004") for n in range(100)]
        standings = [gateway.population.state_on(f"o{n}", "1004", DATE) for n in range(100)]
        stats = gateway.stats
    assert [answer.state.name for answer in answers] == [one.state for one in standings]
    assert sum(answer.attempts for answer in answers) == stats.requests > 150
    assert (stats.answered, stats.repeated_nonces) == (100, 0)


async def test_a_machine_that_slept_after_a_signature_sends_a_new_one(keys):
    """The gateway refuses a signature that is older than five minutes with 401."""
    late = 400.0

    async def sign(message):
        asyncio.get_running_loop().call_soon(wake)
        return keys.merchant().private_key.sign(message, PKCS1v15(), SHA256())

    def wake():
        nonlocal late
        late = 0.0

    signer = SimpleNamespace(mchid=keys.mchid, serial_no=keys.merchant().serial_no, sign=sign)
    clock = Clock(wall=lambda: time.time() - late, elapsed=lambda: time.monotonic() - late)
    async with SandboxGateway(keys, date=DATE) as gateway:
        async with client(keys, gateway, merchant=signer, clock=clock) as palm:
            answer = await palm.authorizations.get(OPENID, "1004")
        assert (answer.attempts, gateway.stats.requests, gateway.stats.authenticated) == (1, 1, 1)


async def test_a_clock_that_is_off_is_refused_once_and_not_asked_again(keys):
    async with SandboxGateway(keys, date=DATE) as gateway:
        async with client(
            keys, gateway, clock=Clock(wall=lambda: time.time() - 301, sleep=no_wait)
        ) as palm:
            with pytest.raises(UnauthorizedError, match="5分钟") as caught:
                await palm.authorizations.get(OPENID, "1004")
        assert (caught.value.attempts, gateway.stats.requests) == (1, 1)
    assert caught.value.verified is False


async def test_answers_without_an_echo_are_refused_unless_they_are_accepted(keys):
    async with SandboxGateway(keys, date=DATE, echo=0.0) as gateway:
        async with client(keys, gateway) as palm:
            with pytest.raises(UnnamedError, match="does not name the openid and the organization"):
                await palm.authorizations.get(OPENID, "1004")
        assert gateway.stats.requests == 2
        async with client(keys, gateway, accept_unnamed=True) as palm:
            assert (await palm.authorizations.get(OPENID, "1004")).echoed is False


async def test_ids_that_need_encoding_reach_the_gateway_as_they_are(keys):
    pairs = [("a/b?c=d#e f%20中+&", "a b&c=中+/"), ("../../../certificates", "..%2F"), ("~", "😀")]
    async with SandboxGateway(keys, date=DATE) as gateway:
        async with client(keys, gateway) as palm:
            for openid, organization_id in pairs:
                answer = await palm.authorizations.get(openid, organization_id)
                assert (answer.openid, answer.organization_id) == (openid, organization_id)
        assert set(gateway.stats.asked) == {(o, openid) for openid, o in pairs}


@pytest.mark.slow
async def test_a_strict_gateway_throttles_nobody_who_is_paced(keys):
    async def seconds(palm):
        began = time.monotonic()
        await asyncio.gather(*(palm.authorizations.get(f"o{n}", "1") for n in range(150)))
        return time.monotonic() - began

    async with SandboxGateway(keys, date=DATE) as gateway, client(keys, gateway) as palm:
        without_pace = await seconds(palm)  # what it takes on this machine, now
    async with SandboxGateway(keys, date=DATE, limit=100) as gateway:
        async with client(keys, gateway, rate=100) as palm:
            took = await seconds(palm)
        assert gateway.stats.throttled == 0
    assert 0.98 * 149 / 98 <= took <= 149 / 98 + 2 * without_pace


async def test_throttled_questions_are_answered_in_the_end_and_cost_no_attempts(keys):
    faults = Faults(throttle=0.3, seed=2)
    async with SandboxGateway(keys, date=DATE, faults=faults) as gateway:
        async with client(keys, gateway, retry=Retry(attempts=1)) as palm:
            for number in range(50):
                await palm.authorizations.get(f"o{number}", "1")
        stats = gateway.stats
    assert (stats.answered, stats.requests) == (50, 50 + stats.faults[Fault.THROTTLE])
    assert stats.faults[Fault.THROTTLE] > 5


async def test_a_client_is_made_from_the_folder_that_the_sandbox_writes(
    keys, tmp_path, monkeypatch
):
    async with SandboxGateway(keys, date=DATE) as gateway:
        keys.write(tmp_path / "keys", gateway.base_url)
        async with AsyncPalm.from_env(tmp_path / "keys" / "palm.toml") as palm:
            answer = await palm.authorizations.get(OPENID, "1004")
        assert gateway.stats.answered == 1
    assert answer.verified_by == keys.public_key_id
