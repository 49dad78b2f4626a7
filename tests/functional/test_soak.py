"""Thousands of calls in many threads leave nothing behind: no memory, no descriptor, no thread."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CALLS = 6_000
MOST_GROWTH_MB = 3.0
"""What a leak of 600 bytes a call would add, from the first tenth of the calls to the last."""


@pytest.mark.manual
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_nothing_grows_with_the_number_of_calls(tmp_path):
    found = tmp_path / "soak.json"
    command = [sys.executable, "-m", "tests.benchmarks.soak", "--calls", str(CALLS)]
    subprocess.run(
        [*command, "--json", str(found)],
        check=True,
        timeout=110,
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
    )
    numbers = json.loads(found.read_text())
    resident_mb = numbers["resident_mb"]
    assert numbers["wrong"] == 0
    assert numbers["after"] == numbers["before"]
    assert numbers["busy"]["threads"] == numbers["before"]["threads"] + 17  # 16, and the client's
    assert numbers["busy"]["descriptors"] <= numbers["before"]["descriptors"] + 16 + 6
    assert resident_mb[-1] - resident_mb[0] <= MOST_GROWTH_MB
