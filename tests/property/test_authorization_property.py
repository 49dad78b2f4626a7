"""palm.models: any verified body is an answer about the pair, or a documented error."""

from __future__ import annotations

import json
from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from palm.errors import BodyError, MismatchError, NoStateError, UnnamedError, UnrecognizedStateError
from palm.models import AuthorizationState, read_authorization

ASKED = {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "organization_id": "1004"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
TIME = st.datetimes(timezones=st.timezones()).map(str) | st.text()
MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "openid": st.sampled_from([ASKED["openid"], "oOther", "", None, 7]) | JSON,
        "organization_id": st.sampled_from([ASKED["organization_id"], "1005"]) | JSON,
        "state": st.sampled_from([*AuthorizationState, "AUTHORIZATION_STATE_NEW"]) | JSON,
        "authorize_time": TIME | JSON,
        "more": JSON,
    },
)


def check(body: bytes, *, accept_unnamed: bool) -> None:
    try:
        answer = read_authorization(
            body, **ASKED, request_id=None, verified_by="K", accept_unnamed=accept_unnamed
        )
    except (BodyError, MismatchError, UnnamedError, NoStateError, UnrecognizedStateError) as error:
        assert ASKED["openid"] not in str(error)  # noqa: PT017
        return
    members = json.loads(body)
    assert members["state"] == answer.state
    for name, asked in ASKED.items():
        assert getattr(answer, name) == asked
        assert members.get(name) in ({asked, None, ""} if accept_unnamed else {asked})
    assert answer.echoed == all(members.get(name) for name in ASKED)
    assert answer.authorize_time is None or answer.authorize_time.tzinfo is UTC


@given(members=MEMBERS, accept_unnamed=st.booleans())
def test_any_members_give_a_true_answer_or_a_documented_error(members, accept_unnamed):
    check(json.dumps(members).encode(), accept_unnamed=accept_unnamed)


@given(body=st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_give_a_true_answer_or_a_documented_error(body):
    check(body, accept_unnamed=True)
