"""The sandbox in a process of its own, as ``palm sandbox`` starts it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path


@contextmanager
def running_gateway(*options: str, day: date) -> Iterator[Path]:
    """Yield the folder with the keys and ``palm.toml`` of a gateway that runs while this lasts."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "keys"
        command = [sys.executable, "-m", "palm.commands.main", "sandbox", "--port", "0"]
        command += ["--keys", str(folder), "--date", day.isoformat(), *options]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:  # it prints its settings when it listens
                if line.startswith("export PALM_BASE_URL"):
                    break
            try:
                yield folder
            finally:
                process.terminate()
