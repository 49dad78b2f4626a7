"""Errors travel: to another process, and into a copy."""

from __future__ import annotations

import copy
import importlib
import pickle
import pkgutil

import pytest
from multidict import CIMultiDict

import jobs
import palm
from palm.errors import SignatureReason
from palm.http.answer import Answer, error_of
from palm.sandbox.requests.rejections import RejectionReason


def pickled(protocol):
    return lambda error: pickle.loads(pickle.dumps(error, protocol))  # noqa: S301 - our own


WAYS = {
    **{f"protocol {each}": pickled(each) for each in range(pickle.HIGHEST_PROTOCOL + 1)},
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}
ARGUMENTS = {
    "APIError": ((429, "FREQUENCY_LIMITED", "too many"), {"verified": True, "retry_after_s": 2.0}),
    "CertificateRefusedError": (("api.mch.weixin.qq.com", "expired", 10), {}),
    "Rejection": (
        (RejectionReason(400, "PARAM_ERROR", 1, "错误", "wrong"), {"field": "openid"}),
        {},
    ),
    "SignatureError": (("wrong", SignatureReason.WRONG), {"serial": "PUB_KEY_ID_1", "skew_s": 3}),
    "RunError": (("wrong",), {"again": True}),
    "UnrecognizedStateError": (("FROZEN",), {}),
}
"""What a class, or the nearest of its bases that is here, is made with; else one text."""


def exception_classes():
    """Return every exception class that a module of ours defines, private ones included."""
    found = set()
    for package in (palm, jobs):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for value in vars(importlib.import_module(module.name)).values():
                if (
                    isinstance(value, type)
                    and issubclass(value, BaseException)
                    and value.__module__.split(".")[0] == package.__name__
                ):
                    found.add(value)
    return sorted(found, key=lambda each: (each.__module__, each.__name__))


def made(kind):
    named = (ARGUMENTS[base.__name__] for base in kind.__mro__ if base.__name__ in ARGUMENTS)
    arguments, more = next(named, (("what is wrong",), {}))
    error = kind(*arguments, **more)
    if isinstance(error, palm.PalmError):
        error.status, error.request_id, error.attempts, error.outage = 503, "08F7", 4, True
    error.add_note("in pair 3")
    return error


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", exception_classes(), ids=lambda kind: kind.__name__)
def test_an_error_comes_out_of_a_pickle_and_a_copy_as_it_was(kind, way):
    error = made(kind)
    other = WAYS[way](error)
    assert other is not error
    assert type(other) is kind
    assert (str(other), other.args, vars(other)) == (str(error), error.args, vars(error))


def test_the_walk_finds_the_errors_of_both_packages():
    names = {kind.__name__ for kind in exception_classes()}
    assert {"SignatureError", "ReportError", "RuleError", "Rejection", "TerminatedError"} <= names


@pytest.mark.parametrize("way", WAYS)
def test_an_error_that_a_status_means_comes_out_with_its_text(way):
    body = b'{"code": "FREQUENCY_LIMITED", "message": "too many"}'
    error = error_of(429, {"Request-ID": "08F7", "Retry-After": "2"}, body, verified=True)
    other = WAYS[way](error)
    assert str(other) == str(error) == "HTTP 429: FREQUENCY_LIMITED (too many)"
    assert (other.retry_after_s, other.verified, other.request_id) == (2.0, True, "08F7")


@pytest.mark.parametrize("way", WAYS)
def test_an_error_taken_out_of_a_pickle_keeps_what_was_taken_out_of_it(way):
    error = palm.APIError(400, "PARAM_ERROR", "openid o-1234567890 is wrong")
    error.take_out(["o-1234567890"])
    assert "1234567890" not in str(error)
    other = WAYS[way](error)
    assert (str(other), other.message) == (str(error), error.message)


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_comes_out_of_a_pickle_and_a_copy_as_it_was(way):
    headers = CIMultiDict({"Request-ID": "08F7"})
    answer = Answer(200, headers, b'{"a": 1}', "PUB_KEY_ID_1", 2, ("o-1",))
    other = WAYS[way](answer)
    assert other == answer
    assert (other.headers["request-id"], other.json(), other.private) == (
        "08F7",
        {"a": 1},
        ("o-1",),
    )
