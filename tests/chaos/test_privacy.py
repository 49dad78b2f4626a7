"""No openid, key or signature is in anything that people read who need not know it."""

from __future__ import annotations

import re

import pytest

from palm.settings import read_config
from tests.chaos.test_watching import switch  # noqa: F401 - a fixture
from tests.night import DAY

PEOPLE = 400


@pytest.mark.slow
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
