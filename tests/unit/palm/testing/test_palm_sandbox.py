"""The sandbox for tests: a gateway in a thread, with states and faults that the test chooses."""

from __future__ import annotations

import datetime as dt
import os
import socket
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from palm import (
    AsyncPalm,
    DisconnectedError,
    Palm,
    Retry,
    ServerError,
    SettingsError,
    StateError,
    ThreadSigner,
)
from palm.sandbox import Fault, Faults, PairState, SandboxGateway
from palm.testing import PalmSandbox, serving

PERSON, ORGANIZATION = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "1004"


@pytest.fixture
def palm(palm_sandbox):
    with Palm(**palm_sandbox.options, retry=Retry(attempts=1)) as palm:
        yield palm


def state_of(palm):
    return palm.authorizations.get(PERSON, ORGANIZATION).state.name


@pytest.mark.parametrize("state", ["ON", "OFF", "NONE"])
def test_a_test_chooses_a_pairs_state(palm_sandbox, palm, state):
    palm_sandbox.set_state(PERSON, ORGANIZATION, state)
    answer = palm.authorizations.get(PERSON, ORGANIZATION)
    assert answer.state.name == state
    assert (answer.authorize_time is None) is (state == "NONE")


def test_a_state_may_change_and_has_the_time_that_was_chosen(palm_sandbox, palm):
    palm_sandbox.set_state(PERSON, ORGANIZATION, PairState.OFF)
    assert state_of(palm) == "OFF"
    at = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
    palm_sandbox.set_state(PERSON, ORGANIZATION, PairState.ON, at)
    answer = palm.authorizations.get(PERSON, ORGANIZATION)
    assert (answer.state.name, answer.authorize_time) == ("ON", at)


def test_pairs_whose_state_was_not_chosen_are_made_up(palm_sandbox, palm):
    palm_sandbox.set_state(PERSON, ORGANIZATION, "ON")
    others = [(f"o{n:027}", ORGANIZATION) for n in range(60)]
    states = {answer.state.name for _, answer in palm.authorizations.get_many(others)}
    assert states == {"ON", "OFF", "NONE"}


def test_a_chosen_pair_has_no_made_up_events(palm_sandbox):
    first, last = dt.date(2024, 2, 1), dt.date(2026, 2, 1)
    events = palm_sandbox.population.events
    assert events(PERSON, ORGANIZATION, first, last)
    palm_sandbox.set_state(PERSON, ORGANIZATION, "ON")
    assert events(PERSON, ORGANIZATION, first, last) == ()


def test_a_state_that_there_is_not_and_a_time_without_zone_are_refused(palm_sandbox):
    with pytest.raises(ValueError, match="MAYBE"):
        palm_sandbox.set_state(PERSON, ORGANIZATION, "MAYBE")
    naive = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - that is the point
    with pytest.raises(ValueError, match="time zone"):
        palm_sandbox.set_state(PERSON, ORGANIZATION, "ON", naive)


def test_the_next_requests_fail_in_the_order_given(palm_sandbox, palm):
    palm_sandbox.fail_next("500", None, Fault.DROP, "newstate")
    with pytest.raises(ServerError):
        state_of(palm)
    first = state_of(palm)
    with pytest.raises(DisconnectedError):
        state_of(palm)
    with pytest.raises(StateError):
        state_of(palm)
    assert state_of(palm) == first


def test_a_client_that_asks_again_meets_the_next_fault(palm_sandbox):
    palm_sandbox.fail_next("drop", "500")
    with Palm(**palm_sandbox.options, retry=Retry(base_s=0)) as palm:
        assert palm.authorizations.get(PERSON, ORGANIZATION).attempts == 3


def test_faults_end_at_once(palm_sandbox, palm):
    palm_sandbox.fail_next("500", "500")
    palm_sandbox.gateway.faults = Faults(system_error=1.0)
    palm_sandbox.clear_faults()
    assert state_of(palm)


def test_a_fault_that_there_is_not_is_refused_by_name(palm_sandbox):
    with pytest.raises(SettingsError, match="unknown fault 'flood'; known are throttle"):
        palm_sandbox.fail_next("flood")
    assert not palm_sandbox.gateway.next_faults


@pytest.mark.parametrize("mode", ["public_key", "certificate", "grey"])
def test_settings_are_those_of_the_gateways_mode(palm_sandbox, mode):
    palm_sandbox.gateway.mode = mode
    for palm in (
        Palm.from_settings(palm_sandbox.settings),
        Palm.from_env(palm_sandbox.config),
        Palm(**palm_sandbox.options),
    ):
        with palm:
            assert state_of(palm)


def test_the_environment_has_the_same_settings(palm_sandbox, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("PALM_")]:
        monkeypatch.delenv(name)
    for name, value in palm_sandbox.environment.items():
        monkeypatch.setenv(name, value)
    with Palm.from_env() as palm:
        assert state_of(palm)


async def test_it_serves_an_event_loop_too(palm_sandbox):
    async with AsyncPalm(**palm_sandbox.options) as palm:
        await palm.authorizations.get(PERSON, ORGANIZATION)
    assert palm_sandbox.gateway.stats.asked == {(ORGANIZATION, PERSON): 1}


def test_nothing_is_left_when_it_ends(keys):
    with PalmSandbox(keys) as sandbox:
        folder = sandbox.config.parent
        port = int(sandbox.base_url.rpartition(":")[2])
        assert folder.is_dir()
    assert not folder.exists()
    assert "palm-sandbox" not in {thread.name for thread in threading.enumerate()}
    with socket.socket() as free:
        free.bind(("127.0.0.1", port))
        with pytest.raises(RuntimeError, match="not running"):
            sandbox.base_url  # noqa: B018 - it raises


def test_a_port_in_use_is_an_error_here(keys):
    with socket.socket() as used:
        used.bind(("127.0.0.1", 0))
        used.listen()
        gateway = SandboxGateway(keys, port=used.getsockname()[1])
        with pytest.raises(SettingsError, match="cannot listen"), serving(gateway):
            raise AssertionError("it listens")


def test_threads_sign_for_several_clients(palm_sandbox):
    """Each client has its event loop in a thread of its own."""
    with ThreadSigner(palm_sandbox.options["merchant"]) as signer:
        options = palm_sandbox.options | {"merchant": signer}
        with Palm(**options) as one, Palm(**options) as other:
            for each in (one, other, one):
                each.authorizations.get(PERSON, ORGANIZATION)
        with Palm(**options) as later:
            outcomes = later.authorizations.get_many([(f"o{n}", "1004") for n in range(50)])
            assert {type(answer).__name__ for _, answer in outcomes} == {"PalmAuthorization"}


async def test_what_was_signed_comes_with_an_answer_that_is_asked_for_so(palm_sandbox, palm):
    key = palm_sandbox.options["keys"][palm_sandbox.gateway.keys.public_key_id]

    def check(answer):
        signed = answer.signed
        assert (signed.key_id, PERSON.encode() in signed.body) == (answer.verified_by, True)
        key.verify(signed.signature, signed.message, PKCS1v15(), SHA256())

    assert palm.authorizations.get(PERSON, ORGANIZATION).signed is None
    check(palm.authorizations.get(PERSON, ORGANIZATION, keep_signed=True))
    pairs = [(PERSON, ORGANIZATION)] * 3
    for _, answer in palm.authorizations.get_many(pairs, keep_signed=True):
        check(answer)
    async with AsyncPalm(**palm_sandbox.options) as client:

        async def stream():
            for pair in pairs:
                yield pair

        async for _, answer in client.authorizations.get_many(stream(), keep_signed=True):
            check(answer)
        answer = await client.v3.palmservice.authorization.openid._openid_.get(
            openid=PERSON, query={"organization_id": ORGANIZATION}
        )
        check(answer)
