"""Nothing that the whole suite logged or printed to standard error holds what nobody may read."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
import structlog

from tests.secrecy import Secrecy


def test_the_recorder_hears_what_is_logged_printed_and_said_by_other_processes(secrecy, capfd):
    """So that the last test below is no empty promise."""
    logging.getLogger("palm").warning("one %s", "heard-1")
    structlog.get_logger("palm.run").warning("two", what="heard-2")
    sys.stderr.write("heard-3\n")
    captured = capfd.readouterr()
    assert "heard-3" in captured.err
    command = "import sys; sys.stderr.write('heard-4')"
    subprocess.run([sys.executable, "-c", command], capture_output=True, check=True)
    heard = "\n".join(secrecy.said)
    for number in (1, 2, 3, 4):
        assert f"heard-{number}" in heard, number


def test_the_recorder_finds_a_secret_wherever_it_stands_in_a_line():
    own = Secrecy()
    own.keep_request(
        "https://h/v3/palmservice/authorization/openid/o0000000000000000000000000%2F?x=1",
        'WECHATPAY2-SHA256-RSA2048 mchid="1",signature="c2lnbmF0dXJlc2lnbmF0dXJl",serial_no="2"',
    )
    own.hear(b"GET /openid/xo0000000000000000000000000%2Fx failed\nall well\n")
    own.hear("{'openid': 'o0000000000000000000000000/'}")
    own.hear("header c2lnbmF0dXJlc2lnbmF0dXJl, and so on")
    assert len(own.told()) == 3


@pytest.mark.last
def test_nothing_that_the_whole_suite_logged_holds_an_openid_a_key_or_a_signature(secrecy):
    assert secrecy.secrets
    assert secrecy.told() == []
