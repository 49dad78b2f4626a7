"""Each thing that is altered gives exactly its outcome."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from jobs.evidence.columns import evidence_table
from jobs.evidence.keys import EvidenceKey, fingerprint_of
from jobs.evidence.outcomes import Outcome
from jobs.evidence.verify.rows import ORDER, Claims, Period, RowChecker
from jobs.evidence.verify.trust import Trust
from palm import Pair
from tests.evidence import signed

AT = datetime(2025, 3, 3, 2, tzinfo=UTC)
PERIOD = Period.of(AT - timedelta(minutes=10), AT + timedelta(minutes=10))
MEMBERS = {
    "openid": "o1",
    "organization_id": "0042",
    "state": "AUTHORIZATION_STATE_ON",
    "authorize_time": "2025-01-02T11:04:05+08:00",
}
OPENED_MS = 1_735_787_045_000
NEVER_MS = np.iinfo(np.int64).min


def body(**members: Any) -> bytes:
    present = {name: value for name, value in (MEMBERS | members).items() if value is not None}
    return json.dumps(present, ensure_ascii=False, separators=(",", ":")).encode()


def claims(count: int = 1, **changed: Any) -> Claims:
    given: dict[str, Any] = {
        "openid": "o1",
        "organization_id": "0042",
        "state": "ON",
        "authorize_ms": OPENED_MS,
        "answered_at": AT,
    } | changed
    answered = int(given["answered_at"].timestamp() * 1000)
    return Claims(
        [given["openid"]] * count,
        [given["organization_id"]] * count,
        [given["state"]] * count,
        np.full(count, given["authorize_ms"], np.int64),
        np.full(count, answered, np.int64),
    )


@pytest.fixture
def outcome(keys):
    """Return the outcome of one row: of a signed message, and of what the report says."""
    held = keys.platform_keys("grey")

    def outcome(message, *, trust=Trust(), period=PERIOD, **changed) -> Outcome:  # noqa: B008
        evidence_keys = {name: EvidenceKey.of(name, key) for name, key in held.items()}
        checker = RowChecker(evidence_keys, trust, period)
        table = evidence_table([(Pair("o1", "0042"), message)])
        result = checker.check(claims(**changed), table)
        found = ORDER[result.outcomes[0]]
        assert (found is Outcome.UNNAMED) == bool(result.unnamed)
        return found

    return outcome


BACKED = {
    "as the sandbox writes it": body(),
    "members in another order": json.dumps(dict(reversed(MEMBERS.items())), indent=1).encode(),
    "blanks": b" " + json.dumps(MEMBERS).encode() + b"\r\n",
    "escapes": body().replace(b"o1", b"\\u006f1"),
    "a member that this version does not know": body(channel="校园"),
    "the time in another zone": body(authorize_time="2025-01-02T03:04:05Z"),
    "the time with a fraction": body(authorize_time="2025-01-02T11:04:05.000+08:00"),
}


@pytest.mark.parametrize("content", BACKED.values(), ids=BACKED)
def test_a_body_that_says_the_same_backs_a_state(keys, outcome, content):
    assert outcome(signed(keys, content, AT)) is Outcome.BACKED


def test_a_state_without_a_time_is_backed_as_well(keys, outcome):
    message = signed(keys, body(authorize_time=None, state="AUTHORIZATION_STATE_NONE"), AT)
    assert outcome(message, state="NONE", authorize_ms=NEVER_MS) is Outcome.BACKED
    odd = signed(keys, body(authorize_time="20250102"), AT)
    assert outcome(odd, authorize_ms=NEVER_MS) is Outcome.BACKED


@pytest.mark.parametrize("name", ["timestamp", "nonce", "body", "signature"])
def test_whatever_is_altered_of_what_was_signed_is_forged(keys, outcome, name):
    message = signed(keys, body(), AT)
    altered = {
        "timestamp": {"timestamp": str(int(message.timestamp) + 1)},
        "nonce": {"nonce": message.nonce[::-1]},
        "body": {"body": message.body + b" "},
        "signature": {"signature": bytes([message.signature[0] ^ 1]) + message.signature[1:]},
    }[name]
    fields = ("timestamp", "nonce", "body", "signature", "key_id")
    changed = type(message)(**({each: getattr(message, each) for each in fields} | altered))
    assert outcome(changed) is Outcome.FORGED


def test_another_keys_id_is_forged_and_one_that_nobody_has_is_unknown(keys, outcome):
    message = signed(keys, body(), AT)
    fields = message.timestamp, message.nonce, message.body, message.signature
    assert outcome(type(message)(*fields, keys.platform_serial)) is Outcome.FORGED
    assert outcome(type(message)(*fields, "PUB_KEY_ID_9")) is Outcome.UNKNOWN_KEY


OTHER = {
    "another person": body(openid="o2"),
    "another organization": body(organization_id="42"),
    "another person and state": body(openid="o2", state="AUTHORIZATION_STATE_OFF"),
    "another person, without an organization": body(openid="o2", organization_id=None),
}


@pytest.mark.parametrize("content", OTHER.values(), ids=OTHER)
def test_an_answer_about_another_pair_is_other(keys, outcome, content):
    assert outcome(signed(keys, content, AT)) is Outcome.OTHER


CONTRADICTED = {
    "another state": body(state="AUTHORIZATION_STATE_OFF"),
    "a later time": body(authorize_time="2025-01-02T11:04:06+08:00"),
    "no time": body(authorize_time=None),
    "no state": body(state=None),
    "a state that nobody knows": body(state="AUTHORIZATION_STATE_FROZEN"),
    "not JSON": b"ON",
    "a list": b"[]",
    "a member twice": body()[:-1] + b',"state":"AUTHORIZATION_STATE_ON"}',
    "a name in a member of another type": body(openid=["o1"]),
}


@pytest.mark.parametrize("content", CONTRADICTED.values(), ids=CONTRADICTED)
def test_an_answer_that_says_something_else_contradicts(keys, outcome, content):
    assert outcome(signed(keys, content, AT)) is Outcome.CONTRADICTED


@pytest.mark.parametrize("changed", [{"state": "OFF"}, {"authorize_ms": OPENED_MS + 1},
                                     {"authorize_ms": NEVER_MS}])  # fmt: skip
def test_an_edited_report_is_contradicted(keys, outcome, changed):
    assert outcome(signed(keys, body(), AT), **changed) is Outcome.CONTRADICTED


@pytest.mark.parametrize("seconds", [-302, 302])
def test_what_was_signed_at_another_time_than_answered_is_stale(keys, outcome, seconds):
    message = signed(keys, body(), AT + timedelta(seconds=seconds))
    assert outcome(message) is Outcome.STALE


@pytest.mark.parametrize("seconds", [-300, 300])
def test_five_minutes_are_allowed(keys, outcome, seconds):
    assert outcome(signed(keys, body(), AT + timedelta(seconds=seconds))) is Outcome.BACKED


def test_what_was_signed_outside_the_run_is_stale(keys, outcome):
    message = signed(keys, body(), AT)
    ended = Period.of(AT - timedelta(hours=1), AT - timedelta(minutes=6))
    later = Period.of(AT + timedelta(minutes=6), AT + timedelta(hours=1))
    assert outcome(message, period=ended) is outcome(message, period=later) is Outcome.STALE


def test_a_timestamp_that_is_not_a_number_is_stale(keys, outcome):
    assert outcome(signed(keys, body(), AT, timestamp="now")) is Outcome.STALE


@pytest.mark.parametrize("missing", [("openid",), ("organization_id",), MEMBERS.keys() - {"state"}])
def test_an_answer_without_a_name_is_unnamed(keys, outcome, missing):
    content = body(**dict.fromkeys(missing))
    never = {"authorize_ms": NEVER_MS} if "authorize_time" in missing else {}
    assert outcome(signed(keys, content, AT), **never) is Outcome.UNNAMED


def test_only_the_keys_that_are_named_are_trusted(keys, outcome):
    held = keys.platform_keys("grey")
    own = fingerprint_of(held[keys.public_key_id])
    other = fingerprint_of(held[keys.platform_serial])
    message = signed(keys, body(), AT)
    assert outcome(message, trust=Trust({own: None})) is Outcome.BACKED
    assert outcome(message, trust=Trust({other: None})) is Outcome.UNKNOWN_KEY


def test_a_certificates_key_is_trusted_while_it_was_valid(keys, outcome):
    own = fingerprint_of(keys.platform_keys()[keys.public_key_id])
    message, now = signed(keys, body(), AT), int(AT.timestamp())
    assert outcome(message, trust=Trust({own: (now - 9, now + 9)})) is Outcome.BACKED
    assert outcome(message, trust=Trust({own: (now + 1, now + 9)})) is Outcome.UNKNOWN_KEY
    assert outcome(message, trust=Trust({own: (now - 9, now - 1)})) is Outcome.UNKNOWN_KEY


def test_the_first_that_holds_is_told(keys, outcome):
    late = AT + timedelta(hours=1)
    forged = signed(keys, body(openid="o2"), late)
    assert outcome(signed(keys, body(openid="o2", state=None), late)) is Outcome.OTHER
    assert outcome(signed(keys, body(openid=None, state=None), late)) is Outcome.CONTRADICTED
    assert outcome(signed(keys, body(openid=None), late)) is Outcome.STALE
    wrong = type(forged)(forged.timestamp, b"x", forged.body, forged.signature, forged.key_id)
    assert outcome(wrong) is Outcome.FORGED


DECEIVING = [
    ('o1","organization_id":"0042', "0042", body()),
    ("o1", '0042","state":"AUTHORIZATION_STATE_ON', body()),
]


@pytest.mark.parametrize(("openid", "organization_id", "content"), DECEIVING)
def test_an_id_that_holds_json_deceives_nobody(keys, outcome, openid, organization_id, content):
    message = signed(keys, content, AT)
    assert outcome(message, openid=openid, organization_id=organization_id) is Outcome.OTHER


def test_many_rows_are_checked_as_each_alone(keys):
    """The body that is expected is made from the first ones; odd ones in between are parsed."""
    contents = [*BACKED.values(), *OTHER.values(), *CONTRADICTED.values()] * 3
    rows = [(Pair("o1", "0042"), signed(keys, content, AT)) for content in contents]
    held = {
        keys.public_key_id: EvidenceKey.of(keys.public_key_id, keys.public_key_pair.public_key())
    }
    checker = RowChecker(held, Trust(), PERIOD)
    together = checker.check(claims(len(rows)), evidence_table(rows)).outcomes.tolist()
    alone = [
        RowChecker(held, Trust(), PERIOD).check(claims(), evidence_table([row])).outcomes[0]
        for row in rows
    ]
    assert together == alone
