"""The sandbox in a process of its own, as ``palm sandbox`` starts it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Final

INSTALLED: Final = Path(sys.executable).parent / "palm"
"""The installed command."""


@contextmanager
def running_gateway(*options: str, day: date, palm: Path = INSTALLED) -> Iterator[Path]:
    """Yield the folder with the keys and ``palm.toml`` of a gateway that runs while this lasts.

    Args:
        options: Further options of ``palm sandbox``.
        day: The business date that the gateway shows.
        palm: The command; tests pass the one of ``tests.forkserver``, which starts faster.
    """
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "keys"
        command = [str(palm), "sandbox", "--port", "0"]
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
