"""Runs a command to its end, and tells what it used."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from resource import struct_rusage

__all__ = ["run_to_end"]


def run_to_end(words: Sequence[str]) -> struct_rusage:
    """Run a command; return what it and the processes that it waited for used.

    It ends this program if the command fails.
    """
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    try:
        said = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    except BaseException:
        process.kill()
        raise
    if process.returncode:
        raise SystemExit(f"palm-reconcile ended with {process.returncode}: {said.decode()}")
    return used
