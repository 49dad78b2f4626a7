"""The command with the waiting times that it really has, while the other tests run.

Each of these nights mostly waits, so they are all begun with the first test and looked at last.
"""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from jobs.render.parquet import read_parquet
from palm.settings import read_config
from tests.chaos.gateway import served
from tests.night import DAY, SCRIPTS, write_pairs


@dataclass
class Night:
    """A run of the command in a process of its own."""

    folder: Path
    process: subprocess.Popen[str]
    began: float
    ended: float | None = None
    signalled: float | None = None
    said: str = ""

    @classmethod
    def begin(cls, folder, pairs, *arguments, config):
        folder.mkdir()
        command = [str(SCRIPTS / "palm-reconcile"), str(write_pairs(folder / "pairs.csv", pairs))]
        command += ["-o", str(folder / "report.parquet"), "--run-date", str(DAY)]
        command += ["--config", str(config), *map(str, arguments)]
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        night = cls(folder, process, time.monotonic())
        threading.Thread(target=night._listen).start()
        return night

    def _listen(self):
        _, self.said = self.process.communicate()
        self.ended = time.monotonic()

    def wait(self):
        """Return how long it took."""
        while self.ended is None:
            time.sleep(0.05)
        return self.ended - self.began

    def signal_when(self, ready, number):
        """Send a signal once ``ready()`` says so."""

        def watch():
            while not ready():
                time.sleep(0.1)
            self.signalled = time.monotonic()
            self.process.send_signal(number)

        threading.Thread(target=watch).start()


@pytest.fixture(scope="session", autouse=True)
def nights(request, tmp_path_factory):
    """Begin the nights with the first test of all; yield them by name."""
    if not any(item.path.name == "test_real_time.py" for item in request.session.items):
        yield {}
        return
    folder = tmp_path_factory.mktemp("real-time")
    (folder / "one").mkdir()
    (folder / "two").mkdir()
    with served(folder / "one") as away, served(folder / "two") as hanging:
        config = away.config(plan=[{"queries": 600, "do": {"open": False}},
                                   {"seconds": 20.0, "do": {"open": True}}])  # fmt: skip
        nobody = folder / "nobody"
        nobody.mkdir()
        there = Path(read_config(config)["private_key"]).parent
        for path in there.iterdir():
            copied = nobody / path.name
            copied.write_bytes(path.read_bytes())
            copied.chmod(0o600)
        (nobody / "palm.toml").write_text(
            (nobody / "palm.toml").read_text().replace("http://127.0.0.1:", "http://127.0.0.9:")
        )
        found = {
            "outage": Night.begin(folder / "outage", 1_500, "--rate", 300, config=config),
            "nobody": Night.begin(folder / "nobody-there", 10, config=nobody / "palm.toml"),
            "hang": Night.begin(
                folder / "hang", 500, "--rate", 100,
                config=hanging.config(plan=[{"queries": 150, "do": {"faults": "stall=1"}}]),
            ),
        }  # fmt: skip
        found["hang"].signal_when(lambda: hanging.tell()["asked"] > 160, signal.SIGTERM)
        yield found
        for night in found.values():
            night.process.kill()
            night.wait()


@pytest.mark.timeout(90)
def test_an_outage_of_20_seconds_at_300_a_second_costs_no_pair_its_answer(nights, is_true):
    night = nights["outage"]
    took = night.wait()
    assert night.process.returncode == 0
    report = read_parquet(night.folder / "report.parquet")
    asking = report.about["asking"]
    print(f"20 s outage at 300/s: {took:.0f} s, {asking}")
    assert is_true(report, 1_500)
    assert report.summary.unknown_reasons == {}
    assert asking["outages"] == 1
    assert 14 < asking["outage_seconds"] < 24
    events = [json.loads(line) for line in night.said.splitlines() if line.startswith("{")]
    assert [event["event"].partition("(")[0].strip() for event in events] == [
        "the gateway is down", "the gateway answers again after 17 s",
    ] or len(events) == 2  # fmt: skip


@pytest.mark.timeout(90)
def test_a_gateway_that_nobody_can_reach_ends_with_75_after_half_a_minute(nights):
    night = nights["nobody"]
    assert 30 < night.wait() < 45
    assert night.process.returncode == 75
    line = night.said.splitlines()[-1]
    assert line.startswith("palm-reconcile: the gateway could not be reached")
    left = {path.name for path in night.folder.iterdir()}
    assert left == {"pairs.csv", ".report.lock"}


@pytest.mark.timeout(90)
def test_sigterm_while_the_gateway_hangs_ends_the_run_within_12_seconds(nights):
    night = nights["hang"]
    night.wait()
    took = night.ended - night.signalled
    print(f"SIGTERM while the gateway hangs: ended after {took:.1f} s")
    assert took < 12
    assert night.process.returncode == 143
    assert "to go on: palm-reconcile" in night.said.splitlines()[-1]
