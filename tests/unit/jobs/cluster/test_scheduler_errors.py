"""Why no scheduler can be reached is told in words."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl

import pytest
from distributed import Security
from distributed.comm.core import CommClosedError

from jobs.cluster.scheduler_errors import check_tls, unreachable
from jobs.errors import NotNowError, UsageError
from tests.tls import Authority

ADDRESS = "tls://scheduler.example:8786"
CA, CERT, KEY = (
    f"DASK_DISTRIBUTED__COMM__TLS__{name}" for name in ("CA_FILE", "CLIENT__CERT", "CLIENT__KEY")
)


@pytest.fixture
def settings(tmp_path):
    """Return a function that makes TLS settings of Dask's, all there but for what is told."""
    authority = Authority(tmp_path)
    authority.server("127.0.0.1")
    both = str(tmp_path / "server.pem")
    usual = {"tls_ca_file": str(authority.file), "tls_client_cert": both, "tls_client_key": both}
    return lambda **given: Security(**(usual | given))


def test_settings_that_can_be_used_are_no_error(settings):
    check_tls(ADDRESS, settings())


def test_without_tls_none_are_needed():
    check_tls("tcp://127.0.0.1:8786", Security())


@pytest.mark.parametrize(
    ("name", "variable"), [("tls_ca_file", CA), ("tls_client_cert", CERT), ("tls_client_key", KEY)]
)
def test_a_setting_that_is_missing_and_a_file_that_is_not_there_are_named(
    settings, tmp_path, name, variable
):
    with pytest.raises(UsageError) as missing:
        check_tls(ADDRESS, settings(**{name: None}))
    assert str(missing.value) == f"--cluster {ADDRESS} needs Dask's TLS settings: set {variable}"
    nowhere = str(tmp_path / "nowhere.pem")
    with pytest.raises(UsageError) as gone:
        check_tls(ADDRESS, settings(**{name: nowhere}))
    assert str(gone.value) == f"{variable}: the file {nowhere} does not exist"


def test_the_key_of_another_certificate_is_refused(settings, tmp_path):
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    other.server("127.0.0.1")
    with pytest.raises(UsageError, match=f"key values mismatch.*: check {CA}, {CERT}, {KEY}$"):
        check_tls(ADDRESS, settings(tls_client_key=str(tmp_path / "other" / "server.pem")))


def test_a_file_that_holds_no_certificate_is_refused(settings, tmp_path):
    (tmp_path / "empty.pem").write_text("nothing\n")
    with pytest.raises(UsageError, match=r"^Dask's TLS settings cannot be used \("):
        check_tls(ADDRESS, settings(tls_client_cert=str(tmp_path / "empty.pem")))


def test_a_certificate_may_stand_in_the_setting_itself(settings, tmp_path):
    check_tls(ADDRESS, settings(tls_client_cert=(tmp_path / "server.pem").read_text()))


def refused():
    """Return the error of a certificate that is not trusted."""
    error = ssl.SSLError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    error.reason = "CERTIFICATE_VERIFY_FAILED"
    return error


def caused(error, *causes):
    """Return an error that was raised because of others, the last of which came first."""
    first = error
    for cause in causes:
        error.__cause__ = cause
        error = cause
    return first


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            caused(
                OSError("Timed out trying to connect"),
                CommClosedError("in <object>: ConnectionRefusedError"),
                ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED)),
            ),
            (
                f"no scheduler answers at {ADDRESS} (Connection refused): start it with dask "
                "scheduler --protocol tls --port 8786 --dashboard-address 127.0.0.1:0, or check "
                "the address and Dask's TLS settings"
            ),
        ),
        (
            caused(OSError("Timed out after 15 s"), TimeoutError(), asyncio.CancelledError()),
            f"no scheduler answers at {ADDRESS} (Timed out after 15 s): start it with",
        ),
        (
            MemoryError("Unable to allocate 3.01 EiB"),
            f"no scheduler answers at {ADDRESS} (another server listens there): start it with",
        ),
        (TimeoutError(), f"no scheduler answers at {ADDRESS} (no answer): start it with"),
        (
            caused(CommClosedError("x"), refused()),
            (
                f"the scheduler at {ADDRESS} and this command do not trust each other "
                "(certificate verify failed): check that "
            ),
        ),
    ],
)
def test_what_it_was_caused_by_tells_why(error, said):
    found = unreachable(ADDRESS, error)
    assert isinstance(found, NotNowError)
    assert str(found).startswith(said)


def test_a_scheduler_without_tls_is_told_from_one_that_is_not_trusted():
    """It greets with bytes of Dask; the error is what this machine's OpenSSL makes of them."""
    here, there = socket.socketpair()
    with here, there:
        there.sendall((24).to_bytes(8, "little") + bytes(24))
        context = ssl.create_default_context()
        with pytest.raises(ssl.SSLError) as error:
            context.wrap_socket(here, server_hostname="127.0.0.1")
    assert str(unreachable(ADDRESS, caused(CommClosedError("x"), error.value))) == (
        f"what listens at {ADDRESS} does not speak TLS: start the scheduler with dask scheduler "
        "--protocol tls --port 8786 --dashboard-address 127.0.0.1:0, or check the address"
    )


def test_a_scheduler_without_tls_may_speak_before_it_is_listened_to():
    error = ValueError("IOStream is not idle; cannot convert to SSL")
    assert str(unreachable(ADDRESS, caused(CommClosedError("x"), error))).startswith(
        f"what listens at {ADDRESS} does not speak TLS: start the scheduler with dask scheduler "
    )


def test_a_scheduler_with_tls_may_be_what_answers_nothing_without_it():
    error = ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
    assert str(unreachable("tcp://127.0.0.1:8786", error)) == (
        "no scheduler answers at tcp://127.0.0.1:8786 (Connection reset by peer): start it with "
        "dask scheduler --host 127.0.0.1 --port 8786 --dashboard-address 127.0.0.1:0, or check the "
        "address, which begins with tls:// where the scheduler has TLS"
    )
