"""What is signed, and what of it is believed; OpenSSL and the documentation as judges."""

from __future__ import annotations

import base64
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from multidict import CIMultiDict

from palm.crypto.keys import PlatformKeys
from palm.crypto.signing import (
    _HASH,
    _PADDING,
    RSASigner,
    RSAVerifier,
    SignedMessage,
    authorization,
    message,
    signature_matches,
)
from palm.errors import SignatureError, SignatureReason

NOW = 1722850421
ID = "PUB_KEY_ID_0000000000000024101100397200000006"


@pytest.fixture(scope="module")
def verifier(keys):
    return RSAVerifier(PlatformKeys({ID: keys.public_key_pair.public_key()}))


@pytest.fixture(scope="module")
def signed(keys):
    """Return the headers of a signed answer."""

    def sign(body: bytes, *, at: int = NOW, nonce: str = "d824f2e0", serial: str = ID):
        raw = keys.sign(keys.public_key_id, message(str(at), nonce, body))
        return CIMultiDict(
            {
                "Wechatpay-Timestamp": str(at),
                "Wechatpay-Nonce": nonce,
                "Wechatpay-Signature": base64.b64encode(raw).decode(),
                "Wechatpay-Serial": serial,
            }
        )

    return sign


def refusal(verifier, headers, body=b"{}", *, now=NOW):
    with pytest.raises(SignatureError) as caught:
        verifier.verify(headers, body, now=now)
    return caught.value


# --- requests


def test_each_part_stands_on_its_own_line_and_the_last_line_is_ended_too():
    assert message("GET", "/v3/x?a=1", "1554208460", "593B", b"") == (
        b"GET\n/v3/x?a=1\n1554208460\n593B\n\n"
    )


def test_text_is_signed_as_utf_8_and_bytes_as_they_are():
    assert message("学", b"\xff\n") == b"\xe5\xad\xa6\n\xff\n\n"


@pytest.mark.parametrize("kind", ["documented", "palm"])
def test_published_requests_have_our_message_and_their_signatures_verify(vectors, kind):
    published = vectors("request_signing")
    key = load_pem_public_key(published["public_key_pem"].encode())
    verifier = RSAVerifier(PlatformKeys({ID: key}))
    for one in published[kind]:
        parts = (one["method"], one["url"], one["timestamp"], one["nonce_str"])
        made = message(*parts, one["body"].encode())
        assert made == one["message"].encode(), one["name"]
        # An answer's message has three lines where a request's has five: the first three of these
        # are its timestamp, so the primitives are called as the verifier calls them.
        raw = base64.b64decode(one["signature"])
        verifier.keys[ID].verify(raw, made, _PADDING, _HASH)


def test_the_authorization_header_is_the_documented_one():
    assert authorization(
        "1900007291",
        "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB",
        "c2ln",
        timestamp="1554208460",
        nonce_str="593BEC0C930BF1AFEB40B4A08C8FB242",
    ) == (
        'WECHATPAY2-SHA256-RSA2048 mchid="1900007291",'
        'nonce_str="593BEC0C930BF1AFEB40B4A08C8FB242",signature="c2ln",timestamp="1554208460",'
        'serial_no="408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB"'
    )


def test_a_signer_says_for_whom_it_signs_and_shows_no_key(keys):
    signer = RSASigner(keys.merchant())
    assert (signer.mchid, signer.serial_no) == (keys.mchid, keys.merchant_serial)
    assert "Key" not in repr(signer)


def test_openssl_accepts_what_the_signer_signs(keys, pem, tmp_path):
    signed = message("GET", "/v3/学?a=%20", "1", "n", b"\x00\xff")
    (tmp_path / "key").write_bytes(pem.public(keys.merchant_key))
    (tmp_path / "signature").write_bytes(RSASigner(keys.merchant()).sign(signed))
    (tmp_path / "message").write_bytes(signed)
    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-verify", "key", "-signature", "signature", "message"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "Verified OK\n"


# --- answers


def test_the_verifier_accepts_what_openssl_signs(keys, pem, verifier, tmp_path):
    body = '{"state":"AUTHORIZATION_STATE_ON"}'
    (tmp_path / "key").touch(mode=0o600)
    (tmp_path / "key").write_bytes(pem.private(keys.public_key_pair))
    (tmp_path / "message").write_text(f"{NOW}\nnonce\n{body}\n")
    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", "key", "message"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    headers = {
        "Wechatpay-Timestamp": str(NOW),
        "Wechatpay-Nonce": "nonce",
        "Wechatpay-Signature": base64.b64encode(done.stdout).decode(),
        "Wechatpay-Serial": ID,
    }
    assert verifier.verify(headers, body.encode(), now=NOW) == ID


def test_the_documented_answer_verifies_under_its_key_and_under_no_other(vectors):
    one = vectors("response_verification")["documented"]
    headers = one["headers"] | {"Wechatpay-Serial": ID}
    right, wrong = (
        RSAVerifier(PlatformKeys.from_pem(public_keys={ID: one[name].encode()}))
        for name in ("public_key_pem", "wrong_public_key_pem")
    )
    assert right.verify(headers, one["body"].encode(), now=NOW) == ID
    error = refusal(wrong, headers, one["body"].encode())
    assert error.reason is SignatureReason.WRONG


def test_published_palm_answers_verify_under_the_certificate_that_they_name(vectors):
    one = vectors("response_verification")["palm"]
    content = one["platform_certificate_pem"].encode()
    within = x509.load_pem_x509_certificate(content).not_valid_before_utc
    verifier = RSAVerifier(PlatformKeys.from_pem(certificates=[content], now=within))
    for answer in one["responses"]:
        signed_by = verifier.verify(answer["headers"], answer["body"].encode(), now=NOW)
        assert signed_by == answer["headers"]["Wechatpay-Serial"], answer["note"]


def test_the_serial_selects_among_both_kinds_of_keys(keys, signed):
    verifier = RSAVerifier(
        PlatformKeys(
            {
                ID: keys.public_key_pair.public_key(),
                keys.platform_serial: keys.platform_key.public_key(),
            }
        )
    )
    by_certificate = signed(b"{}", serial=keys.platform_serial)
    raw = keys.platform_key.sign(message(str(NOW), "d824f2e0", b"{}"), _PADDING, _HASH)
    by_certificate["Wechatpay-Signature"] = base64.b64encode(raw).decode()
    assert verifier.verify(signed(b"{}"), b"{}", now=NOW) == ID
    assert verifier.verify(by_certificate, b"{}", now=NOW) == keys.platform_serial
    by_certificate["Wechatpay-Serial"] = ID
    assert refusal(verifier, by_certificate).reason is SignatureReason.WRONG


def test_header_names_ignore_case_where_their_mapping_does(verifier, signed):
    shouted = CIMultiDict({name.upper(): value for name, value in signed(b"{}").items()})
    assert verifier.verify(shouted, b"{}", now=NOW) == ID


@pytest.mark.parametrize("name", ["Timestamp", "Nonce", "Signature", "Serial"])
@pytest.mark.parametrize("empty", [True, False])
def test_an_answer_without_one_of_the_headers_is_refused(verifier, signed, name, empty):
    headers = signed(b"{}")
    del headers[f"Wechatpay-{name}"]
    if empty:
        headers[f"Wechatpay-{name}"] = ""
    error = refusal(verifier, headers)
    assert error.reason is SignatureReason.MISSING
    assert str(error) == f"the response has no Wechatpay-{name}"


def test_an_answer_with_no_signature_at_all_is_refused(verifier):
    error = refusal(verifier, {})
    assert (error.reason, error.serial, error.probe) == (SignatureReason.MISSING, None, False)


@pytest.mark.parametrize("skew", [-300, -299, 0, 300])
def test_an_answer_within_five_minutes_is_believed(verifier, signed, skew):
    assert verifier.verify(signed(b"{}", at=NOW + skew), b"{}", now=NOW) == ID


@pytest.mark.parametrize(
    ("skew", "said"),
    [
        (-301, "is 301 s before this machine's clock; at most 300 s are allowed"),
        (301, "is 301 s after"),
    ],
)
def test_an_answer_beyond_five_minutes_is_refused_and_says_by_how_much(
    verifier, signed, skew, said
):
    error = refusal(verifier, signed(b"{}", at=NOW + skew))
    assert (error.reason, error.skew_s) == (SignatureReason.STALE, skew)
    assert said in str(error)


@pytest.mark.parametrize(
    "timestamp", ["soon", "-1", "+1722850421", "1722850421.0", " 1722850421", "１７", "²", "9" * 13]
)
def test_a_timestamp_that_is_no_number_is_refused(verifier, signed, timestamp):
    headers = signed(b"{}")
    headers["Wechatpay-Timestamp"] = timestamp
    assert refusal(verifier, headers).reason is SignatureReason.MALFORMED


def test_milliseconds_are_no_seconds(verifier, signed):
    """A clock that counts milliseconds is refused, however right it is."""
    error = refusal(verifier, signed(b"{}", at=NOW * 1000))
    assert error.reason is SignatureReason.MALFORMED


@pytest.mark.parametrize("serial", ["PUB_KEY_ID_1", "7" * 40])
def test_a_key_that_is_not_held_is_refused_by_its_name(verifier, signed, serial):
    error = refusal(verifier, signed(b"{}", serial=serial))
    assert (error.reason, error.serial) == (SignatureReason.UNKNOWN_SERIAL, serial)
    assert repr(serial) in str(error)


@pytest.mark.parametrize(
    "serial",
    [ID.lower(), ID + " ", "PUB_KEY_ID_oUpF8uMu", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "7" * 41],
)
def test_a_key_id_that_has_not_the_form_of_one_is_not_shown(verifier, signed, serial):
    error = refusal(verifier, signed(b"{}", serial=serial))
    assert (error.reason, error.serial) == (SignatureReason.UNKNOWN_SERIAL, None)
    assert (
        str(error) == "the response is signed with a key whose id does not look like WeChat Pay's"
    )


@pytest.mark.parametrize("change", ["=", "A", " ", "\n", "-", "é", "", None])
def test_a_signature_that_is_not_as_base64_is_written_is_refused(verifier, signed, change):
    headers = signed(b"{}")
    right = headers["Wechatpay-Signature"]
    headers["Wechatpay-Signature"] = right[:-1] if change is None else f"{right[:9]}{change}"
    if change == "":
        headers["Wechatpay-Signature"] = right[:100] + "\n" + right[100:]
    assert refusal(verifier, headers).reason is SignatureReason.MALFORMED


def test_a_signature_has_one_spelling_only(verifier, signed):
    """The last character of base64 holds four bits that decoders ignore; we do not."""
    headers = signed(b"{}")
    right = headers["Wechatpay-Signature"]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    believed = []
    for character in alphabet:
        headers["Wechatpay-Signature"] = f"{right[:-3]}{character}=="
        try:
            verifier.verify(headers, b"{}", now=NOW)
        except SignatureError:
            continue
        believed.append(character)
    assert believed == [right[-3]]


def test_a_signature_of_another_length_is_wrong(verifier, signed):
    headers = signed(b"{}")
    headers["Wechatpay-Signature"] = base64.b64encode(b"short").decode()
    assert refusal(verifier, headers).reason is SignatureReason.WRONG


def test_the_same_json_with_blanks_is_other_bytes(verifier, signed):
    error = refusal(verifier, signed(b'{"a":1}'), b'{"a": 1}')
    assert error.reason is SignatureReason.WRONG


@pytest.mark.parametrize("reason", ["MALFORMED", "WRONG", "MISSING", "STALE", "UNKNOWN_SERIAL"])
def test_a_signature_probe_is_refused_and_marked_whatever_else_is_wrong(verifier, signed, reason):
    headers = signed(b"{}")
    right = headers["Wechatpay-Signature"]
    headers["Wechatpay-Signature"] = "WECHATPAY/SIGNTEST/" + right[19:]
    if reason == "MALFORMED":
        headers["Wechatpay-Signature"] += "x"
    elif reason == "MISSING":
        del headers["Wechatpay-Nonce"]
    elif reason == "STALE":
        headers["Wechatpay-Timestamp"] = "1"
    elif reason == "UNKNOWN_SERIAL":
        headers["Wechatpay-Serial"] = "7" * 40
    error = refusal(verifier, headers)
    assert (error.reason, error.probe) == (SignatureReason[reason], True)


def test_no_other_wrong_signature_is_taken_for_a_probe(verifier, signed):
    headers = signed(b"{}")
    headers["Wechatpay-Signature"] = "SIGNTEST" + headers["Wechatpay-Signature"][8:]
    assert refusal(verifier, headers).probe is False


def test_no_refusal_shows_signature_nonce_or_body(verifier, signed):
    headers = signed(b'{"openid":"oSecret"}', nonce="n0nce")
    error = refusal(verifier, headers, b'{"openid":"oSecreT"}')
    shown = f"{error} {error!r} {vars(error)}"
    assert not any(t in shown for t in ("oSecre", "n0nce", headers["Wechatpay-Signature"][:8]))
    assert error.__context__ is None or error.__suppress_context__


def test_a_nonce_that_is_no_unicode_is_verified_as_it_came(keys, verifier, signed):
    raw = keys.sign(keys.public_key_id, str(NOW).encode() + b"\n\xff\xfe\n{}\n")
    headers = signed(b"{}")
    headers["Wechatpay-Nonce"] = b"\xff\xfe".decode("utf-8", "surrogateescape")
    headers["Wechatpay-Signature"] = base64.b64encode(raw).decode()
    assert verifier.verify(headers, b"{}", now=NOW) == ID


def test_a_verifier_names_the_preferred_key(keys):
    assert RSAVerifier(keys.platform_keys("grey")).preferred == keys.public_key_id


@pytest.fixture
def lock_is_never_taken_away():
    """The interpreter's lock goes to another thread only where code releases it."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1_000)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("lock_is_never_taken_away")
def test_cryptography_releases_the_interpreters_lock_while_it_signs(keys):
    """So signatures in threads can use other cores."""
    enough, signer = 2_000, RSASigner(keys.merchant())

    def calls_before_another_thread_runs(work: Callable[[], object]) -> int:
        begun, other_runs, calls = threading.Event(), threading.Event(), []

        def run() -> None:
            begun.set()
            while not other_runs.is_set() and len(calls) < enough:
                calls.append(work())

        thread = threading.Thread(target=run)
        thread.start()
        begun.wait()
        other_runs.set()
        thread.join()
        return len(calls)

    assert calls_before_another_thread_runs(lambda: sum(range(100))) == enough
    assert calls_before_another_thread_runs(lambda: signer.sign(b"message")) < enough


@pytest.mark.parametrize(
    "nonce", ["0" * 32, "n0nce", "随机", b"\xff\xfe".decode("utf-8", "surrogateescape")]
)
@pytest.mark.parametrize("body", [b"{}", b"", '{"openid":"\\u5f20 张"}\r\n'.encode()])
def test_what_was_signed_can_be_verified_again_without_the_headers(keys, nonce, body):
    raw_nonce = nonce.encode("utf-8", "surrogateescape")
    signature = keys.sign(keys.public_key_id, message(str(NOW), raw_nonce, body))
    headers = {
        "wechatpay-timestamp": str(NOW),
        "Wechatpay-Nonce": nonce,
        "WECHATPAY-SIGNATURE": base64.b64encode(signature).decode(),
        "Wechatpay-Serial": keys.public_key_id,
        "Request-ID": "7",
    }
    signed = SignedMessage.of(headers, body)
    assert signed == SignedMessage(str(NOW), raw_nonce, body, signature, keys.public_key_id)
    key = keys.platform_keys()[signed.key_id]
    assert signature_matches(key, signed.signature, signed.message)
    assert not signature_matches(key, signed.signature, signed.message + b"x")
    assert "张" not in repr(signed)


def test_what_was_not_signed_as_wechat_pay_does_is_no_signed_message():
    with pytest.raises(SignatureError, match="not base64"):
        SignedMessage.of(
            {
                "Wechatpay-Timestamp": "1",
                "Wechatpay-Nonce": "n",
                "Wechatpay-Signature": "%",
                "Wechatpay-Serial": "7" * 40,
            },
            b"",
        )
