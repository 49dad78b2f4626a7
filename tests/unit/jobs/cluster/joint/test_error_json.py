"""An error is judged by the command as it would have been by the process that saw it."""

from __future__ import annotations

import inspect
import json

import pytest

from jobs.cluster.joint.error_json import error_from_json, error_to_json
from jobs.sweep.answers import reason_of
from palm import errors
from palm.errors import (
    BodyError,
    CertificateRefusedError,
    DisconnectedError,
    ForbiddenError,
    MismatchError,
    NoStateError,
    PalmError,
    RefusedError,
    ServerError,
    SignatureError,
    SignatureReason,
    ThrottledError,
    TimedOutError,
    UnauthorizedError,
    UnrecognizedStateError,
)
from palm.errors.remedies import diagnose

SEEN = [
    UnauthorizedError(401, "SIGN_ERROR", "签名错误", request_id="08-0"),
    ForbiddenError(403, "NO_AUTH", "no permission", verified=True),
    RefusedError(404, "RESOURCE_NOT_EXISTS", None),
    ServerError(502),
    ThrottledError(429, "FREQUENCY_LIMITED", retry_after_s=3.0),
    SignatureError("wrong", SignatureReason.UNKNOWN_SERIAL, serial="PUB_KEY_ID_1"),
    SignatureError("stale", SignatureReason.STALE, skew_s=-301),
    SignatureError("again", SignatureReason.REPLAYED),
    MismatchError("another person"),
    BodyError("not JSON"),
    NoStateError("no state"),
    UnrecognizedStateError("AUTHORIZATION_STATE_FROZEN"),
    TimedOutError("no response in 15 s"),
    DisconnectedError("the connection broke"),
    CertificateRefusedError("host", "self-signed", 18),
]


@pytest.mark.parametrize("error", SEEN, ids=lambda error: f"{type(error).__name__}-{error}")
def test_it_comes_back_as_it_was(error):
    error.attempts, error.outage = 3, True
    back = error_from_json(json.loads(json.dumps(error_to_json(error), allow_nan=False)))
    assert type(back) is type(error)
    assert (str(back), back.status, back.attempts, back.outage) == (
        str(error),
        error.status,
        3,
        True,
    )
    assert (diagnose(back), reason_of(back)) == (diagnose(error), reason_of(error))


def test_what_cannot_be_json_is_left_out():
    error = ForbiddenError(403, "NO_AUTH")
    error.headers = {"Request-ID": "08-0"}
    error.add_note("a note")
    back = error_from_json(error_to_json(error))
    assert (dict(back.headers), hasattr(back, "__notes__")) == ({}, False)


def test_every_error_of_the_package_has_a_name_there():
    def kinds(kind):
        return {kind}.union(*map(kinds, kind.__subclasses__()))

    ours = {kind for kind in kinds(PalmError) if kind.__module__.startswith("palm.errors")}
    known = {each for _, each in inspect.getmembers(errors, inspect.isclass)}
    assert ours <= known


@pytest.mark.parametrize("kind", ["SystemExit", "base", "annotations", "ErrorDetail"])
def test_what_is_no_error_of_ours_is_refused(kind):
    with pytest.raises(ValueError, match="is not an error of this version"):
        error_from_json({"kind": kind, "args": [], "attributes": {}})
