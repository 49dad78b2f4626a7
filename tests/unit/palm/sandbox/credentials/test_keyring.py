"""The keys and the folder they are written into."""

from __future__ import annotations

import json
import os
import re
import tomllib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from palm.crypto.keys import Merchant, PlatformKeys
from palm.errors import SettingsError
from palm.sandbox import SANDBOX_MCHID, SandboxKeys
from palm.sandbox.credentials.folder import MADE_BY

URL = "http://127.0.0.1:8000"
FILES = {
    *("merchant_key.pem", "merchant_cert.pem", "platform_cert.pem", "wechatpay_pub.pem"),
    *("apiv3_key.txt", "settings.json", "palm.toml"),
}


def test_ids_have_the_shape_of_real_ones(keys):
    for serial in (keys.merchant_serial, keys.platform_serial):
        assert re.fullmatch("[1-9A-F][0-9A-F]{39}", serial)
    assert re.fullmatch("PUB_KEY_ID_[0-9]{32}", keys.public_key_id)
    assert re.fullmatch("[A-Za-z0-9]{32}", keys.apiv3_key)
    assert re.fullmatch("[0-9]{10}", SANDBOX_MCHID)


def test_the_merchant_number_is_no_real_one(keys):
    assert keys.merchant().mchid == SANDBOX_MCHID
    assert SANDBOX_MCHID.startswith("0")


def test_nothing_secret_shows_in_the_repr(keys):
    assert keys.apiv3_key not in repr(keys)
    assert "PRIVATE" not in repr(keys).upper()


def test_the_two_kinds_of_platform_key_differ_and_a_mode_chooses(keys):
    assert list(keys.platform_keys()) == [keys.public_key_id]
    assert list(keys.platform_keys("certificate")) == [keys.platform_serial]
    both = keys.platform_keys("grey")
    assert set(both) == {keys.public_key_id, keys.platform_serial}
    assert both[keys.public_key_id] != both[keys.platform_serial]
    both.check_against(keys.merchant())


def test_certificates_name_the_sandbox_and_are_valid_now_for_five_years(keys):
    for certificate in (keys.merchant_certificate, keys.platform_certificate):
        assert "Palm Sandbox" in certificate.issuer.rfc4514_string()
        now = datetime.now(UTC)
        assert certificate.not_valid_before_utc < now - timedelta(hours=23)
        assert certificate.not_valid_after_utc > now + timedelta(days=1800)


def test_signs_with_the_key_that_is_named(keys):
    for key_id, public in keys.platform_keys("grey").items():
        public.verify(keys.sign(key_id, b"x"), b"x", PKCS1v15(), SHA256())


def test_has_no_signature_of_a_key_that_it_does_not_have(keys):
    with pytest.raises(KeyError):
        keys.sign(keys.merchant_serial, b"x")


def test_a_rotation_adds_a_platform_certificate_and_changes_nothing_else(keys):
    rotated = keys.rotate()
    assert rotated.platform[0] == keys.platform[-1]
    assert rotated.platform_serial not in keys.key_ids
    assert rotated.key_ids == (keys.platform_serial, rotated.platform_serial, keys.public_key_id)
    assert rotated.merchant() == keys.merchant()
    assert rotated.apiv3_key == keys.apiv3_key
    assert dict(rotated.platform_keys()) == dict(keys.platform_keys())
    assert rotated.platform_keys("certificate").preferred == rotated.platform_serial
    for key_id, public in rotated.platform_keys("grey").items():
        public.verify(rotated.sign(key_id, b"x"), b"x", PKCS1v15(), SHA256())


def test_never_makes_the_same_keys_twice(keys):
    other = SandboxKeys.generate()
    assert other.merchant_serial != keys.merchant_serial
    assert other.merchant_key.private_numbers() != keys.merchant_key.private_numbers()


def test_writes_all_that_a_client_needs_and_it_belongs_together(keys, tmp_path):
    folder = tmp_path / "new" / "keys"
    keys.write(folder, URL)
    assert {path.name for path in folder.iterdir()} == FILES
    settings = json.loads((folder / "settings.json").read_text())
    assert settings == {
        "made_by": MADE_BY,
        "mchid": SANDBOX_MCHID,
        "merchant_serial": keys.merchant_serial,
        "platform_serial": keys.platform_serial,
        "public_key_id": keys.public_key_id,
        "apiv3_key": keys.apiv3_key,
        "base_url": URL,
    }
    merchant = Merchant.from_pem(
        settings["mchid"],
        (folder / "merchant_key.pem").read_bytes(),
        serial_no=settings["merchant_serial"],
        certificate=(folder / "merchant_cert.pem").read_bytes(),
    )
    assert merchant.serial_no == keys.merchant_serial
    platform = PlatformKeys.from_pem(
        public_keys={keys.public_key_id: (folder / "wechatpay_pub.pem").read_bytes()},
        certificates=[(folder / "platform_cert.pem").read_bytes()],
    )
    assert dict(platform) == dict(keys.platform_keys("grey"))
    assert (folder / "apiv3_key.txt").read_text() == keys.apiv3_key


@pytest.mark.parametrize("mode", ["public_key", "certificate", "grey"])
def test_the_toml_names_the_files_beside_it(keys, tmp_path, mode):
    keys.write(tmp_path, URL, mode=mode)
    expected = {
        "mchid": SANDBOX_MCHID,
        "merchant_serial": keys.merchant_serial,
        "private_key": "merchant_key.pem",
        "merchant_certificate": "merchant_cert.pem",
        "base_url": URL,
    }
    if mode != "certificate":
        expected |= {"public_key_id": keys.public_key_id, "public_key": "wechatpay_pub.pem"}
    if mode != "public_key":
        expected |= {"apiv3_key_file": "apiv3_key.txt"}
    assert tomllib.loads((tmp_path / "palm.toml").read_text()) == expected


def test_only_the_owner_can_read(keys, tmp_path):
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o755)
    keys.write(folder, URL)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_its_own_folder_is_written_anew_and_other_files_in_it_stay(keys, tmp_path):
    keys.write(tmp_path, URL)
    (tmp_path / "palm.toml").chmod(0o644)
    (tmp_path / "notes.txt").write_text("mine")
    SandboxKeys.generate().write(tmp_path, "http://127.0.0.1:9000")
    assert json.loads((tmp_path / "settings.json").read_text())["base_url"].endswith(":9000")
    assert (tmp_path / "palm.toml").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("merchant_key.pem", "mine"),
        ("settings.json", '{"made_by": "somebody"}'),
        ("settings.json", "[]"),
        ("settings.json", "no json"),
        (".hidden", ""),
    ],
)
def test_a_folder_with_files_of_somebody_else_is_left_alone(keys, tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(SettingsError, match="did not write"):
        keys.write(tmp_path, URL)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {name: content}


def test_a_file_is_no_folder(keys, tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(SettingsError, match="file"):
            keys.write(path, URL)


def test_links_in_its_folder_are_replaced_and_not_followed(keys, tmp_path):
    folder, outside = tmp_path / "keys", tmp_path / "outside"
    keys.write(folder, URL)
    outside.write_text("untouched")
    (folder / "merchant_key.pem").unlink()
    (folder / "merchant_key.pem").symlink_to(outside)
    keys.write(folder, URL)
    assert outside.read_text() == "untouched"
    assert not (folder / "merchant_key.pem").is_symlink()


def test_a_folder_left_half_written_can_be_written_again(keys, tmp_path, monkeypatch):
    monkeypatch.setattr("palm.sandbox.credentials.folder.os.open", fails_after(1))
    with pytest.raises(SettingsError, match="No space left"):
        keys.write(tmp_path, URL)
    monkeypatch.undo()
    keys.write(tmp_path, URL)
    assert {path.name for path in tmp_path.iterdir()} == FILES


def fails_after(times):
    left = [times]
    real = os.open

    def open_(*args):
        if not left[0]:
            raise OSError(28, "No space left on device")
        left[0] -= 1
        return real(*args)

    return open_
