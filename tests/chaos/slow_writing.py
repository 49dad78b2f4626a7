"""Imported by a worker first: it takes a second to write a part, and says that it has begun."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from jobs.cluster.tasks import part_task
from jobs.cluster.tasks.part_task import PartTask

BEGUN: Final = "writing-"
"""What the name of the file begins with that says so; the worker's process id follows."""
_write: Final = part_task.write_here


def _write_slowly(task: PartTask) -> Path:
    Path(f"{BEGUN}{os.getpid()}").touch()
    time.sleep(1.0)  # real: long enough for a test to see it
    return _write(task)


part_task.write_here = _write_slowly
