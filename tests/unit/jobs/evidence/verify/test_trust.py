"""Which keys are trusted is said by files and fingerprints, and a wrong one is refused."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from jobs.errors import UsageError
from jobs.evidence.keys import EvidenceKey
from jobs.evidence.verify.trust import Trust, _is_platforms, read_trust
from palm import TrustStore
from palm.crypto.pem import validity_of
from tests.roots import root_of


@pytest.fixture
def vectors_of_palm():
    """The published answer with a platform certificate."""
    path = Path(__file__).parents[4] / "vectors" / "certificates_response.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture
def files(keys, tmp_path):
    keys.write(tmp_path / "keys", "http://127.0.0.1:1")
    return tmp_path / "keys"


def openssl_fingerprint(*command: str) -> str:
    """Return the sha256 of a SubjectPublicKeyInfo, as openssl computes it."""
    der = subprocess.run(["openssl", *command], check=True, capture_output=True).stdout
    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-r"], input=der, check=True, capture_output=True
    )
    return done.stdout.decode().split()[0]


def test_a_public_keys_fingerprint_is_openssls(files):
    path = files / "wechatpay_pub.pem"
    expected = openssl_fingerprint("pkey", "-pubin", "-in", str(path), "-outform", "DER")
    assert read_trust([path], [], []) == Trust({expected: None})


def test_a_certificates_key_is_trusted_while_the_certificate_is_valid(files, keys, tmp_path):
    path = files / "platform_cert.pem"
    plain = tmp_path / "pub.pem"
    command = ["openssl", "x509", "-in", str(path), "-pubkey", "-noout"]
    plain.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    (fingerprint,) = read_trust([plain], [], []).keys
    assert read_trust([], [path], []) == Trust(
        {fingerprint: validity_of(keys.platform_certificate)}
    )


@pytest.mark.parametrize(
    "text", ["ab" * 32, "AB" * 32, "sha256:" + "ab" * 32, ":".join(["AB"] * 32)]
)
def test_a_fingerprint_may_be_written_in_several_ways(text):
    assert read_trust([], [], [text]) == Trust({"ab" * 32: None})


def test_nothing_named_is_nothing_of_ones_own():
    assert not read_trust([], [], []).is_own


@pytest.mark.parametrize("text", ["", "ab", "xy" * 32, "ab" * 33])
def test_what_is_no_fingerprint_is_refused(text):
    with pytest.raises(UsageError, match="--fingerprint must be a sha256: 64 hexadecimal digits"):
        read_trust([], [], [text])


@pytest.fixture
def issued_key(keys):
    """A key of the evidence, with the certificate that the sandbox's authority issued."""
    certificate = keys.platform_certificate
    return EvidenceKey.of(keys.platform_serial, certificate.public_key(), certificate)


@pytest.fixture
def trust(keys, tmp_path):
    """Return a function that trusts a root with a key; by default the authority's."""

    def trust(key=None):
        path = tmp_path / "root.pem"
        path.write_bytes(root_of(keys, key or keys.authority.key))
        return read_trust([], [], [], path)

    return trust


def test_a_root_trusts_the_certificates_that_lead_to_it(trust, issued_key, keys):
    now, validity = datetime.now(UTC), validity_of(keys.platform_certificate)
    assert trust().issued([issued_key], now) == {issued_key.fingerprint: validity}
    assert trust(keys.merchant_key).issued([issued_key], now) == {}
    assert trust().issued([replace(issued_key, certificate=None)], now) == {}
    assert read_trust([], [], []).issued([issued_key], now) == {}


def test_a_merchants_own_certificate_is_under_the_same_root_and_proves_nothing(trust, keys):
    """With it a merchant could sign answers, and pass them for WeChat Pay's."""
    own = keys.merchant_certificate
    key = EvidenceKey.of(keys.credential.serial_no, own.public_key(), own)
    assert TrustStore.from_pem(trust().roots).believes(own, datetime.now(UTC))
    assert trust().issued([key], datetime.now(UTC)) == {}


def test_the_name_is_that_of_the_published_certificate(vectors_of_palm):
    published = x509.load_pem_x509_certificate(vectors_of_palm["decrypted_pem"].encode())
    assert _is_platforms(published)


def test_a_chain_counts_when_the_answers_were_signed(trust, issued_key):
    """The root of this test is valid for two days, the certificate for years."""
    assert trust().issued([issued_key], datetime.now(UTC) + timedelta(days=9)) == {}
    assert trust().issued([issued_key], datetime.now(UTC) - timedelta(days=9)) == {}


def test_whoever_names_a_root_alone_trusts_no_key_of_the_evidence(trust):
    assert trust().is_own
    assert trust().adding({}).keys == {}


def test_what_was_named_before_a_root_stays_as_it_was(issued_key):
    named = Trust({issued_key.fingerprint: None})
    assert named.adding({issued_key.fingerprint: (1, 2), "b": (3, 4)}).keys == {
        issued_key.fingerprint: None,
        "b": (3, 4),
    }


@pytest.mark.parametrize("certificate", ["", "-----BEGIN CERTIFICATE-----\nAA==\n", "merchant"])
def test_a_certificate_that_is_damaged_or_anothers_is_an_error(
    trust, issued_key, keys, certificate
):
    text = keys.credential.certificate_pem if certificate == "merchant" else certificate
    with pytest.raises(ValueError, match="certificate"):
        trust().issued([replace(issued_key, certificate=text)], datetime.now(UTC))


def test_wrong_files_are_refused_by_their_names(files, tmp_path):
    missing = tmp_path / "nothing.pem"
    for keys, certificates, text in (
        ([missing], [], rf"--key {missing} cannot be read: No such file"),
        ([files / "apiv3_key.txt"], [], r"--key .*apiv3_key.txt: .* is no PEM text"),
        ([files / "platform_cert.pem"], [], r"is a certificate, not a public key"),
        ([], [files / "wechatpay_pub.pem"], r"--certificate: .* is a public key, not a cert"),
        ([], [missing], rf"--certificate {missing} cannot be read"),
    ):
        with pytest.raises(UsageError, match=text):
            read_trust(keys, certificates, [])
    with pytest.raises(UsageError, match=rf"--root {missing} cannot be read: No such file"):
        read_trust([], [], [], missing)
    with pytest.raises(UsageError, match=r"--root: .*platform_cert.pem holds no root"):
        read_trust([], [], [], files / "platform_cert.pem")
