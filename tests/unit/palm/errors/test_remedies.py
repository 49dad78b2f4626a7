"""Notes of errors advise what ``palm check`` would, once, and hold nothing of the request."""

from __future__ import annotations

import pytest

from palm import (
    ConnectError,
    MismatchError,
    PacerError,
    SignerError,
    TimedOutError,
    UnauthorizedError,
)
from palm.errors.remedies import add_advice, diagnose


@pytest.mark.parametrize(
    ("error", "note"),
    [
        (UnauthorizedError(401, "SIGN_ERROR", "签名错误"), "private_key does not belong to"),
        (ConnectError("no connection"), "check DNS, firewall and proxy"),
        (TimedOutError("no complete response in time"), "check DNS, firewall and proxy"),
        (SignerError("the signer raised ValueError"), "check the Signer"),
        (PacerError("the pacer raised ValueError"), "check the pacer"),
    ],
)
def test_an_error_has_one_note_with_the_advice(error, note):
    add_advice(error)
    add_advice(error)
    assert len(error.__notes__) == 1
    assert error.__notes__[0].startswith("palm check advises: ")
    assert note in error.__notes__[0]


def test_no_advice_is_no_note():
    error = MismatchError("the answer is about another openid")
    add_advice(error)
    assert not hasattr(error, "__notes__")
    assert diagnose(error) == str(error)
