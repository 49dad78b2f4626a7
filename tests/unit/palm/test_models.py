"""Verified bytes are read as the documentation says, or not at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from palm.errors import (
    BodyError,
    MismatchError,
    NoStateError,
    TransientError,
    UnnamedError,
    UnrecognizedStateError,
)
from palm.models import AuthorizationState, PalmAuthorization, read_authorization

OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
DOCUMENTED = {
    "openid": OPENID,
    "organization_id": "1004",
    "state": "AUTHORIZATION_STATE_NONE",
    "authorize_time": "2018-06-08T10:34:56+08:00",
}

NAMED = {"openid": OPENID, "organization_id": "1004"}


def read(content, **options):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return read_authorization(
        body,
        **{
            "openid": OPENID,
            "organization_id": "1004",
            "request_id": "08-0",
            "verified_by": "PUB_KEY_ID_1",
        }
        | options,
    )


def test_the_documented_example_is_read():
    assert read(DOCUMENTED, attempts=3) == PalmAuthorization(
        openid=OPENID,
        organization_id="1004",
        state=AuthorizationState.NONE,
        authorize_time=datetime(2018, 6, 8, 2, 34, 56, tzinfo=UTC),
        echoed=True,
        request_id="08-0",
        verified_by="PUB_KEY_ID_1",
        attempts=3,
    )


@pytest.mark.parametrize("state", AuthorizationState)
def test_each_documented_state_is_known(state):
    assert read(DOCUMENTED | {"state": f"AUTHORIZATION_STATE_{state.name}"}).state is state


def test_members_that_are_not_documented_are_ignored():
    assert read(DOCUMENTED | {"new": [1]}).state is AuthorizationState.NONE


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ({"openid"}, "the openid"),
        ({"organization_id"}, "the organization_id"),
        (set(DOCUMENTED) - {"state"}, "the openid and the organization_id"),
    ],
)
@pytest.mark.parametrize("how", ["absent", "null", "empty"])
def test_an_answer_without_an_id_is_refused_unless_that_is_accepted(missing, said, how):
    content = {k: v for k, v in DOCUMENTED.items() if k not in missing}
    if how != "absent":
        content |= dict.fromkeys(missing, None if how == "null" else "")
    with pytest.raises(
        UnnamedError, match=f"^the answer does not name {said} it is about; see accept_"
    ):
        read(content)
    answer = read(content, accept_unnamed=True)
    assert (answer.echoed, answer.openid, answer.organization_id) == (False, OPENID, "1004")


def test_an_answer_that_names_nobody_is_refused_before_its_state_is_looked_at():
    for content in ({}, {"state": "AUTHORIZATION_STATE_FROZEN"}):
        with pytest.raises(UnnamedError):
            read(content)


@pytest.mark.parametrize(
    ("name", "told"),
    [("openid", "oOther"), ("openid", OPENID.lower()), ("organization_id", "01004")],
)
@pytest.mark.parametrize("accept_unnamed", [False, True])
def test_an_answer_about_another_pair_is_refused_before_its_state_is_read(
    name, told, accept_unnamed
):
    for content in (DOCUMENTED | {name: told}, {name: told}):
        with pytest.raises(MismatchError, match=f"about another {name}$") as caught:
            read(content, accept_unnamed=accept_unnamed)
        assert told not in str(caught.value)
        assert isinstance(caught.value, TransientError)


@pytest.mark.parametrize("content", [{}, {"state": None}, {"state": ""}, {"authorize_time": "x"}])
def test_a_missing_state_is_never_read_as_none_and_not_asked_again(content):
    with pytest.raises(NoStateError, match="has no state") as caught:
        read(NAMED | content)
    assert not isinstance(caught.value, TransientError)


def test_a_new_state_is_kept_verbatim_and_not_asked_again():
    state = "AUTHORIZATION_STATE_FROZEN"
    with pytest.raises(UnrecognizedStateError) as caught:
        read(NAMED | {"state": state})
    assert caught.value.state == state
    assert not isinstance(caught.value, TransientError)
    assert str(caught.value) == f"the answer has an unrecognized state: {state!r}"


@pytest.mark.parametrize(
    "state",
    [
        "ON",
        "authorization_state_on",
        "\ud800\n",
        "AUTHORIZATION_STATE_1",
        "AUTHORIZATION_STATE_" + "X" * 41,
    ],
)
def test_a_state_that_has_not_the_form_of_one_is_not_shown(state):
    with pytest.raises(UnrecognizedStateError) as caught:
        read(NAMED | {"state": state})
    assert caught.value.state == ""
    said = "the answer has an unrecognized state, which is not a valid name of a state"
    assert str(caught.value) == said


def test_a_long_new_state_is_cut_in_the_message():
    with pytest.raises(UnrecognizedStateError) as caught:
        read(NAMED | {"state": "x" * 5000})
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the answer is not JSON$"),
        (b"<html>", "the answer is not JSON$"),
        (b'{"state":"AUTHORIZATION', "the answer is not JSON$"),
        (b"\xff\xfe\xff", "the answer is not JSON$"),
        (b"[" * 60_000, "the answer is not JSON$"),
        (b"1" * 5000, "the answer is not JSON$"),
        (b"[]", "the answer is not a JSON object"),
        (b'"ON"', "the answer is not a JSON object"),
        (b"null", "the answer is not a JSON object"),
        (
            b'{"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o","organization_id":"1004","state":1}',
            "the answer's state is not text",
        ),
        (b'{"openid":7,"state":"AUTHORIZATION_STATE_ON"}', "the answer's openid is not text"),
        (b'{"organization_id":1004}', "the answer's organization_id is not text"),
    ],
)
def test_a_body_that_is_not_what_is_documented_is_not_believed(body, said):
    with pytest.raises(BodyError, match=said) as caught:
        read(body)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2018-06-08T10:34:56+08:00", (2018, 6, 8, 2, 34, 56)),
        ("2018-06-08T10:34:56Z", (2018, 6, 8, 10, 34, 56)),
        ("2018-06-08T10:34:56.250+08:00", (2018, 6, 8, 2, 34, 56, 250_000)),
    ],
)
def test_an_rfc_3339_time_comes_back_in_utc(text, time):
    found = read(DOCUMENTED | {"authorize_time": text}).authorize_time
    assert found == datetime(*time, tzinfo=UTC)
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2018-06-08T10:34:56",
        "2018-13-08T10:34:56+08:00",
        "0001-01-01T00:00:00+08:00",
        "9999-12-31T23:59:59-08:00",
        1528425296,
        None,
        ["2018-06-08T10:34:56+08:00"],
    ],
)
def test_a_time_that_cannot_be_read_is_no_time_and_leaves_the_state_true(text):
    answer = read(DOCUMENTED | {"authorize_time": text})
    assert (answer.authorize_time, answer.state) == (None, AuthorizationState.NONE)
