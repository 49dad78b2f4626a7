"""jobs.person: the same openid has the same hash under the same key, and nothing shows it."""

from __future__ import annotations

import hashlib

from jobs.person import Person


def test_a_key_makes_the_hashes_of_every_process_the_same():
    assert Person("key").of("o1") == Person("key").of("o1") != Person("other").of("o1")
    assert Person("key").of("o1") != Person("key").of("o2")


def test_a_hash_is_a_keyed_blake2b_of_64_bits():
    key = hashlib.blake2b(b"key", digest_size=32).digest()
    assert Person("key").of("o1") == hashlib.blake2b(b"o1", key=key, digest_size=8).hexdigest()


def test_without_a_key_every_process_has_hashes_of_its_own(monkeypatch):
    monkeypatch.delenv("PALM_LOG_KEY", raising=False)
    assert Person.from_env().of("o1") != Person.from_env().of("o1")
    monkeypatch.setenv("PALM_LOG_KEY", "key")
    assert Person.from_env().of("o1") == Person("key").of("o1")
