"""A worker that differs from the command is not used."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography import x509

from jobs.cluster.tasks.introduction import (
    differences,
    fingerprint,
    introduce,
    other_settings,
    unable,
)
from palm import PlatformKeys
from tests.sandbox_keys import shared_keys

KEYS = shared_keys()
OWN = introduce(KEYS.merchant(), KEYS.platform_keys())
NOW = OWN.wall_s


def reasons(other, *, waited_s=0.0):
    return differences(OWN, other, now_s=NOW, waited_s=waited_s)


def test_the_same_keys_version_and_time_are_no_difference():
    other = introduce(KEYS.merchant(), KEYS.platform_keys())
    assert reasons(replace(other, wall_s=NOW)) == []


def test_it_holds_no_key_but_fingerprints():
    assert OWN.merchant_key == fingerprint(KEYS.merchant_key.public_key())
    assert "PRIVATE" not in repr(OWN)
    assert len(OWN.merchant_key) == 64


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"version": "9.9"}, "its version is 9.9"),
        ({"mchid": "1230000109"}, "its merchant is 1230000109"),
        ({"serial": "0" * 40}, "its merchant's certificate or key is another one"),
        ({"merchant_key": "0" * 64}, "its merchant's certificate or key is another one"),
        ({"platform_keys": {}}, "its keys of WeChat Pay are other ones"),
        ({"wall_s": NOW + 90}, "its clock differs by 90 s"),
        ({"wall_s": NOW - 90}, "its clock differs by 90 s"),
    ],
)
def test_each_difference_is_named(other, said):
    (reason,) = reasons(replace(OWN, **other))
    assert said in reason


def test_the_time_that_the_answer_took_is_no_difference():
    late = replace(OWN, wall_s=NOW + 100)
    assert reasons(late, waited_s=100.0) == []
    assert reasons(late, waited_s=10.0) == ["its clock differs by 90 s"]


def test_keys_of_certificates_that_have_ended_may_be_missing_and_no_other_ones():
    own = replace(OWN, platform_keys={"A": "1", "B": "2"}, ends_s={"B": NOW + 600.0})
    for held, later_s, is_same in (
        ({"A": "1", "B": "2"}, 0, True),
        ({"A": "1"}, 0, False),
        ({"A": "1"}, 599, True),  # its clock may be ahead
        ({"A": "1", "B": "2"}, 700, True),
        ({"B": "2"}, 700, False),  # a public key does not end
        ({"A": "1", "B": "3"}, 700, False),
        ({"A": "1", "C": "3"}, 700, False),
        ({}, 700, False),
    ):
        found = other_settings(own, replace(own, platform_keys=held), now_s=NOW + later_s)
        assert (found == []) == is_same, (held, later_s)


def test_when_a_certificate_ends_is_said():
    pem = KEYS.platform[-1].certificate_pem.encode()
    found = introduce(KEYS.merchant(), PlatformKeys.from_pem(certificates=[pem]))
    ends = x509.load_pem_x509_certificate(pem).not_valid_after_utc
    assert found.ends_s == dict.fromkeys(found.platform_keys, ends.timestamp())
    assert len(found.ends_s) == 1


def test_settings_that_cannot_be_used_are_the_reason():
    assert reasons(unable("PALM_MCHID is not set")) == ["PALM_MCHID is not set"]
