"""Who may tell us something: only WeChat Pay, now, in these very bytes, encrypted for us."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections import UserDict
from http.client import HTTPMessage

import pytest
from multidict import CIMultiDict

from palm import (
    APIv3Key,
    ArgumentError,
    AsyncPalm,
    BodyError,
    CertificateStore,
    Clock,
    ClosedError,
    ConnectError,
    DecryptionError,
    EventLoopError,
    Palm,
    PalmError,
    SettingsError,
    SignatureError,
    SignatureReason,
)
from palm.sandbox import KeyMode, SandboxGateway
from tests.notifications_by_hand import NOW, RESOURCE, encrypt, envelope

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def client(keys, apiv3_key):
    """Return a client whose clock stands still, and that has nowhere to download keys from."""

    def make(held=None, **options):
        given = {
            "merchant": keys.merchant(),
            "keys": CertificateStore(apiv3_key, held or keys.platform_keys()),
            "base_url": NOWHERE,
            "clock": Clock(wall=lambda: NOW),
        }
        return AsyncPalm(**given | options)

    return make


@pytest.fixture
def body(apiv3_key):
    return envelope(encrypt(apiv3_key.secret, json.dumps(RESOURCE).encode()))


async def refusal(client, headers, body):
    async with client() as palm:
        with pytest.raises(PalmError) as caught:
            await palm.notifications.parse(headers, body)
    return caught.value


async def test_what_was_signed_and_encrypted_by_hand_is_accepted(client, sign, body, keys):
    async with client() as palm:
        found = await palm.notifications.parse(sign(body), body)
    assert found.resource == RESOURCE
    assert found.event_type == "SECURITY_ECHO.SUCCESS"
    assert found.verified_by == keys.public_key_id


@pytest.fixture
def signed_by_openssl(body, pem, keys, tmp_path):
    """Return a signature in base64, of the nonce ``nonce`` and the body."""
    (tmp_path / "key").touch(mode=0o600)
    (tmp_path / "key").write_bytes(pem.private(keys.public_key_pair))
    (tmp_path / "message").write_bytes(f"{NOW}\nnonce\n".encode() + body + b"\n")
    signing = "openssl dgst -sha256 -sign key message | openssl base64 -A"
    done = subprocess.run(
        ["sh", "-c", signing], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    return done.stdout


async def test_what_openssl_signed_is_accepted(client, sign, body, signed_by_openssl):
    signature = {"Wechatpay-Nonce": "nonce", "Wechatpay-Signature": signed_by_openssl}
    headers = sign(body) | signature
    async with client() as palm:
        assert (await palm.notifications.parse(headers, body)).resource == RESOURCE


def test_palm_parses_without_await(keys, apiv3_key, sign, body):
    with Palm(
        merchant=keys.merchant(),
        keys=CertificateStore(apiv3_key, keys.platform_keys()),
        base_url=NOWHERE,
        clock=Clock(wall=lambda: NOW),
    ) as palm:
        assert palm.notifications.parse(sign(body), body).resource == RESOURCE
        with pytest.raises(SignatureError, match="^the notification's signature does not match"):
            palm.notifications.parse(sign(body), body + b" ")


async def test_one_that_comes_again_is_accepted_again(client, sign, body):
    headers = sign(body)
    async with client() as palm:
        first, second = [await palm.notifications.parse(headers, body) for _ in range(2)]
    assert first == second


def as_meta(headers):
    meta = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return {"REQUEST_METHOD": "POST", "wsgi.input": object()} | meta


def as_http_message(headers):
    message = HTTPMessage()
    for name, value in headers.items():
        message[name] = value
    return message


@pytest.mark.parametrize(
    "made",
    [
        CIMultiDict,
        UserDict,
        as_meta,
        as_http_message,
        lambda headers: {name.lower(): value for name, value in headers.items()},
        lambda headers: {name.upper(): value for name, value in headers.items()},
    ],
)
async def test_every_web_frameworks_headers_are_read(client, sign, body, made):
    async with client() as palm:
        assert (await palm.notifications.parse(made(sign(body)), body)).resource == RESOURCE


async def test_a_verifier_of_the_callers_own_gets_documented_names(client, sign, body, apiv3_key):
    class Own:
        preferred = ""

        def verify(self, headers, body, *, now):
            assert body
            return f"{headers['Wechatpay-Serial']} at {now}"

    async with client(keys=Own()) as palm:
        found = await palm.notifications.parse(as_meta(sign(body)), body, apiv3_key=apiv3_key)
    assert found.verified_by == f"{sign(body)['Wechatpay-Serial']} at {NOW}"


# --- arguments and settings


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [(str, "str"), (bytearray, "bytearray"), (memoryview, "memoryview"), (json.loads, "dict")],
)
async def test_a_body_other_than_bytes_is_refused(client, sign, body, wrong, kind):
    given = wrong(body.decode()) if wrong is str else wrong(body)
    error = await refusal(client, sign(body), given)
    assert isinstance(error, ArgumentError)
    assert str(error).endswith(f"as received, not {kind}")


@pytest.mark.parametrize("headers", [None, [("Wechatpay-Nonce", "n")], "Wechatpay-Nonce: n"])
async def test_headers_that_are_no_mapping_are_refused(client, body, headers):
    error = await refusal(client, headers, body)
    assert isinstance(error, ArgumentError)
    assert str(error).startswith("headers must be a mapping of names to texts, not ")


async def test_without_an_apiv3_key_the_error_says_where_it_belongs(client, keys, sign, body):
    error = await refusal(lambda: client(keys=keys.platform_keys()), sign(body), body)
    assert isinstance(error, SettingsError)
    assert "PALM_APIV3_KEY_FILE" in str(error)


async def test_another_apiv3_key_can_be_passed_for_one_notification(client, sign):
    new = APIv3Key(b"n" * 32)
    body = envelope(encrypt(new.secret, b'{"a": 1}'))
    async with client() as palm:
        with pytest.raises(DecryptionError):
            await palm.notifications.parse(sign(body), body)
        assert (await palm.notifications.parse(sign(body), body, apiv3_key=new)).resource == {
            "a": 1
        }


@pytest.mark.parametrize("key", ["k" * 32, b"k" * 32, 7])
async def test_an_apiv3_key_that_is_none_is_refused(client, sign, body, key, everything_said_by):
    async with client() as palm:
        with pytest.raises(ArgumentError, match="^apiv3_key must be an APIv3Key, not ") as caught:
            await palm.notifications.parse(sign(body), body, apiv3_key=key)
    assert "kkk" not in str(caught.value)


async def test_a_closed_client_parses_nothing(client, sign, body):
    palm = client()
    await palm.close()
    with pytest.raises(ClosedError):
        await palm.notifications.parse(sign(body), body)


def test_an_asynchronous_client_parses_in_one_event_loop_only(client, sign, body):
    palm = client()
    assert asyncio.run(palm.notifications.parse(sign(body), body)).resource == RESOURCE
    with pytest.raises(EventLoopError):
        asyncio.run(palm.notifications.parse(sign(body), body))


# --- forged, old, of another body


async def test_a_probe_is_refused_and_marked(client, sign, body):
    headers = sign(body)
    headers["Wechatpay-Signature"] = "WECHATPAY/SIGNTEST/" + headers["Wechatpay-Signature"]
    error = await refusal(client, headers, body)
    assert isinstance(error, SignatureError)
    assert error.probe
    assert str(error).startswith("the notification's signature ")


@pytest.mark.parametrize("seconds", [-301, 301, -86_400])
async def test_a_timestamp_more_than_five_minutes_away_is_refused(client, sign, body, seconds):
    error = await refusal(client, sign(body, at=NOW + seconds), body)
    assert error.reason is SignatureReason.STALE
    assert error.skew_s == seconds
    assert str(error).startswith("the notification's timestamp is ")


@pytest.mark.parametrize("seconds", [-300, 300])
async def test_a_timestamp_five_minutes_away_is_accepted(client, sign, body, seconds):
    async with client() as palm:
        found = await palm.notifications.parse(sign(body, at=NOW + seconds), body)
    assert found.resource == RESOURCE


@pytest.mark.parametrize("timestamp", [f"{NOW}.0", f"+{NOW}", f"{NOW}, {NOW}", "\u0661", "1e9"])
async def test_a_timestamp_that_is_not_a_number_is_refused(client, sign, body, timestamp):
    error = await refusal(client, sign(body, at=timestamp), body)
    assert error.reason is SignatureReason.MALFORMED


async def test_another_signer_is_refused(client, sign, body, keys):
    error = await refusal(client, sign(body, key=keys.merchant_key), body)
    assert error.reason is SignatureReason.WRONG


async def test_a_signature_of_another_body_is_refused(client, sign, body, apiv3_key):
    other = envelope(encrypt(apiv3_key.secret, b"{}"))
    error = await refusal(client, sign(other), body)
    assert error.reason is SignatureReason.WRONG


async def test_a_body_that_was_parsed_and_written_again_is_refused(client, sign, body):
    error = await refusal(client, sign(body), json.dumps(json.loads(body)).encode())
    assert error.reason is SignatureReason.WRONG


async def test_each_header_belongs_to_its_signature(client, sign, body):
    one, other = sign(body), sign(body)
    for name in ("Wechatpay-Nonce", "Wechatpay-Signature"):
        error = await refusal(client, one | {name: other[name]}, body)
        assert error.reason is SignatureReason.WRONG
    error = await refusal(client, one | {"Wechatpay-Timestamp": str(NOW + 1)}, body)
    assert error.reason is SignatureReason.WRONG


async def test_a_nonce_cannot_take_over_a_part_of_the_body(client, sign, body, apiv3_key):
    """The signed text has no lengths: only line ends divide its parts."""
    headers = sign(body)
    signed = f"{headers['Wechatpay-Nonce']}\n".encode() + body
    for cut in range(1, len(signed), 7):
        nonce, rest = signed[:cut].decode(errors="surrogateescape"), signed[cut:]
        error = await refusal(client, headers | {"Wechatpay-Nonce": nonce}, rest)
        assert isinstance(error, SignatureError)


async def test_every_cut_and_every_altered_byte_of_a_body_is_refused(client, sign, body):
    headers = sign(body)
    wrong = [body[:length] for length in range(0, len(body), 9)]
    wrong += [body[:i] + bytes([body[i] ^ 1]) + body[i + 1 :] for i in range(0, len(body), 9)]
    wrong += [body + b"\n", body + b" ", b"\xef\xbb\xbf" + body]
    async with client() as palm:
        for each in wrong:
            with pytest.raises(SignatureError, match="does not match its body"):
                await palm.notifications.parse(headers, each)


@pytest.mark.parametrize("name", ["Timestamp", "Nonce", "Signature", "Serial"])
async def test_a_header_that_comes_twice_or_not_at_all_is_refused(client, sign, body, name):
    headers = CIMultiDict(sign(body))
    headers.add(f"wechatpay-{name}", "other")
    error = await refusal(client, headers, body)
    assert error.reason is SignatureReason.MALFORMED
    del headers[f"wechatpay-{name}"]
    error = await refusal(client, headers, body)
    assert error.reason is SignatureReason.MISSING
    assert str(error) == f"the notification has no Wechatpay-{name}"


async def test_an_encrypted_object_in_an_answer_is_no_notification(client, sign, apiv3_key):
    """The gateway signs its answers in the same way; only their members differ."""
    sealed = encrypt(apiv3_key.secret, b"{}")
    listed = json.dumps({"data": [{"encrypt_certificate": sealed}]}).encode()
    error = await refusal(client, sign(listed), listed)
    assert str(error) == "the notification has no resource"


async def test_one_for_another_merchant_is_refused(client, sign):
    """The platform signs for all merchants with one key: only the encryption is ours alone."""
    body = envelope(encrypt(b"another merchant's key: 32 bytes", b"{}"))
    error = await refusal(client, sign(body), body)
    assert isinstance(error, DecryptionError)


async def test_nothing_private_is_in_an_error(client, sign, body, keys, everything_said_by):
    headers = sign(body)
    wrong = [
        (headers | {"Wechatpay-Nonce": "n"}, body),
        (headers | {"Wechatpay-Serial": "oSecretPerson01"}, body),
        (sign(body, at=1), body),
    ]
    for each in wrong:
        said = everything_said_by(await refusal(client, *each))
        assert headers["Wechatpay-Signature"] not in said
        assert keys.apiv3_key not in said
        assert "oSecretPerson01" not in said


# --- keys that have to be downloaded


@pytest.fixture
async def gateway(keys):
    async with SandboxGateway(keys, mode=KeyMode.CERTIFICATE) as gateway:
        yield gateway


@pytest.fixture
def by_certificate(sign, keys):
    """Return headers as the platform signs them now, with its certificate."""

    def made(body, *, age_s=0, serial=keys.platform_serial):
        at = int(time.time()) - age_s
        return sign(body, at=at, key=keys.platform_key, serial=serial)

    return made


@pytest.fixture
def downloading(keys, apiv3_key, gateway):
    """Return a client that downloads certificates, and the number of downloads so far."""

    def make(held=None):
        store = CertificateStore(apiv3_key, held)
        return AsyncPalm(merchant=keys.merchant(), keys=store, base_url=gateway.base_url)

    return make, lambda: gateway.stats.routes["GET /v3/certificates"]


async def test_the_first_notification_downloads_the_certificates(downloading, by_certificate, body):
    make, downloads = downloading
    async with make() as palm:
        for _ in range(2):
            found = await palm.notifications.parse(by_certificate(body), body)
            assert found.resource == RESOURCE
    assert downloads() == 1


async def test_one_that_is_refused_by_its_headers_downloads_nothing(
    downloading, by_certificate, body
):
    make, downloads = downloading
    unsigned = {"Content-Type": "application/json"}
    async with make() as palm:
        for headers in (by_certificate(body, age_s=400), by_certificate(body, serial=""), unsigned):
            with pytest.raises(SignatureError):
                await palm.notifications.parse(headers, body)
    assert downloads() == 0


async def test_an_unknown_serial_is_looked_for_once_and_refused(
    downloading, by_certificate, body, keys
):
    make, downloads = downloading
    async with make(keys.platform_keys()) as palm:
        for _ in range(3):
            with pytest.raises(SignatureError) as caught:
                await palm.notifications.parse(by_certificate(body, serial="7" * 40), body)
            assert caught.value.reason is SignatureReason.UNKNOWN_SERIAL
        assert str(caught.value).startswith(f"the notification is signed with key '{'7' * 40}'")
        assert (await palm.notifications.parse(by_certificate(body), body)).resource == RESOURCE
    assert downloads() == 1


async def test_keys_that_cannot_be_downloaded_are_an_error_of_their_own(
    keys, apiv3_key, by_certificate, body
):
    store = CertificateStore(apiv3_key)
    async with AsyncPalm(merchant=keys.merchant(), keys=store, base_url=NOWHERE) as palm:
        with pytest.raises(ConnectError):
            await palm.notifications.parse(by_certificate(body), body)


async def test_a_download_that_failed_is_not_repeated_for_everybody_who_posts(
    keys, apiv3_key, by_certificate, body, serve
):
    async def refuse(line):
        await line.answer(404)

    seconds = [1000.0]
    clock = Clock(monotonic=lambda: seconds[0])
    store = CertificateStore(apiv3_key, clock=clock)
    async with (
        serve(refuse) as server,
        AsyncPalm(
            merchant=keys.merchant(), keys=store, base_url=server.base_url, clock=clock
        ) as palm,
    ):
        for after_s, downloads in ((0.0, 1), (1.0, 1), (8.0, 1), (2.0, 2)):
            seconds[0] += after_s
            with pytest.raises(SettingsError, match="the merchant has no platform certificates"):
                await palm.notifications.parse(by_certificate(body), body)
            assert len(server.heads) == downloads


async def test_after_a_download_with_the_wrong_key_nothing_is_accepted(
    keys, gateway, by_certificate, body
):
    store = CertificateStore(APIv3Key(b"another merchant's key: 32 bytes"))
    url = gateway.base_url
    async with AsyncPalm(merchant=keys.merchant(), keys=store, base_url=url) as palm:
        with pytest.raises(BodyError, match="does not decrypt: is it this merchant's APIv3 key"):
            await palm.notifications.parse(by_certificate(body), body)
