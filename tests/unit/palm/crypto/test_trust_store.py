"""Platform certificates are believed under a root that is held, and openssl says the same."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from palm import SettingsError, TrustStore

NOW = datetime(2026, 11, 21, tzinfo=UTC)
LEAF, FIRST, SECOND, ROOT, STRANGER = "leaf", "first", "second", "root", "stranger"


@pytest.fixture(scope="module")
def keys_of():
    """One key for each name; that of the stranger signs in others' names."""
    names = (LEAF, FIRST, SECOND, ROOT, STRANGER)
    return {name: rsa.generate_private_key(65537, 2048) for name in names}


@pytest.fixture(scope="module")
def issue(keys_of):
    def named(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def issue(
        subject, issuer, *, signer=None, ca=None, longest=None, signs=None, begins=-9, ends=9
    ) -> x509.Certificate:
        made = (
            x509.CertificateBuilder()
            .subject_name(named(subject))
            .issuer_name(named(issuer))
            .public_key(keys_of[subject].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + timedelta(days=begins))
            .not_valid_after(NOW + timedelta(days=ends))
        )
        if ca is not None:
            made = made.add_extension(x509.BasicConstraints(ca, longest), critical=True)
        if signs is not None:
            usage = x509.KeyUsage(*[*[False] * 5, signs, *[False] * 3])
            made = made.add_extension(usage, critical=True)
        return made.sign(keys_of[signer or issuer], SHA256())

    return issue


CASES = {
    "directly under the root": (True, [{}], {}),
    "not an authority's itself": (True, [{"ca": False}], {}),
    "under an intermediate": (True, [{}, {"ca": True}], {}),
    "under two": (True, [{}, {"ca": True}, {"ca": True}], {}),
    "all may sign": (True, [{}, {"ca": True, "signs": True}], {"signs": True}),
    "another's signature": (False, [{"signer": STRANGER}], {}),
    "an intermediate with another's signature": (False, [{}, {"ca": True, "signer": STRANGER}], {}),
    "expired": (False, [{"ends": -1}], {}),
    "not yet valid": (False, [{"begins": 1}], {}),
    "an intermediate that is expired": (False, [{}, {"ca": True, "ends": -1}], {}),
    "an intermediate that is not yet valid": (False, [{}, {"ca": True, "begins": 1}], {}),
    "a root that is expired": (False, [{}], {"ends": -1}),
    "a root that is not yet valid": (False, [{}], {"begins": 1}),
    "an intermediate that is no authority": (False, [{}, {"ca": False}], {}),
    "an intermediate that does not say": (False, [{}, {}], {}),
    "an intermediate that must not sign": (False, [{}, {"ca": True, "signs": False}], {}),
    "too long a path": (False, [{}, {"ca": True}, {"ca": True, "longest": 0}], {}),
    "a path that is just short enough": (True, [{}, {"ca": True, "longest": 0}], {}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_chain_is_believed_where_openssl_believes_it(issue, tmp_path, case):
    expected, below, root = CASES[case]
    names = [LEAF, FIRST, SECOND][: len(below)]
    issuers = [*names[1:], ROOT]
    leaf, *intermediates = [
        issue(name, issuer, **options)
        for name, issuer, options in zip(names, issuers, below, strict=True)
    ]
    held = [issue(ROOT, ROOT, **{"ca": True} | root), *intermediates]
    text = b"".join(each.public_bytes(Encoding.PEM) for each in held)
    assert TrustStore.from_pem(text).believes(leaf, NOW) is expected

    paths = [tmp_path / name for name in ("root.pem", "between.pem", "leaf.pem")]
    for path, some in zip(paths, (held[:1], intermediates, [leaf]), strict=True):
        path.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in some))
    command = ["openssl", "verify", "-attime", str(int(NOW.timestamp())), "-CAfile", paths[0]]
    command += ["-untrusted", paths[1]] if intermediates else []
    judged = subprocess.run([*command, paths[2]], capture_output=True, check=False)
    assert (judged.returncode == 0) is expected


def test_an_intermediate_alone_leads_nowhere(issue):
    root, between = issue(ROOT, ROOT, ca=True), issue(FIRST, ROOT, ca=True)
    assert not TrustStore([root]).believes(issue(LEAF, FIRST), NOW)
    assert TrustStore([root], [between]).believes(issue(LEAF, FIRST), NOW)
    text = between.public_bytes(Encoding.PEM)
    with pytest.raises(SettingsError, match="^root.pem holds no root: no certificate that was"):
        TrustStore.from_pem(text, "root.pem")
    with pytest.raises(SettingsError, match="no root certificate"):
        TrustStore([])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the root certificate is empty, not certificates in PEM"),
        (b"\x30\x82\xff", "the root certificate is a binary file, not certificates in PEM"),
        (
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "the root certificate is a broken certificate, not certificates in PEM",
        ),
    ],
)
def test_a_file_that_holds_no_certificates_is_named_for_what_it_is(content, said):
    with pytest.raises(SettingsError) as caught:
        TrustStore.from_pem(content)
    assert str(caught.value) == said
