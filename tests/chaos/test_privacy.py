"""No openid, key or signature is in anything that people read who need not know it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from palm.settings import read_config
from tests.chaos.test_watching import switch  # noqa: F401 - a fixture
from tests.night import DAY

PEOPLE = 400


def test_a_night_on_which_all_goes_wrong_tells_no_secret(
    gateway,
    start,
    source,
    folder,
    report_path,
    switch,  # noqa: F811
):
    """Searched: standard error with all of ``-v``, metrics, pings, journal, names of files."""
    gateway.tell(faults="nostate=0.1,newstate=0.1,altered=0.1,other=0.1,500=0.1,502=0.05,drop=0.05",
                 denied=["1002"])  # fmt: skip
    config = gateway.config()
    path = source(PEOPLE, ",0042,x", '"o\nx",1,x', "=cmd|x,<b>,x")
    process = start(path, "-o", "report.parquet", "--run-date", DAY, "--rate", 2000, "-v",
                    "--metrics", "palm.prom", "--ping-url", switch.url, config=config)  # fmt: skip
    _, said = process.communicate(timeout=60)
    assert process.returncode == 3, said[-500:]
    assert said.count("no answer") > PEOPLE / 10
    told = gateway.tell(tell=True)
    searched = "\n".join([said, (folder / "palm.prom").read_text(), *switch.paths,
                          *(each.name for each in folder.iterdir())])  # fmt: skip
    openids = {query[0] for query in told["queries"] if len(query[0]) > 9}
    signatures = [re.search(r'signature="([^"]+)"', each)[1] for each in told["authorizations"]]
    key = read_config(config)["private_key"].read_text().splitlines()[1:-1]
    assert len(openids) == PEOPLE
    assert len(signatures) >= PEOPLE
    assert len(key) > 20
    assert [each for each in (*openids, *signatures, *key) if each in searched] == []
    assert "WECHATPAY2" not in searched
    assert "PRIVATE KEY" not in searched


def test_the_recorder_hears_what_is_logged_printed_and_said_by_other_processes(
    secrecy, capfd, folder
):
    """So that the last test below is no empty promise."""
    import logging  # noqa: PLC0415 - where it is used

    import structlog  # noqa: PLC0415

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


def test_the_recorder_finds_a_secret_wherever_it_stands_in_a_line(secrecy):
    own = type(secrecy)()
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
    print(f"{len(secrecy.said):,} lines, {len(secrecy.secrets):,} secrets")
    assert secrecy.secrets
    assert secrecy.told() == []
