"""Nothing that the whole suite logged or printed to standard error holds what nobody may read."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
import structlog

from jobs.observe.log.setup import set_up_logging
from tests.secrecy import Secrecy


def test_the_recorder_hears_what_is_logged_printed_and_said_by_other_processes(secrecy, capfd):
    """So that what the hooks of ``tests/conftest.py`` look through is not empty."""
    set_up_logging("json", level=logging.WARNING)
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


@pytest.mark.parametrize(
    ("workers", "leaks"),
    [
        pytest.param([], True, id="True-one process", marks=pytest.mark.slow),
        pytest.param(["-n", "2"], True, id="True-two processes", marks=pytest.mark.manual),
        pytest.param([], False, id="False-one process", marks=pytest.mark.slow),
        pytest.param(["-n", "2"], False, id="False-two processes", marks=pytest.mark.manual),
    ],
)
def test_a_run_fails_if_a_secret_was_said_in_any_of_its_processes(tmp_path, workers, leaks):
    """The whole suite is judged by the same hooks of ``tests/conftest.py`` when it ends."""
    tests = Path(__file__).parents[1]
    (tmp_path / "conftest.py").write_text("from tests.conftest import *\n")
    said = "o" + "7" * 27
    (tmp_path / "test_it.py").write_text(
        "import logging, pytest\n"
        "@pytest.mark.parametrize('number', range(4))\n"
        "def test_one(secrecy, number):\n"
        f"    secrecy.keep({said!r})\n"
        f"    logging.getLogger('palm').warning('asked about %s', {said if leaks else 'him'!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *workers, "test_it.py"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tests.parent)},
        stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    assert "4 passed" in done.stdout.splitlines()[-1]
    assert (done.returncode, "a secret was said" in done.stdout) == (int(leaks), leaks)
    assert said not in done.stdout
