"""Nights with the waiting times that the command really has: they run while the other tests do."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from palm.settings import read_config
from tests.chaos.gateway import served
from tests.night import DAY, SCRIPTS, without_times, write_pairs


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
        self.said = without_times(self.process.communicate()[1])
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


@contextmanager
def begun(folder):
    """Begin the nights; yield them by name."""
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
