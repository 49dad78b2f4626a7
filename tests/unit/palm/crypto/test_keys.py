"""Keys are checked when they are made, and what is wrong is said in one clear line."""

from __future__ import annotations

import subprocess
from datetime import timedelta

import pytest
from cryptography import x509

from palm.crypto.keys import Merchant, PlatformKeys, certificate_serial
from palm.errors import SettingsError

SERIAL = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
ID = "PUB_KEY_ID_0000000000000024101100397200000006"


@pytest.fixture
def now(pem):
    return x509.load_pem_x509_certificate(pem.certificate(pem.key)).not_valid_before_utc


@pytest.fixture
def sm2(tmp_path):
    """Key, public key and certificate of WeChat Pay's other algorithm."""
    for command in (
        "openssl genpkey -algorithm SM2 -out key",
        "openssl pkey -in key -pubout -out public",
        "openssl req -x509 -new -key key -sm3 -subj /CN=x -out certificate -days 9",
    ):
        subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    return lambda name: (tmp_path / name).read_bytes()


# --- merchant


def test_a_merchant_is_read_from_its_key_and_certificate(pem, now):
    merchant = Merchant.from_pem(
        "1900007291", pem.private(pem.key), certificate=pem.certificate(pem.key), now=now
    )
    assert (merchant.mchid, merchant.serial_no) == ("1900007291", SERIAL)
    assert merchant.private_key.private_numbers() == pem.key.private_numbers()


def test_a_merchant_is_read_from_its_key_and_serial_alone(pem):
    merchant = Merchant.from_pem("1", pem.private(pem.key, pkcs1=True), serial_no=SERIAL)
    assert merchant.serial_no == SERIAL


def test_a_serial_in_small_letters_is_the_same_serial(pem, now):
    merchant = Merchant.from_pem(
        "1",
        pem.private(pem.key),
        serial_no=f" {SERIAL.lower()}\n",
        certificate=pem.certificate(pem.key),
        now=now,
    )
    assert merchant.serial_no == SERIAL


@pytest.mark.parametrize("mchid", ["", "19000 07291", "wx1900007291", "1900007291\n", "１２３"])
def test_a_merchant_number_that_is_no_number_is_refused(pem, mchid):
    with pytest.raises(SettingsError, match=r"^the merchant number \(mchid\) must be digits$"):
        Merchant(mchid, SERIAL, pem.key)


@pytest.mark.parametrize("serial", ["", "xyz", "0x5157F09E", SERIAL + "0", "51:57:F0:9E"])
def test_a_serial_that_is_no_hexadecimal_number_is_refused(pem, serial):
    with pytest.raises(
        SettingsError, match="merchant certificate's serial number must be 40 hexadecimal digits"
    ):
        Merchant("1", serial, pem.key)


def test_the_public_keys_id_is_no_merchant_serial(pem):
    with pytest.raises(
        SettingsError,
        match="the merchant certificate's serial is wanted here, not the id of WeChat",
    ):
        Merchant("1", ID, pem.key)


def test_a_key_of_1024_bits_is_refused(pem):
    with pytest.raises(
        SettingsError, match="the merchant's private key has 1024 bits; at least 2048 are required"
    ):
        Merchant.from_pem("1", pem.private(pem.small), serial_no=SERIAL)


@pytest.mark.parametrize("pkcs1", [False, True])
def test_an_encrypted_key_is_refused_whatever_its_format(pem, pkcs1):
    content = pem.private(pem.key, password=b"secret", pkcs1=pkcs1)
    with pytest.raises(
        SettingsError, match="KEY is encrypted with a password; a plain PEM file is wanted"
    ):
        Merchant.from_pem("1", content, serial_no=SERIAL, name="KEY")


def test_a_private_key_that_is_no_rsa_key_is_refused(pem):
    with pytest.raises(SettingsError, match="KEY is not an RSA key"):
        Merchant.from_pem("1", pem.private(pem.curve), serial_no=SERIAL, name="KEY")


def test_a_private_key_of_an_unknown_curve_is_refused(sm2):
    with pytest.raises(SettingsError, match="KEY is not an RSA key"):
        Merchant.from_pem("1", sm2("key"), serial_no=SERIAL, name="KEY")


@pytest.mark.parametrize("what", ["cut", "pkcs1"])
def test_a_damaged_private_key_is_to_be_downloaded_again(pem, what):
    content = {
        "cut": pem.private(pem.key)[:400] + b"\n-----END PRIVATE KEY-----\n",
        "pkcs1": b"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
    }[what]
    with pytest.raises(SettingsError) as caught:
        Merchant.from_pem("1", content, serial_no=SERIAL, name="PALM_PRIVATE_KEY (key.pem)")
    assert str(caught.value) == (
        "PALM_PRIVATE_KEY (key.pem): private key is incomplete or damaged; download it again"
    )


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("certificate", "a certificate"),
        ("public", "a public key"),
        ("empty", "empty"),
        ("text", "no PEM text"),
        ("binary", "a binary file"),
    ],
)
def test_a_file_that_is_no_private_key_is_named_for_what_it_is(pem, what, said):
    content = {
        "certificate": pem.certificate(pem.key),
        "public": pem.public(pem.key),
        "empty": b" \n",
        "text": b"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
        "binary": b"\x30\x82\xff",
    }[what]
    with pytest.raises(SettingsError) as caught:
        Merchant.from_pem("1", content, serial_no=SERIAL, name="KEY")
    assert str(caught.value) == f"KEY is {said}, not a private key in PEM (apiclient_key.pem)"


def test_a_private_key_in_place_of_the_certificate_is_named(pem, now):
    with pytest.raises(
        SettingsError, match=r"^the merchant's certificate is a private key, not a certificate"
    ):
        Merchant.from_pem(
            "1", pem.private(pem.key), certificate=pem.private(pem.key), serial_no=SERIAL, now=now
        )


def test_a_key_of_another_certificate_is_refused(pem, now):
    with pytest.raises(
        SettingsError, match=f"^KEY does not belong to the merchant's certificate {SERIAL}; take"
    ):
        Merchant.from_pem(
            "1",
            pem.private(pem.other),
            certificate=pem.certificate(pem.key),
            now=now,
            name="KEY",
        )


def test_a_serial_that_is_not_the_certificates_is_refused(pem, now):
    other = "A" * 40
    with pytest.raises(
        SettingsError, match=f"that is set is not that of its certificate, {SERIAL}; set the"
    ):
        Merchant.from_pem(
            "1",
            pem.private(pem.key),
            serial_no=other,
            certificate=pem.certificate(pem.key),
            now=now,
        )


def test_a_merchant_without_serial_and_certificate_is_refused(pem):
    with pytest.raises(SettingsError, match="serial number of the merchant's API certificate is"):
        Merchant.from_pem("1", pem.private(pem.key))


def test_a_certificate_holds_from_its_first_to_its_last_second(pem, now):
    content = pem.certificate(pem.key, days=30)
    for moment in (now, now + timedelta(days=30)):
        merchant = Merchant.from_pem("1", pem.private(pem.key), certificate=content, now=moment)
        assert merchant.serial_no == SERIAL


def test_an_expired_certificate_is_refused(pem, now):
    with pytest.raises(
        SettingsError, match=f"^the merchant's certificate {SERIAL} expired on 2026-12-21$"
    ):
        Merchant.from_pem(
            "1",
            pem.private(pem.key),
            certificate=pem.certificate(pem.key),
            now=now + timedelta(days=30, seconds=1),
        )


def test_a_certificate_that_is_not_valid_yet_makes_one_doubt_the_clock(pem, now):
    with pytest.raises(
        SettingsError, match=r"is not valid before 2026-11-21 00:00 UTC; is the clock right\?$"
    ):
        Merchant.from_pem(
            "1",
            pem.private(pem.key),
            certificate=pem.certificate(pem.key),
            now=now - timedelta(seconds=1),
        )


def test_a_certificate_that_holds_no_rsa_key_is_refused(pem, now):
    with pytest.raises(SettingsError, match=f"the merchant's certificate {SERIAL} holds no RSA"):
        Merchant.from_pem(
            "1", pem.private(pem.key), certificate=pem.certificate(pem.curve), now=now
        )


def test_neither_repr_holds_key_material(keys):
    merchant, platform = keys.merchant(), keys.platform_keys("grey")
    assert repr(merchant) == (
        f"Merchant(mchid={merchant.mchid!r}, serial_no={merchant.serial_no!r})"
    )
    assert repr(platform) == (
        f"PlatformKeys({[keys.public_key_id, keys.platform_serial]}, "
        f"preferred={keys.public_key_id!r})"
    )


# --- platform


def test_both_kinds_of_keys_live_in_one_map_and_the_public_key_is_preferred(pem, now):
    held = PlatformKeys.from_pem(
        public_keys={ID: pem.public(pem.key)}, certificates=[pem.certificate(pem.other)], now=now
    )
    assert dict(held) == {ID: pem.key.public_key(), SERIAL: pem.other.public_key()}
    assert held.preferred == ID


def test_the_last_of_several_certificates_is_preferred(pem, now):
    older, newer = pem.certificate(pem.key, serial=0xAAAAAAAA), pem.certificate(pem.other)
    held = PlatformKeys.from_pem(certificates=[older, newer], now=now)
    assert (list(held), held.preferred) == (["AAAAAAAA", SERIAL], SERIAL)


def test_another_key_can_be_preferred(pem):
    held = PlatformKeys(
        {ID: pem.key.public_key(), SERIAL: pem.other.public_key()}, preferred=SERIAL
    )
    assert held.preferred == SERIAL


def test_a_preferred_key_that_is_not_held_is_refused(pem):
    with pytest.raises(SettingsError, match="^the preferred platform key is not among the keys$"):
        PlatformKeys({ID: pem.key.public_key()}, preferred="X")


def test_the_public_keys_id_stays_text(pem):
    """Its digits are no hexadecimal number: leading zeros and prefix stay, and F is no digit."""
    name = "PUB_KEY_ID_00FF"
    assert list(PlatformKeys({name: pem.key.public_key()})) == [name]


@pytest.mark.parametrize("name", ["PUB_KEY_ID_", "PUB_KEY_ID_1 ", "PUB_KEY_ID_1\n"])
def test_an_id_of_a_public_key_that_cannot_be_one_is_refused(pem, name):
    with pytest.raises(
        SettingsError, match="the id of a public key must be PUB_KEY_ID_ and digits behind it"
    ):
        PlatformKeys({name: pem.key.public_key()})


def test_a_public_key_under_a_certificates_serial_is_refused(pem):
    with pytest.raises(SettingsError, match="id must begin with PUB_KEY_ID_$"):
        PlatformKeys.from_pem(public_keys={SERIAL: pem.public(pem.key)})


def test_a_certificates_serial_in_small_letters_is_the_same_serial(pem):
    assert list(PlatformKeys({SERIAL.lower(): pem.key.public_key()})) == [SERIAL]


def test_no_key_at_all_is_refused():
    with pytest.raises(SettingsError, match="no key to verify WeChat Pay's answers with"):
        PlatformKeys.from_pem()


@pytest.mark.parametrize("kind", ["public_keys", "certificates"])
def test_a_platform_key_of_1024_bits_is_refused(pem, now, kind):
    given = (
        {"public_keys": {ID: pem.public(pem.small)}}
        if kind == "public_keys"
        else {"certificates": [pem.certificate(pem.small)]}
    )
    with pytest.raises(SettingsError, match=r"the platform's key \S+ has 1024 bits; at least 2048"):
        PlatformKeys.from_pem(**given, now=now)


def test_a_public_key_that_is_no_rsa_key_is_refused(pem, sm2):
    for content in (pem.public(pem.curve), sm2("public")):
        with pytest.raises(SettingsError, match=f"the public key {ID} is not an RSA key"):
            PlatformKeys.from_pem(public_keys={ID: content})


def test_a_platform_certificate_that_holds_no_rsa_key_is_refused(pem, sm2, now):
    with pytest.raises(SettingsError, match=f"a platform certificate {SERIAL} holds no RSA key"):
        PlatformKeys.from_pem(certificates=[pem.certificate(pem.curve)], now=now)
    content = sm2("certificate")
    made = x509.load_pem_x509_certificate(content).not_valid_before_utc
    with pytest.raises(SettingsError, match=r"a platform certificate \S+ holds no RSA key"):
        PlatformKeys.from_pem(certificates=[content], now=made)


@pytest.mark.parametrize(
    ("what", "said"), [("certificate", "a certificate"), ("private", "a private key")]
)
def test_a_file_that_is_no_public_key_is_named_for_what_it_is(pem, what, said):
    content = getattr(pem, what)(pem.key)
    with pytest.raises(SettingsError) as caught:
        PlatformKeys.from_pem(public_keys={ID: content})
    assert str(caught.value) == (
        f"the file for {ID} is {said}, not a public key in PEM (pub_key.pem)"
    )


@pytest.mark.parametrize(
    ("what", "said"), [("public", "a public key"), ("private", "a private key")]
)
def test_a_file_that_is_no_certificate_is_named_for_what_it_is(pem, what, said):
    content = getattr(pem, what)(pem.key)
    with pytest.raises(SettingsError) as caught:
        PlatformKeys.from_pem(certificates=[content])
    assert str(caught.value) == f"a platform certificate is {said}, not a certificate in PEM"


def test_an_expired_platform_certificate_is_refused(pem, now):
    with pytest.raises(SettingsError, match=f"a platform certificate {SERIAL} expired on"):
        PlatformKeys.from_pem(certificates=[pem.certificate(pem.key)], now=now + timedelta(days=31))


def test_the_platform_certificates_serial_is_not_the_merchants(pem):
    merchant = Merchant("1", SERIAL, pem.key)
    with pytest.raises(
        SettingsError, match=f"^merchant_serial {SERIAL} is the platform certificate's; the serial"
    ):
        PlatformKeys({SERIAL: pem.other.public_key()}).check_against(merchant)


@pytest.mark.parametrize("name", [ID, SERIAL, "A" * 40])
def test_the_merchants_own_key_is_not_the_platforms_under_whatever_name(pem, name):
    merchant = Merchant("1", SERIAL, pem.key)
    with pytest.raises(SettingsError, match=r"^a platform key is the merchant's own: answers are"):
        PlatformKeys({name: pem.key.public_key()}).check_against(merchant)


def test_keys_of_the_platform_are_no_ones_else(keys):
    assert keys.platform_keys("grey").check_against(keys.merchant()) is None


def test_no_refusal_shows_what_is_in_a_file(pem):
    """Not even half of a broken key."""
    content = pem.private(pem.key)[:400]
    line = content.splitlines()[2].decode()
    for read in (
        lambda: Merchant.from_pem("1", content, serial_no=SERIAL),
        lambda: PlatformKeys.from_pem(public_keys={ID: content}),
        lambda: PlatformKeys.from_pem(certificates=[content]),
    ):
        with pytest.raises(SettingsError) as caught:
            read()
        assert line not in str(caught.value)


def test_a_serial_is_written_in_whole_bytes(pem):
    short = x509.load_pem_x509_certificate(pem.certificate(pem.key, serial=0xABC))
    assert certificate_serial(short) == "0ABC"


def test_a_certificate_counts_within_its_time_however_its_serial_is_written(keys):
    certificate, serial = keys.platform_certificate, keys.platform_serial
    held = PlatformKeys(
        {serial.lower(): certificate.public_key()}, certificates={serial.lower(): certificate}
    )
    ends = int(certificate.not_valid_after_utc.timestamp())
    assert (held.valid(serial, ends), held.valid(serial, ends + 1)) == (True, False)
