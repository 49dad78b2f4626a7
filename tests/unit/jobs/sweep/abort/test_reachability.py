"""When a run ends because nobody can be reached, with which code, and what its last line says."""

from __future__ import annotations

import pytest

from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError
from jobs.sweep.abort.reachability import check_reached, unreachable_error
from jobs.sweep.stats import RequestStats
from palm import (
    Attempt,
    CertificateRefusedError,
    ConnectError,
    DisconnectedError,
    LocalResourceError,
    RefusedError,
    ServerError,
    ThrottledError,
    TimedOutError,
)

REFUSED = (
    "no connection: the TLS certificate of gateway.example is refused (self-signed certificate)"
)


def certificate(host="gateway.example", *, everywhere=True):
    error = CertificateRefusedError(host, "self-signed certificate", 18)
    error.everywhere = everywhere
    return error


def tally_of(*errors):
    stats = RequestStats()
    for error in errors:
        stats.attempted(Attempt(0.1, error))
    return stats


def ending(*errors, waited_s=0.0):
    """Return code and line of the end, or None."""
    try:
        check_reached(tally_of(*errors), waited_s, 30.0)
    except RunError as stop:
        return exit_code_of(stop), str(stop)
    return None


NOBODY = ConnectError("no connection: Connection refused")
LACK = LocalResourceError("no connection: this machine has no memory for another connection")


def test_nothing_asked_yet_ends_nothing():
    assert ending(waited_s=99.0) is None


def test_a_certificate_that_is_refused_everywhere_ends_the_run_at_once():
    code, line = ending(NOBODY, certificate())
    assert code == 77
    assert line.startswith(f"{REFUSED}; if that is your own proxy's or gateway's, set ca_file")


def test_the_main_hosts_certificate_is_the_one_that_is_named():
    code, line = ending(certificate(everywhere=False), certificate("backup.example"))
    assert (code, line.split(";")[0]) == (77, REFUSED)


@pytest.mark.parametrize(
    "answer", [None, RefusedError(404), ServerError(502), ThrottledError(429)], ids=repr
)
@pytest.mark.parametrize("first", [True, False])
def test_where_any_host_answered_in_this_run_it_is_an_outage_as_any_other(answer, first):
    errors = (answer, certificate()) if first else (certificate(), answer)
    assert ending(*errors, waited_s=99.0) is None
    assert tally_of(*errors).refused_certificate is None


def test_a_certificate_that_is_refused_by_one_host_is_waited_with_and_then_said():
    """The other host may come back."""
    assert ending(certificate(everywhere=False), NOBODY, waited_s=29.0) is None
    code, line = ending(certificate(everywhere=False), NOBODY, waited_s=30.0)
    assert (code, line.split(";")[0]) == (77, REFUSED)


def test_what_this_machine_lacks_ends_with_75_and_its_own_line():
    assert ending(NOBODY, LACK, waited_s=29.0) is None
    assert ending(NOBODY, LACK, waited_s=30.0) == (75, str(LACK))


def test_nobody_there_ends_with_75_and_what_to_check():
    code, line = ending(LACK, NOBODY, waited_s=31.0)
    assert code == 75
    assert line == (
        "the gateway could not be reached: no connection in 31 s; check base_url, network and proxy"
    )


@pytest.mark.parametrize("error", [TimedOutError("x"), DisconnectedError("x")], ids=repr)
def test_a_connection_that_was_made_leaves_the_rest_to_patience(error):
    assert ending(NOBODY, error, waited_s=99.0) is None
    assert tally_of(certificate(), error).refused_certificate is not None


def test_no_error_at_all_is_said_in_other_words():
    assert "nobody there" in str(unreachable_error(None, "nobody there"))
