"""Certificates by download: decrypted, verified with what they contain, fetched when due."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
import logging
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from palm import (
    APIv3Key,
    BodyError,
    CertificateStore,
    Clock,
    PalmError,
    PlatformKeys,
    RefusedError,
    ServerError,
    SettingsError,
    SignatureError,
    SignatureReason,
    TrustStore,
    UnauthorizedError,
    message,
)
from palm.crypto.certificate_store import RefreshRules
from palm.crypto.certificates import decrypt, read_certificates
from palm.crypto.replay import ReplayMemory
from palm.sandbox.credentials.download import list_certificates
from tests.unit.palm.conftest import SERIAL

HOUR_S = 3600.0
WHEN = datetime(2026, 11, 21, tzinfo=UTC)


def negatives(vectors):
    """Return the published cases that must fail, with the change made."""
    published = vectors("aes_gcm")
    return [
        published["cases"][n["base"]] | {n["change"]: n["value"]} for n in published["negative"]
    ]


def opened(case, **changes):
    given = {name: case[name] for name in ("nonce", "associated_data", "ciphertext")} | changes
    return decrypt(case["key"].encode(), **given)


# --- decrypting


def test_published_ciphertexts_decrypt(vectors):
    cases = vectors("aes_gcm")["cases"]
    assert [opened(case).decode() for case in cases] == [case["plaintext"] for case in cases]
    assert len(cases) == 4


def test_published_negatives_do_not_decrypt(vectors):
    cases = negatives(vectors)
    assert len(cases) == 3
    for case in cases:
        with pytest.raises(BodyError, match="does not decrypt"):
            opened(case)


def test_each_altered_byte_of_a_ciphertext_is_refused(vectors):
    case = vectors("aes_gcm")["cases"][0]
    sealed = base64.b64decode(case["ciphertext"])
    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 1
        with pytest.raises(BodyError):
            opened(case, ciphertext=base64.b64encode(altered).decode())


@pytest.mark.parametrize(
    "change",
    [
        {"ciphertext": "no base64!"},
        {"ciphertext": ""},
        {"ciphertext": "密"},
        {"nonce": ""},
        {"nonce": "x" * 1000},
        {"nonce": "\ud800"},
        {"associated_data": "\ud800"},
    ],
)
def test_what_cannot_be_decrypted_at_all_is_a_body_error(vectors, change):
    with pytest.raises(BodyError, match="does not decrypt"):
        opened(vectors("aes_gcm")["cases"][0], **change)


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_an_apiv3_key_of_another_length_than_32_is_refused_and_not_shown(length):
    with pytest.raises(SettingsError, match=f"32 characters, this one has {length}") as raised:
        APIv3Key(b"s" * length)
    assert "ss" not in str(raised.value)


# --- the list of certificates


def test_the_published_answer_holds_its_certificate(vectors):
    published = vectors("certificates_response")
    key = APIv3Key(published["apiv3_key"].encode())
    found = read_certificates(json.loads(published["response_body"]), key, now=WHEN)
    expected = PlatformKeys.from_pem(certificates=[published["decrypted_pem"].encode()], now=WHEN)
    assert list(found) == ["5DEA10EF55877E3CF6C33255C2E7DEFFF7E427EC"]
    assert {serial: each.public_key() for serial, each in found.items()} == dict(expected)
    assert expected.validity == {
        "5DEA10EF55877E3CF6C33255C2E7DEFFF7E427EC": (1695136558, 1852816558)
    }


def test_another_merchants_apiv3_key_opens_nothing(vectors):
    published = vectors("certificates_response")
    with pytest.raises(BodyError, match="APIv3 key"):
        read_certificates(json.loads(published["response_body"]), APIv3Key(b"x" * 32), now=WHEN)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: [],
        lambda _: None,
        lambda _: {},
        lambda _: {"data": None},
        lambda _: {"data": [1]},
        lambda members: {"data": [members["data"][0] | {"serial_no": "7" + "0" * 39}]},
        lambda members: {"data": [members["data"][0] | {"serial_no": 7}]},
        lambda members: {"data": [members["data"][0] | {"encrypt_certificate": None}]},
        lambda members: {"data": [members["data"][0] | {"encrypt_certificate": {}}]},
        lambda members: changed(members, nonce=12),
        lambda members: changed(members, ciphertext=None),
        lambda members: changed(members, associated_data={}),
    ],
)
def test_an_answer_of_another_shape_is_a_body_error(vectors, spoil):
    published = vectors("certificates_response")
    key = APIv3Key(published["apiv3_key"].encode())
    with pytest.raises(BodyError):
        read_certificates(spoil(json.loads(published["response_body"])), key, now=WHEN)


def changed(members, **changes):
    entry = members["data"][0]
    return {"data": [entry | {"encrypt_certificate": entry["encrypt_certificate"] | changes}]}


APIV3_KEY = APIv3Key(b"k" * 32)


def entry(plaintext: bytes, serial: int = SERIAL, *, key: APIv3Key = APIV3_KEY) -> dict:
    """Return one entry of the list, encrypted."""
    sealed = AESGCM(key.secret).encrypt(b"n" * 12, plaintext, b"")
    encrypted = {"nonce": "n" * 12, "ciphertext": base64.b64encode(sealed).decode()}
    return {"serial_no": f"{serial:X}", "encrypt_certificate": encrypted}


def unusable(pem) -> dict[str, tuple[dict, str]]:
    """Return entries that cannot be used on the day of the tests, and what is said of each."""
    day = timedelta(days=1)
    named = f"({SERIAL:X})"
    return {
        "curve": (entry(pem.certificate(pem.curve)), f"{named} holds no RSA key"),
        "short": (entry(pem.certificate(pem.small)), f"{named} has 1024 bits; at least 2048"),
        "expired": (
            entry(pem.certificate(pem.key, starts=WHEN - 9 * day, days=8)),
            f"{named} expired on 2026-11-20",
        ),
        "early": (
            entry(pem.certificate(pem.key, starts=WHEN + day)),
            f"{named} is not valid before 2026-11-22 00:00 UTC",
        ),
        "no PEM": (entry(b"no certificate"), "is not as documented"),
        "broken": (
            entry(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
            "is not as documented",
        ),
        "another's": (
            entry(pem.certificate(pem.key), key=APIv3Key(b"x" * 32)),
            "does not decrypt: is it this merchant's APIv3 key?",
        ),
        "misnamed": (entry(pem.certificate(pem.key), SERIAL + 1), "under another serial number"),
        "number": (entry(pem.certificate(pem.key)) | {"serial_no": 7}, "is not as documented"),
        "empty": ({}, "is not as documented"),
        "text": ("x", "is not as documented"),
    }


@pytest.mark.parametrize(
    "kind",
    ["curve", "short", "expired", "early", "no PEM", "broken", "another's", "misnamed", "number",
     "empty", "text"],
)  # fmt: skip
def test_an_entry_that_cannot_be_used_is_left_out_and_refuses_no_other(pem, kind, caplog):
    bad, said = unusable(pem)[kind]
    good = entry(pem.certificate(pem.key, serial=SERIAL + 7), SERIAL + 7)
    for data in ([bad, good], [good, bad]):
        caplog.clear()
        found = read_certificates({"data": data}, APIV3_KEY, now=WHEN)
        assert list(found) == [f"{SERIAL + 7:X}"]
        [record] = caplog.records
        place = data.index(bad) + 1
        assert f"1 platform certificates are not used: certificate {place} of 2 " in record.message
        assert said in record.message
    with pytest.raises(BodyError, match="^no platform certificate can be used: ") as caught:
        read_certificates({"data": [bad]}, APIV3_KEY, now=WHEN)
    assert said in str(caught.value)


def test_only_the_first_problems_of_many_are_told(pem):
    with pytest.raises(BodyError) as caught:
        read_certificates({"data": [{}] * 1000}, APIV3_KEY, now=WHEN)
    assert len(str(caught.value)) < 300


def test_a_certificate_counts_only_under_the_roots_that_are_held(pem, keys):
    """The test's certificates are signed by the platform's key, in a name of their own."""
    root = pem.authority(keys.platform_key)
    trust = TrustStore.from_pem(root)
    strange = TrustStore.from_pem(pem.authority(keys.merchant_key))
    data = {"data": [entry(pem.certificate(pem.key))]}
    for held in (None, trust):
        assert list(read_certificates(data, APIV3_KEY, now=WHEN, trust=held)) == [f"{SERIAL:X}"]
    with pytest.raises(BodyError, match=r"was not issued under a certificate in root_certificate$"):
        read_certificates(data, APIV3_KEY, now=WHEN, trust=strange)


def test_certificates_of_the_other_kind_are_passed_over(keys):
    members = list_certificates(keys.platform, keys.apiv3_key)
    sm2 = {"serial_no": "1" * 40, "encrypt_certificate": {"algorithm": "AEAD_SM4_GCM"}}
    members["data"].append(sm2)
    key = APIv3Key(keys.apiv3_key.encode())
    assert list(read_certificates(members, key, now=datetime.now(UTC))) == [keys.platform_serial]


# --- fetching


class Platform:
    """Answers a client's fetches as a test wants them, and counts them; has a clock of its own."""

    def __init__(self, keys, *, held: PlatformKeys | None = None, **rules: float) -> None:
        self.keys = keys
        self.seconds = 1000.0
        self.fetches = 0
        self.failure: PalmError | None = None
        self.listed = True
        self.signed_with = None
        self.going: asyncio.Event | None = None
        self.downloaded = CertificateStore(
            APIv3Key(keys.apiv3_key.encode()),
            held,
            rules=RefreshRules(**rules),
            clock=Clock(monotonic=lambda: self.seconds),
        )

    async def fetch(self) -> tuple[Mapping[str, str], bytes]:
        self.fetches += 1
        if self.going is not None:
            await self.going.wait()
        if self.failure is not None:
            raise self.failure
        listed = self.keys.platform if self.listed else ()
        return self.answer(json.dumps(list_certificates(listed, self.keys.apiv3_key)).encode())

    def answer(self, body: bytes) -> tuple[dict[str, str], bytes]:
        """Return headers and body as the platform signs them, or whoever ``signed_with`` names."""
        timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
        key = self.signed_with or self.keys.platform_key
        signature = key.sign(message(timestamp, nonce, body), PKCS1v15(), SHA256())
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": base64.b64encode(signature).decode(),
            "Wechatpay-Serial": self.keys.platform_serial,
        }, body

    async def refresh(self) -> None:
        await self.downloaded.refresh(self.fetch, now=time.time)

    async def seek(self, serial: str) -> bool:
        return await self.downloaded.ensure(serial, self.fetch, now=time.time)

    def verify(self) -> str:
        headers, body = self.answer(b"{}")
        return self.downloaded.verify(headers, body, now=int(time.time()))


@pytest.fixture
def platform(keys) -> Platform:
    return Platform(keys)


async def test_the_first_download_is_due_at_once_and_then_believed(platform, keys):
    assert platform.downloaded.needs_refresh()
    assert platform.downloaded.preferred == ""
    await platform.refresh()
    assert not platform.downloaded.needs_refresh()
    assert platform.downloaded.preferred == keys.platform_serial
    assert platform.verify() == keys.platform_serial


async def test_the_keys_that_are_held_can_be_read(platform, keys):
    assert dict(platform.downloaded.keys) == {}
    await platform.refresh()
    assert dict(platform.downloaded.keys) == dict(keys.platform_keys("certificate"))


def test_before_the_first_download_nothing_is_believed(platform, keys):
    with pytest.raises(SignatureError) as raised:
        platform.verify()
    assert raised.value.reason is SignatureReason.UNKNOWN_SERIAL
    assert raised.value.serial == keys.platform_serial


async def test_a_certificate_that_expires_after_its_download_verifies_nothing_more(keys, pem):
    ends = WHEN + timedelta(days=30)
    body = json.dumps({"data": [entry(pem.certificate(pem.key))]}).encode()
    downloaded = CertificateStore(APIV3_KEY)

    def sign(at: datetime) -> dict[str, str]:
        timestamp = str(int(at.timestamp()))
        raw = pem.key.sign(message(timestamp, "n", body), PKCS1v15(), SHA256())
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": "n",
            "Wechatpay-Signature": base64.b64encode(raw).decode(),
            "Wechatpay-Serial": f"{SERIAL:X}",
        }

    async def fetch():
        return sign(WHEN), body

    await downloaded.refresh(fetch, now=WHEN.timestamp)
    last = int(ends.timestamp())
    for at in (WHEN, ends):
        assert downloaded.verify(sign(at), body, now=int(at.timestamp())) == f"{SERIAL:X}"
    with pytest.raises(SignatureError, match="certificate 5157.* not valid now") as caught:
        downloaded.verify(sign(ends + timedelta(seconds=1)), body, now=last + 1)
    assert caught.value.reason is SignatureReason.UNKNOWN_SERIAL
    with pytest.raises(SignatureError, match="not valid now"):
        downloaded.verify(sign(WHEN - timedelta(seconds=1)), body, now=int(WHEN.timestamp()) - 1)


async def test_where_no_new_certificate_can_be_used_the_held_keys_stay(keys, pem, caplog):
    """A list whose certificates are all expired is no list."""
    held = keys.platform_keys()
    platform = Platform(keys, held=held)
    body = json.dumps({"data": [entry(pem.certificate(pem.curve))]}).encode()

    async def fetch():
        return platform.answer(body)

    assert await platform.downloaded.ensure(keys.platform_serial, fetch, now=time.time) is False
    assert "could not be fetched: no platform certificate can be used: " in caplog.text
    assert platform.downloaded.preferred == keys.public_key_id


async def test_a_first_download_signed_by_another_key_is_refused_though_it_decrypts(platform, pem):
    platform.signed_with = platform.keys.merchant_key
    with pytest.raises(SignatureError) as raised:
        await platform.refresh()
    assert raised.value.reason is SignatureReason.WRONG
    with pytest.raises(SignatureError, match="no platform key is held"):
        platform.verify()


async def test_a_download_that_came_before_is_refused_and_the_held_keys_stay(platform, caplog):
    """A list of certificates that is shown again could hide that they were exchanged."""
    told, memory = await platform.fetch(), ReplayMemory(b"key")

    async def fetch():
        return told

    platform.seconds = 0.0
    await platform.downloaded.refresh(fetch, now=time.time, accept=memory.accept)
    for seconds in (11 * HOUR_S, 22 * HOUR_S):
        platform.seconds = seconds
        await platform.downloaded.refresh(fetch, now=time.time, accept=memory.accept)
        assert "came before" in caplog.text
        assert platform.downloaded.needs_refresh() is False
        assert platform.verify() == platform.keys.platform_serial
    empty = CertificateStore(APIv3Key(platform.keys.apiv3_key.encode()))
    with pytest.raises(SignatureError) as raised:
        await empty.refresh(fetch, now=time.time, accept=memory.accept)
    assert raised.value.reason is SignatureReason.REPLAYED
    assert empty.needs_refresh(), "the next question tries again"


async def test_a_first_download_without_a_signature_is_refused(platform):
    async def fetch():
        return {}, (await platform.fetch())[1]

    with pytest.raises(SignatureError) as raised:
        await platform.downloaded.refresh(fetch, now=time.time)
    assert raised.value.reason is SignatureReason.MISSING


async def test_a_tampered_download_is_refused_though_its_signature_is_right(platform):
    async def fetch():
        members = list_certificates(platform.keys.platform, platform.keys.apiv3_key)
        encrypted = members["data"][0]["encrypt_certificate"]
        sealed = bytearray(base64.b64decode(encrypted["ciphertext"]))
        sealed[100] ^= 1
        encrypted["ciphertext"] = base64.b64encode(sealed).decode()
        return platform.answer(json.dumps(members).encode())

    with pytest.raises(BodyError, match="does not decrypt"):
        await platform.downloaded.refresh(fetch, now=time.time)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[" * 100_000])
async def test_a_download_that_is_no_json_is_a_body_error(platform, body):
    async def fetch():
        return platform.answer(body)

    with pytest.raises(BodyError, match="not JSON"):
        await platform.downloaded.refresh(fetch, now=time.time)


async def test_a_download_is_refused_by_the_rules_of_every_answer(platform):
    with pytest.raises(SignatureError) as raised:
        await platform.downloaded.refresh(platform.fetch, now=lambda: time.time() + 301)
    assert raised.value.reason is SignatureReason.STALE


async def test_many_who_wait_for_the_first_download_share_one(platform):
    platform.going = asyncio.Event()
    waiting = [asyncio.create_task(platform.refresh()) for _ in range(50)]
    await asyncio.sleep(0)
    platform.going.set()
    await asyncio.gather(*waiting)
    assert platform.fetches == 1
    assert platform.verify()


async def test_many_who_wait_share_a_failure_too_and_each_gets_an_error_of_its_own(platform):
    platform.failure = ServerError(500, "SYSTEM_ERROR", "busy", request_id="7-0")
    platform.going = asyncio.Event()
    waiting = [asyncio.create_task(platform.refresh()) for _ in range(50)]
    await asyncio.sleep(0)
    platform.going.set()
    errors = await asyncio.gather(*waiting, return_exceptions=True)
    assert platform.fetches == 1
    assert {type(error) for error in errors} == {ServerError}
    assert {(e.status, e.code, e.request_id) for e in errors} == {(500, "SYSTEM_ERROR", "7-0")}
    assert len({id(error) for error in errors}) == 50


async def test_one_who_is_cancelled_halfway_leaves_the_download_to_the_next(platform):
    platform.going = asyncio.Event()
    first, second = (asyncio.create_task(platform.refresh()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    platform.going.set()
    await second
    assert first.cancelled()
    assert platform.fetches == 2
    assert platform.verify()


async def test_while_there_is_no_key_at_all_a_failed_download_is_tried_again_at_once(platform):
    platform.failure = ServerError(502)
    with pytest.raises(ServerError):
        await platform.refresh()
    assert platform.downloaded.needs_refresh()
    platform.failure = None
    await platform.refresh()
    assert (platform.fetches, bool(platform.verify())) == (2, True)


async def test_certificates_are_fetched_again_before_twelve_hours_are_over(platform):
    await platform.refresh()
    platform.seconds += 9 * HOUR_S
    assert not platform.downloaded.needs_refresh()
    platform.seconds += 2 * HOUR_S
    assert platform.downloaded.needs_refresh()
    await platform.refresh()
    assert platform.fetches == 2
    assert not platform.downloaded.needs_refresh()


async def test_a_failed_refresh_leaves_the_keys_and_is_repeated_after_five_minutes(
    platform, caplog
):
    await platform.refresh()
    platform.seconds += 11 * HOUR_S
    platform.failure = ServerError(500, "SYSTEM_ERROR", "busy")
    with caplog.at_level(logging.WARNING, "palm"):
        await platform.refresh()
    assert "could not be fetched: HTTP 500: SYSTEM_ERROR" in caplog.text
    assert platform.verify()
    assert not platform.downloaded.needs_refresh()
    platform.seconds += 299
    assert not platform.downloaded.needs_refresh()
    platform.seconds += 1
    assert platform.downloaded.needs_refresh()


# --- unknown serials


async def test_an_unknown_serial_is_found_by_one_fetch_for_all_who_ask(keys):
    platform = Platform(keys)
    await platform.refresh()
    platform.keys = keys.rotate()
    serial = platform.keys.platform_serial
    with pytest.raises(SignatureError, match="which is not among the platform keys"):
        platform.verify()
    assert await asyncio.gather(*(platform.seek(serial) for _ in range(50))) == [True] * 50
    assert platform.fetches == 2
    assert platform.verify() == serial
    assert platform.downloaded.preferred == serial


async def test_the_old_certificate_is_believed_as_long_as_it_is_listed(keys):
    platform = Platform(keys.rotate())
    await platform.refresh()
    old, new = platform.keys.platform
    platform.keys = dataclasses.replace(platform.keys, platform=(old,))
    assert platform.verify() == old.serial_no
    platform.keys = dataclasses.replace(platform.keys, platform=(new,))
    platform.seconds += 11 * HOUR_S
    await platform.refresh()
    platform.keys = dataclasses.replace(platform.keys, platform=(old,))
    with pytest.raises(SignatureError, match="which is not among the platform keys"):
        platform.verify()


async def test_unknown_serials_are_looked_for_once_in_five_minutes(platform):
    await platform.refresh()
    for number in range(10):
        assert not await platform.seek(f"{number}" * 40)
        platform.seconds += 29.9
    assert platform.fetches == 2
    platform.seconds += 1
    assert not await platform.seek("F" * 40)
    assert platform.fetches == 3


async def test_a_key_that_came_in_meanwhile_is_not_looked_for(platform, keys):
    await platform.refresh()
    assert await platform.seek(keys.platform_serial)
    assert platform.fetches == 1


async def test_a_merchant_with_a_key_is_not_hindered_by_a_404(keys, caplog):
    platform = Platform(keys, held=keys.platform_keys())
    assert not platform.downloaded.needs_refresh()
    platform.failure = RefusedError(404, "RESOURCE_NOT_EXISTS", "无可用的平台证书")
    with caplog.at_level(logging.WARNING, "palm"):
        assert not await platform.seek("5" * 40)
    assert "RESOURCE_NOT_EXISTS" in caplog.text
    assert platform.downloaded.preferred == keys.public_key_id
    assert not platform.downloaded.needs_refresh()
    platform.seconds += 20 * HOUR_S
    assert not platform.downloaded.needs_refresh()
    assert platform.fetches == 1


async def test_a_merchant_without_any_key_is_told_of_a_404_what_to_set(platform):
    platform.failure = RefusedError(404, "RESOURCE_NOT_EXISTS", "无可用", request_id="8-1")
    with pytest.raises(SettingsError, match=r"no platform certificates: set public_key") as raised:
        await platform.refresh()
    assert "HTTP 404: RESOURCE_NOT_EXISTS" in str(raised.value)
    assert (raised.value.status, raised.value.request_id) == (404, "8-1")


async def test_an_empty_list_says_the_same(platform):
    platform.listed = False
    with pytest.raises(SettingsError, match="no platform certificates"):
        await platform.refresh()


async def test_any_other_refusal_is_raised_as_it_is(platform):
    platform.failure = UnauthorizedError(401, "SIGN_ERROR")
    with pytest.raises(UnauthorizedError, match="SIGN_ERROR"):
        await platform.refresh()


async def test_keys_that_are_held_stay_and_stay_preferred(keys):
    platform = Platform(keys, held=keys.platform_keys())
    assert await platform.seek(keys.platform_serial)
    assert platform.downloaded.preferred == keys.public_key_id
    assert platform.verify() == keys.platform_serial
    assert platform.fetches == 1


async def test_nothing_secret_shows_in_a_repr(platform, keys):
    await platform.refresh()
    for shown in (repr(platform.downloaded), repr(platform.downloaded._key)):
        assert keys.apiv3_key not in shown
        assert "BEGIN" not in shown
    assert repr(APIv3Key(keys.apiv3_key.encode())) == "APIv3Key()"
