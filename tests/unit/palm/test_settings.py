"""Options, then variables, then palm.toml; and secrets that only their owner can read."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from palm.crypto.certificate_store import CertificateStore
from palm.errors import SettingsError
from palm.settings import load_settings, read_config
from tests.unit.palm.conftest import SERIAL

BASE = "http://127.0.0.1:8080"


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    """No variable of whoever runs the tests counts, nor a palm.toml where they run."""
    for name in list(os.environ):
        if name.upper().startswith("PALM_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def _written(keys, tmp_path_factory):
    folder = tmp_path_factory.mktemp("palm") / "keys"
    keys.write(folder, BASE)
    with (folder / "palm.toml").open("a") as config:
        config.write('platform_certificates = ["platform_cert.pem"]\n')
    return folder


@pytest.fixture
def folder(_written, tmp_path):
    """A folder with keys and a palm.toml, to be spoiled by one test."""
    here = tmp_path / "keys"
    here.mkdir()
    for file in _written.iterdir():
        (here / file.name).write_bytes(file.read_bytes())
        (here / file.name).chmod(0o600)
    return here


def refusal(action, *arguments, **options):
    with pytest.raises(SettingsError) as caught:
        action(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def toml(folder, text):
    (folder / "palm.toml").write_text(text, encoding="utf-8")
    return folder / "palm.toml"


# --- precedence


def test_options_come_before_variables_and_these_before_the_file(monkeypatch):
    config = {"mchid": "3", "merchant_serial": "C" * 40, "base_url": "https://c.example"}
    monkeypatch.setenv("PALM_MCHID", "2")
    monkeypatch.setenv("PALM_MERCHANT_SERIAL", "B" * 40)
    settings = load_settings(config, mchid="1")
    assert settings.mchid == "1"
    assert settings.merchant_serial == "B" * 40
    assert list(settings.base_url) == ["https://c.example"]


def test_an_option_that_is_not_given_leaves_the_others_alone(monkeypatch):
    monkeypatch.setenv("PALM_MCHID", "2")
    assert load_settings({"mchid": "3"}, mchid=None).mchid == "2"


def test_a_variables_value_is_text_even_where_it_looks_like_a_number(monkeypatch):
    monkeypatch.setenv("PALM_MCHID", "0000000000")
    assert load_settings().mchid == "0000000000"


def test_several_certificates_are_separated_as_paths_are(monkeypatch):
    monkeypatch.setenv("PALM_PLATFORM_CERTIFICATES", os.pathsep.join(["a.pem", "b.pem"]))
    assert load_settings().platform_certificates == (Path("a.pem"), Path("b.pem"))


def test_a_value_of_the_wrong_kind_is_named_but_not_shown():
    said = refusal(load_settings, {"mchid": ["secret"]})
    assert said.startswith("settings: mchid: ")
    assert "secret" not in said


def test_variables_say_the_same_as_the_file(folder, monkeypatch):
    config = read_config(folder / "palm.toml")
    settings = load_settings(config)
    for name, value in settings.as_environment().items():
        monkeypatch.setenv(name, value)
    assert load_settings() == settings


# --- palm.toml


def test_no_palm_toml_is_no_error():
    assert read_config(None) == {}


def test_the_current_folders_palm_toml_is_read(tmp_path):
    toml(tmp_path, 'mchid = "7"')
    assert read_config(None) == {"mchid": "7"}


def test_paths_in_it_are_relative_to_its_folder(folder):
    config = read_config(folder / "palm.toml")
    assert config["private_key"] == folder / "merchant_key.pem"
    assert config["platform_certificates"] == (folder / "platform_cert.pem",)


def test_absolute_paths_in_it_stay(folder):
    path = toml(folder, 'private_key = "/run/secrets/key.pem"')
    assert read_config(path)["private_key"] == Path("/run/secrets/key.pem")


def test_a_merchant_number_without_quotes_is_meant_as_text(folder):
    path = toml(folder, "mchid = 1900007291")
    assert load_settings(read_config(path)).mchid == "1900007291"


def test_a_key_that_means_nothing_is_refused_with_those_that_do(folder):
    said = refusal(read_config, toml(folder, 'private_keys = "x"'))
    assert "unknown setting 'private_keys'; did you mean 'private_key'?" in said


def test_tables_are_somebody_elses(folder):
    path = toml(folder, 'mchid = "7"\n[reconcile]\nanything = 1\n')
    config = read_config(path)
    assert config["reconcile"] == {"anything": 1}
    assert load_settings(config).mchid == "7"


@pytest.mark.parametrize("content", [b"mchid = ", b"\xff\xfe", b"[a", b"a = 1\na = 2"])
def test_what_is_no_toml_is_refused(folder, content):
    (folder / "palm.toml").write_bytes(content)
    assert "palm.toml is not valid TOML: " in refusal(read_config, folder / "palm.toml")


def test_a_file_that_is_not_there_is_refused_when_it_was_named(tmp_path):
    said = refusal(read_config, tmp_path / "other.toml")
    assert said == "--config: the configuration cannot be read: No such file or directory"


def test_a_file_larger_than_a_mebibyte_is_not_read(folder):
    (folder / "palm.toml").write_bytes(b"#" * (1024 * 1024 + 1))
    assert "the configuration is larger than 1 MiB" in refusal(read_config, folder / "palm.toml")


# --- keys


def test_a_folder_of_the_sandbox_is_complete(folder, keys):
    settings = load_settings(read_config(folder / "palm.toml"))
    assert settings.merchant().serial_no == keys.merchant_serial
    assert dict(settings.verifying_keys()) == dict(keys.platform_keys("grey"))
    assert list(settings.base_url) == [BASE]


def settings_without(folder, *names):
    config = read_config(folder / "palm.toml")
    return load_settings({name: value for name, value in config.items() if name not in names})


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (["mchid"], "PALM_MCHID is not set (your merchant number), nor mchid in palm.toml"),
        (
            ["private_key"],
            (
                "PALM_PRIVATE_KEY is not set (the path of apiclient_key.pem), nor private_key in "
                "palm.toml"
            ),
        ),
        (
            ["merchant_serial", "merchant_certificate"],
            (
                "PALM_MERCHANT_SERIAL is not set (the serial number of your API certificate), nor "
                "merchant_serial in palm.toml"
            ),
        ),
    ],
)
def test_what_is_missing_of_the_merchant_is_named_with_both_ways_to_set_it(folder, missing, said):
    assert refusal(settings_without(folder, *missing).merchant) == said


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (
            ["public_key", "public_key_id", "platform_certificates"],
            (
                "PALM_PUBLIC_KEY is not set (WeChat Pay's pub_key.pem, to verify its answers "
                "with), nor public_key in palm.toml"
            ),
        ),
        (
            ["public_key"],
            (
                "PALM_PUBLIC_KEY is not set (the public key's path and its PUB_KEY_ID_… go "
                "together), nor public_key in palm.toml"
            ),
        ),
        (
            ["public_key_id"],
            (
                "PALM_PUBLIC_KEY_ID is not set (the public key's path and its PUB_KEY_ID_… go "
                "together), nor public_key_id in palm.toml"
            ),
        ),
    ],
)
def test_what_is_missing_of_the_platform_is_named_with_both_ways_to_set_it(folder, missing, said):
    assert refusal(settings_without(folder, *missing).verifying_keys) == said


def test_the_certificate_alone_tells_the_serial(folder, keys):
    assert settings_without(folder, "merchant_serial").merchant().serial_no == keys.merchant_serial


def test_a_key_file_that_is_not_there_is_named_by_its_setting(folder):
    """What stands there may be the key itself."""
    (folder / "merchant_key.pem").unlink()
    assert refusal(settings_without(folder).merchant) == (
        "PALM_PRIVATE_KEY: the merchant's private key cannot be read: No such file or directory"
    )


def test_a_key_file_that_is_there_and_cannot_be_read_is_named_by_its_path(folder):
    key = folder / "merchant_key.pem"
    key.unlink()
    key.mkdir(mode=0o700)
    assert refusal(settings_without(folder).merchant) == (
        f"PALM_PRIVATE_KEY ({key}): the merchant's private key cannot be read: "
        "it is a folder, not a file"
    )


def test_a_wrong_key_file_is_called_by_its_path(folder):
    key = folder / "merchant_key.pem"
    key.write_bytes((folder / "merchant_cert.pem").read_bytes())
    said = refusal(settings_without(folder).merchant)
    assert said.startswith(f"PALM_PRIVATE_KEY ({key}) is a certificate, not a private key")


# --- permissions


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o444, 0o666])
def test_a_private_key_that_everybody_can_read_is_refused_with_what_mends_it(folder, mode):
    key = folder / "merchant_key.pem"
    key.chmod(mode)
    said = refusal(settings_without(folder).merchant)
    assert said == f"everybody on this machine can read {key}; run: chmod 600 {key}"


@pytest.mark.parametrize("mode", [0o640, 0o440])
def test_a_private_key_that_its_group_can_read_is_warned_of(folder, caplog, keys, mode):
    key = folder / "merchant_key.pem"
    key.chmod(mode)
    with caplog.at_level(logging.WARNING, logger="palm"):
        assert settings_without(folder).merchant().mchid == keys.mchid
    assert [record.getMessage() for record in caplog.records] == [
        f"the group of {key} can read it; if that is not meant: chmod 600 {key}"
    ]


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_private_key_of_its_owners_alone_is_read_without_a_word(folder, caplog, keys, mode):
    (folder / "merchant_key.pem").chmod(mode)
    with caplog.at_level(logging.DEBUG, logger="palm"):
        assert settings_without(folder).merchant().mchid == keys.mchid
    assert caplog.records == []


def test_settings_hold_paths_and_no_secret(folder):
    settings = settings_without(folder)
    kinds = {name: type(value) for name, value in settings if name.endswith(("key", "key_file"))}
    assert set(kinds.values()) <= {type(settings.private_key), type(None)}
    assert isinstance(settings.private_key, Path)
    assert "BEGIN" not in repr(settings)


# --- certificates in files


@pytest.fixture
def certificates(tmp_path, pem):
    """Files with certificates that are valid now, were, and will be."""
    now = datetime.now(UTC)
    starts = {"valid": -10, "expired": -31, "early": 1}
    for number, (name, days) in enumerate(starts.items()):
        text = pem.certificate(
            pem.other, serial=SERIAL + number, starts=now + timedelta(days=days), days=30
        )
        (tmp_path / f"{name}.pem").write_bytes(text)
    return tmp_path


def test_a_certificate_that_is_not_valid_is_left_out_with_a_warning(certificates, caplog):
    paths = [certificates / f"{name}.pem" for name in ("expired", "valid", "early")]
    keys = load_settings(platform_certificates=paths).verifying_keys()
    assert (list(keys), keys.preferred) == ([f"{SERIAL:X}"], f"{SERIAL:X}")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    expired, early = (record.message for record in caplog.records)
    assert expired == (
        f"PALM_PLATFORM_CERTIFICATES ({paths[0]}) expired on {yesterday:%Y-%m-%d}: it is not used"
    )
    assert early.startswith(f"PALM_PLATFORM_CERTIFICATES ({paths[2]}) is not valid before ")


@pytest.mark.parametrize(
    ("name", "said"), [("expired", "expired on 20"), ("early", "is not valid before 20")]
)
def test_where_no_certificate_is_valid_file_and_date_are_named(certificates, name, said):
    path = certificates / f"{name}.pem"
    refused = refusal(load_settings(platform_certificates=[path]).verifying_keys)
    assert refused.startswith(f"PALM_PLATFORM_CERTIFICATES ({path}) {said}")


def test_where_no_certificate_is_valid_another_kind_of_key_does(certificates, folder, caplog):
    expired = {"platform_certificates": [certificates / "expired.pem"]}
    config = read_config(folder / "palm.toml") | expired
    keys = load_settings(config).verifying_keys()
    assert list(keys) == [config["public_key_id"]]
    del config["public_key"], config["public_key_id"]
    downloaded = load_settings(config, apiv3_key_file=folder / "apiv3_key.txt").verifying_keys()
    assert (type(downloaded), downloaded.preferred) == (CertificateStore, "")
    assert [record.message.rpartition(": ")[2] for record in caplog.records] == [
        "it is not used"
    ] * 2


def test_a_certificate_in_a_file_must_be_under_the_roots_that_are_set(
    certificates, pem, monkeypatch
):
    """The certificates are signed by the platform's key."""
    right, wrong = certificates / "right.pem", certificates / "wrong.pem"
    right.write_bytes(pem.authority(pem.other))
    wrong.write_bytes(pem.authority(pem.key))
    given = {"platform_certificates": [certificates / "valid.pem"]}
    assert list(load_settings(given, root_certificate=right).verifying_keys()) == [f"{SERIAL:X}"]
    monkeypatch.setenv("PALM_ROOT_CERTIFICATE", str(wrong))
    assert refusal(load_settings(given).verifying_keys) == (
        f"a platform certificate {SERIAL:X} has another root certificate"
    )
    wrong.write_text("no root")
    assert refusal(load_settings(given).verifying_keys) == (
        f"PALM_ROOT_CERTIFICATE ({wrong}) is no PEM text, not certificates in PEM"
    )
    wrong.unlink()
    said = refusal(load_settings(given).verifying_keys)
    assert said == (
        "PALM_ROOT_CERTIFICATE: the root certificate cannot be read: No such file or directory"
    )


# --- answers that name nobody


@pytest.mark.parametrize(("text", "accepted"), [("1", True), ("true", True), ("0", False)])
def test_a_variable_accepts_unnamed_answers_over_the_file(monkeypatch, text, accepted):
    monkeypatch.setenv("PALM_ACCEPT_UNNAMED", text)
    assert load_settings({"accept_unnamed": not accepted}).accept_unnamed is accepted


def test_both_ways_of_saying_it_contradict_each_other_wherever_they_stand(folder, monkeypatch):
    config = toml(folder, "accept_unnamed = true\n")
    assert load_settings(read_config(config)).accept_unnamed
    said = "accept_unnamed and require_echo contradict each other: leave require_echo out to accept"
    monkeypatch.setenv("PALM_REQUIRE_ECHO", "1")
    assert refusal(load_settings, read_config(config)).startswith(said)
    assert not load_settings().accept_unnamed
    assert refusal(load_settings, accept_unnamed=True).startswith(said)
