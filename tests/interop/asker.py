"""Clients that are written in other languages, each in a process that answers line by line."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NODE = Path(__file__).parent / "node"


class Asker:
    """Asks a script of the folder ``node``, one JSON object a line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, action: str, config: dict[str, Any], **question: Any) -> dict[str, Any]:
        """Return what came of a question: its ``status`` and ``data``, or what was wrong."""
        line = json.dumps({"action": action, "config": config, **question})
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def running(script: str) -> Iterator[subprocess.Popen[str]]:
    """Yield the process of a script, which runs while this lasts."""
    with subprocess.Popen(
        ["node", str(NODE / script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
    ) as process:
        yield process
        process.stdin.close()
