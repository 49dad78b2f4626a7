"""What a verified notification says: as documented, decrypted, or refused."""

from __future__ import annotations

import base64
import copy
import dataclasses
import json
import pickle
import secrets
from datetime import UTC, datetime

import pytest

from palm import APIv3Key, BodyError, DecryptionError
from palm.notifications.notification import read_notification
from tests.notifications_by_hand import RESOURCE, encrypt, envelope


@pytest.fixture
def sealed(apiv3_key):
    return encrypt(apiv3_key.secret, json.dumps(RESOURCE).encode())


def read(body, key):
    return read_notification(body, key, verified_by="PUB_KEY_ID_1")


def test_the_documented_notification_is_read_member_by_member(apiv3_key, sealed):
    found = read(envelope(sealed), apiv3_key)
    assert dataclasses.asdict(found) == {
        "id": "EV-2018022511223320873",
        "create_time": datetime(2015, 5, 20, 5, 29, 35, tzinfo=UTC),
        "event_type": "SECURITY_ECHO.SUCCESS",
        "resource_type": "encrypt-resource",
        "summary": "回调通知成功",
        "resource": RESOURCE,
        "original_type": "security",
        "verified_by": "PUB_KEY_ID_1",
    }


def test_it_cannot_be_changed_and_can_be_copied_pickled_and_kept_in_a_set(apiv3_key, sealed):
    found = read(envelope(sealed), apiv3_key)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.id = "other"
    assert pickle.loads(pickle.dumps(found)) == copy.deepcopy(found) == found  # noqa: S301
    assert {found, read(envelope(sealed), apiv3_key)} == {found}


def test_its_repr_shows_nothing_of_the_resource(apiv3_key, sealed):
    shown = repr(read(envelope(sealed), apiv3_key))
    assert "EV-2018022511223320873" in shown
    assert "oSecretPerson01" not in shown
    assert "1217752501201407033233368018" not in shown


@pytest.mark.parametrize("time", [..., None, "", "20180225112233", "2015-05-20T13:29:35", 1, []])
def test_a_time_that_is_missing_or_in_another_form_refuses_nothing(apiv3_key, sealed, time):
    assert read(envelope(sealed, create_time=time), apiv3_key).create_time is None


@pytest.mark.parametrize("name", ["summary", "resource_type"])
def test_what_nobody_needs_may_be_missing(apiv3_key, sealed, name):
    assert getattr(read(envelope(sealed, **{name: ...}), apiv3_key), name) == ""


@pytest.mark.parametrize("given", [..., None, ""])
def test_associated_data_may_be_missing_or_empty(apiv3_key, given):
    resource = encrypt(apiv3_key.secret, b"{}", associated="") | {"associated_data": given}
    resource = {name: value for name, value in resource.items() if value is not ...}
    assert read(envelope(resource), apiv3_key).resource == {}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"id": ...}, "the notification has no id"),
        ({"id": ""}, "the notification has no id"),
        ({"id": 7}, "the notification's id is not text"),
        ({"event_type": ...}, "the notification has no event_type"),
        ({"event_type": ["TRANSACTION.SUCCESS"]}, "the notification's event_type is not text"),
        ({"summary": {}}, "the notification's summary is not text"),
        ({"resource": ...}, "the notification has no resource"),
        ({"resource": None}, "the notification has no resource"),
        ({"resource": "text"}, "the notification has no resource"),
        ({"resource": []}, "the notification has no resource"),
    ],
)
def test_a_notification_of_another_shape_is_refused(apiv3_key, sealed, changes, text):
    with pytest.raises(BodyError, match=f"^{text}$"):
        read(envelope(sealed, **changes), apiv3_key)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"algorithm": "AEAD_SM4_GCM"}, "is not encrypted with AEAD_AES_256_GCM"),
        ({"algorithm": None}, "is not encrypted with AEAD_AES_256_GCM"),
        ({"nonce": None}, "has no nonce"),
        ({"nonce": "n"}, "does not decrypt: it is not base64, or its nonce"),
        ({"ciphertext": ""}, "has no ciphertext"),
        ({"ciphertext": {"out_trade_no": "1"}}, "ciphertext is not text"),
        ({"ciphertext": "no base64!"}, "does not decrypt: it is not base64"),
        ({"associated_data": 1}, "associated_data is not text"),
    ],
)
def test_a_resource_that_is_not_encrypted_as_documented_is_refused(
    apiv3_key, sealed, changes, text
):
    with pytest.raises(BodyError, match=text) as caught:
        read(envelope(sealed | changes), apiv3_key)
    assert not isinstance(caught.value, DecryptionError)


def test_a_resource_that_is_not_encrypted_at_all_is_refused(apiv3_key):
    with pytest.raises(BodyError, match="not encrypted"):
        read(envelope(RESOURCE), apiv3_key)


def test_each_altered_byte_of_the_ciphertext_and_each_cut_is_refused(apiv3_key, sealed):
    raw = base64.b64decode(sealed["ciphertext"])
    altered = [raw[:i] + bytes([raw[i] ^ 1]) + raw[i + 1 :] for i in range(len(raw))]
    cut = [raw[:length] for length in range(1, len(raw))]
    for each in altered + cut:
        resource = sealed | {"ciphertext": base64.b64encode(each).decode()}
        with pytest.raises(DecryptionError, match="resource does not decrypt: is it this merchant"):
            read(envelope(resource), apiv3_key)


@pytest.mark.parametrize("changes", [{"nonce": "fdasflkja485"}, {"associated_data": "payscore"}])
def test_another_nonce_or_other_associated_data_is_refused(apiv3_key, sealed, changes):
    with pytest.raises(DecryptionError):
        read(envelope(sealed | changes), apiv3_key)


def test_another_merchants_key_is_refused_and_no_key_is_shown(
    apiv3_key, sealed, everything_said_by
):
    other = APIv3Key(secrets.token_hex(16).encode())
    with pytest.raises(DecryptionError) as caught:
        read(envelope(sealed), other)
    said = everything_said_by(caught.value)
    assert other.secret.decode() not in said
    assert apiv3_key.secret.decode() not in said
    assert sealed["ciphertext"] not in said


def test_a_published_ciphertext_decrypts_and_its_text_is_not_shown(vectors, everything_said_by):
    case = vectors("aes_gcm")["cases"][0]
    resource = {"algorithm": "AEAD_AES_256_GCM"} | {
        name: case[name] for name in ("nonce", "associated_data", "ciphertext")
    }
    with pytest.raises(BodyError, match="^the notification's resource is not JSON$") as caught:
        read(envelope(resource), APIv3Key(case["key"].encode()))
    assert case["plaintext"] not in everything_said_by(caught.value)


@pytest.mark.parametrize(
    ("plaintext", "text"),
    [
        (b"[]", "resource is not a JSON object"),
        (b'"text"', "resource is not a JSON object"),
        (b"null", "resource is not a JSON object"),
        (b"", "resource is not JSON"),
        (b"\xff", "resource is not JSON"),
        (b'{"a": NaN}', "resource is not JSON"),
        (b'{"out_trade_no": "1", "out_trade_no": "2"}', "resource has a member twice"),
    ],
)
def test_a_resource_that_is_not_one_json_object_is_refused(apiv3_key, plaintext, text):
    with pytest.raises(BodyError, match=text):
        read(envelope(encrypt(apiv3_key.secret, plaintext)), apiv3_key)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"1", b"\xff\xfe", b"id=1&resource=2"])
def test_a_body_that_is_not_one_json_object_is_refused(apiv3_key, body):
    with pytest.raises(BodyError, match="^the notification is not (JSON|a JSON object)$"):
        read(body, apiv3_key)
