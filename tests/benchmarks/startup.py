"""How soon ``palm-reconcile --help`` answers, as a multiple of importing what parses its options.

Run: ``python -m tests.benchmarks.startup``. Each round starts both, one after the other.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from tests.benchmarks.result import Spread, finish, markdown, options

TARGET: Final = 2.0
_COMMANDS: Final = {
    'python -c "import click"': [sys.executable, "-c", "import click"],
    "palm-reconcile --help": [str(Path(sys.executable).with_name("palm-reconcile")), "--help"],
}


def seconds(command: list[str]) -> float:
    """Return how long a command takes from start to exit."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    given = options(__doc__, rounds=15).parse_args()
    for command in _COMMANDS.values():
        seconds(command)  # the files are in the system's cache from here on
    rounds = [
        {name: seconds(command) for name, command in _COMMANDS.items()} for _ in range(given.rounds)
    ]
    click, help_page = _COMMANDS
    ratio = Spread.of(each[help_page] / each[click] for each in rounds)
    rows = [
        [f"`{name}`", Spread.of(each[name] * 1e3 for each in rounds).text(0)] for name in _COMMANDS
    ]
    rows.append(["the one over the other", ratio.text()])
    text = f"Median of {given.rounds} (least to most); at most {TARGET} is wanted.\n\n"
    text += markdown(["", "ms"], rows)
    finish(given, text, {"target": TARGET, "ratio": ratio._asdict(), "rounds_s": rounds})


if __name__ == "__main__":
    main()
