"""The headers of a request: signed at the time of the attempt, with a nonce of its own."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from itertools import count
from types import SimpleNamespace

import pytest

from palm import SettingsError
from palm.clock import Clock
from palm.crypto.request_signing import RequestSigner, Signing
from palm.crypto.signing import RSASigner

TARGET = "/v3/certificates"


@pytest.fixture
def make(keys):
    def made(sign=None, preferred="PUB_KEY_ID_1"):
        nonces, own = count(1), RSASigner(keys.merchant())
        signer = (
            own
            if sign is None
            else SimpleNamespace(mchid=own.mchid, serial_no=own.serial_no, sign=sign)
        )
        return RequestSigner(
            signer,
            SimpleNamespace(preferred=preferred),
            Clock(wall=lambda: 1554208460.9),
            lambda: f"n{next(nonces)}",
        )

    return made


async def test_each_attempt_has_a_signature_of_its_own(make, keys):
    seen = []

    async def sign(message):
        seen.append(message)
        return b"signature"

    signer = make(sign)
    one, other = [await signer.headers("GET", TARGET, b"") for _ in range(2)]
    assert seen == [f"GET\n{TARGET}\n1554208460\nn{n}\n\n".encode() for n in (1, 2)]
    assert one["Authorization"] != other["Authorization"]
    assert f'mchid="{keys.mchid}"' in one["Authorization"]
    assert re.search('signature="c2lnbmF0dXJl",timestamp="1554208460"', one["Authorization"])


async def test_a_key_id_and_a_content_type_are_named_where_there_is_one(make):
    assert set(await make().headers("GET", TARGET, b"")) == {"Authorization", "Wechatpay-Serial"}
    assert set(await make(preferred="").headers("POST", TARGET, b"{}")) == {
        "Authorization",
        "Content-Type",
    }


async def test_it_is_known_whether_the_signer_has_returned(make):
    go = asyncio.Event()

    async def sign(message):
        await go.wait()
        return message

    signing = Signing(make(sign), "GET", TARGET, b"")
    task = asyncio.create_task(signing.headers())
    assert not signing.is_running
    await asyncio.sleep(0)
    assert signing.is_running
    go.set()
    await task
    assert not signing.is_running


@dataclass
class Machine:
    """The clocks of a machine: ``slept`` seconds count only on those that run while it sleeps."""

    now: float = 0.0
    slept: float = 0.0

    def clock(self):
        return Clock(
            monotonic=lambda: self.now,
            elapsed=lambda: self.now + self.slept,
            wall=lambda: 1554208460.9 + self.now + self.slept,
        )


@pytest.mark.parametrize(
    ("stopped", "slept", "is_old"),
    [(0, 0, False), (15, 0, False), (59, 0, False), (61, 0, True), (0, 61, True), (0, 3600, True)],
)
async def test_a_signature_is_too_old_after_a_stop_or_a_sleep(make, stopped, slept, is_old):
    machine, signer = Machine(), make()
    signer.clock = machine.clock()
    signing = Signing(signer, "GET", TARGET, b"")
    assert not signing.has_expired()
    await signing.headers()
    machine.now, machine.slept = stopped, slept
    assert signing.has_expired() is is_old
    await signing.headers()
    assert not signing.has_expired()


@pytest.mark.parametrize(("slow", "slept", "is_old"), [(300, 0, False), (0, 300, True)])
async def test_a_machine_that_slept_is_told_from_a_slow_signer(make, slow, slept, is_old):
    """A signer that is always slow would otherwise be called again and again."""
    machine = Machine()

    async def sign(message):
        machine.now += slow
        machine.slept += slept
        return message

    signer = make(sign)
    signer.clock = machine.clock()
    signing = Signing(signer, "GET", TARGET, b"")
    await signing.headers()
    assert signing.has_expired() is is_old


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (12, "12 (int)"),
        (None, "None"),
        (b"a", "bytes"),
        ("", "an empty str"),
        ('a"', "str"),
        ("a\r\nX-Other: 1", "str"),
        ("a\n", "str"),
        ("刷", "str"),
    ],
)
async def test_a_nonce_that_cannot_stand_in_the_header_is_refused(make, value, said):
    signer = make()
    signer._nonce = lambda: value
    with pytest.raises(SettingsError) as raised:
        await signer.headers("GET", TARGET, b"")
    wanted = "nonce must return a random text of letters and digits: it returned "
    assert str(raised.value) == wanted + said


async def test_a_nonce_that_fails_is_not_taken_for_a_broken_connection(make):
    def fail():
        raise OSError("secret")

    signer = make()
    signer._nonce = fail
    with pytest.raises(SettingsError, match="letters and digits: it raised OSError$"):
        await signer.headers("GET", TARGET, b"")
