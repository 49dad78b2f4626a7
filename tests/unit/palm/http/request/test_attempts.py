"""What a caller learns of each attempt, and that its function cannot break anything."""

from __future__ import annotations

import logging

import pytest

from palm import Attempt
from palm.http.request.attempts import AttemptReporter, Exchange

PERSON = "oSecretPerson0123456789abcde"


def fail_with(error):
    def fail(attempt):
        raise error

    return fail


def test_the_function_gets_the_attempt():
    seen = []
    AttemptReporter(seen.append).report(attempt := Attempt(0.1, None, 2))
    assert seen == [attempt]


def test_without_a_function_nobody_reports():
    assert AttemptReporter.of(None) is None


def test_an_exception_is_logged_once_without_its_text(caplog):
    reporter = AttemptReporter(fail_with(KeyError(PERSON)))
    with caplog.at_level(logging.ERROR, logger="palm"):
        for _ in range(3):
            reporter.report(Attempt(0.1, None))
    [record] = caplog.records
    assert record.getMessage().startswith("on_attempt raised KeyError in fail, line ")
    assert PERSON not in record.getMessage()
    assert record.exc_info is None


def test_another_exception_is_logged_too(caplog):
    errors = [KeyError("a"), ValueError("b"), KeyError("c")]

    def fail(attempt):
        raise errors[attempt.number]

    reporter = AttemptReporter(fail)
    for number in range(3):
        reporter.report(Attempt(0.1, None, number))
    assert [record.getMessage().split()[2] for record in caplog.records] == [
        "KeyError",
        "ValueError",
    ]


def test_what_ends_the_program_is_not_held_back():
    with pytest.raises(KeyboardInterrupt):
        AttemptReporter(fail_with(KeyboardInterrupt())).report(Attempt(0.1, None))


def test_an_exchange_knows_nothing_before_a_host_is_chosen():
    exchange = Exchange()
    assert (exchange.host, exchange.status, exchange.request_id(())) == (None, None, None)


def test_an_exchange_shows_host_and_request_id_without_what_is_private():
    exchange = Exchange("https://api.mch.weixin.qq.com/path", 200, {"Request-ID": PERSON})
    assert exchange.host == "api.mch.weixin.qq.com"
    assert exchange.request_id((PERSON,)) == "…"
