"""palm.http.answer: whatever comes makes a documented error, fit to show and to store."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from palm.errors import APIError, BodyError
from palm.http.answer import error_of

OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
HEADER = st.binary(max_size=40).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
TEXT = st.lists(st.text(st.characters()) | st.just(OPENID), max_size=12).map("".join)
BODY = st.binary() | st.fixed_dictionaries(
    {}, optional={"code": TEXT | st.integers(), "message": TEXT | st.none(), "detail": TEXT}
).map(lambda members: json.dumps(members).encode())


@given(
    status=st.integers(100, 999),
    request_id=HEADER,
    retry_after=HEADER | st.integers().map(str),
    body=BODY,
)
def test_whatever_comes_has_an_error_that_can_be_shown_and_stored(
    status, request_id, retry_after, body
):
    headers = CIMultiDict({"request-id": request_id, "retry-after": retry_after})
    error = error_of(status, headers, body, verified=False, private=(OPENID,))
    if status in {200, 201, 204}:
        assert error is None
        return
    assert isinstance(error, APIError | BodyError)
    assert error.status == status
    shown = f"{error}{error.request_id}{getattr(error, 'code', '')}"
    assert shown.encode()
    assert OPENID not in shown
    assert 0 <= (getattr(error, "retry_after_s", None) or 0) <= 3600
