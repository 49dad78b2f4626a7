"""Calls to the file system that fail, or at which the process dies, one after the other."""

from __future__ import annotations

import builtins
import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import jobs.store.staging.day_exchange

CHANGING = ("rename", "replace", "unlink", "rmdir", "mkdir", "chmod", "link")
READING = ("stat", "lstat", "listdir", "open")


class KilledError(BaseException):
    """The process is dead: nothing that it would do next is done."""


@dataclass
class FileCalls:
    """Counts the calls about files in a folder, and lets one fail.

    Attributes:
        folder: Only calls about files in it are counted.
        at: The call that fails, counted from 1.
        number: Of the error; None: the process dies before the call.
        late: The call is done, and reported as failed all the same.
        lasting: All calls from this one on that change something fail.
    """

    folder: Path
    at: int
    number: int | None = None
    late: bool = False
    lasting: bool = False
    names: list[str] = field(default_factory=list)

    @property
    def failed(self) -> str | None:
        """The name of the call that failed; None: there were fewer calls."""
        return self.names[self.at - 1] if len(self.names) >= self.at else None

    def call(self, name: str, function: Callable, *given, **named):
        """Make a call that is counted."""
        self.names.append(name)
        count = len(self.names)
        if self.number is None and count >= self.at:
            raise KilledError
        changes = name not in READING
        if count != self.at and not (self.lasting and count > self.at and changes):
            return function(*given, **named)
        if self.late and changes:
            function(*given, **named)
        raise OSError(self.number, os.strerror(self.number or 0))

    def by_path(self, name: str, function: Callable) -> Callable:
        """Return a function that counts its calls about a path in the folder."""

        def call(path, *given, **named):
            if isinstance(path, int) or not Path(os.fspath(path)).is_relative_to(self.folder):
                return function(path, *given, **named)
            return self.call(name, function, path, *given, **named)

        return call

    @contextmanager
    def injected(self, *, exchanges: bool = True) -> Iterator[None]:
        """Let all calls be counted.

        Args:
            exchanges: Whether the file system can exchange two folders.
        """
        module = jobs.store.staging.day_exchange
        exchange = module.exchange if exchanges else _not_offered
        with pytest.MonkeyPatch.context() as patch:
            for name in (*CHANGING, *READING):
                patch.setattr(os, name, self.by_path(name, getattr(os, name)))
            patch.setattr(os, "fsync", lambda descriptor: self.call("fsync", int, descriptor))
            patch.setattr(module, "exchange", self.by_path("exchange", exchange))
            patch.setattr(builtins, "open", self.opening(builtins.open))
            yield

    def opening(self, function: Callable) -> Callable:
        """Return ``open``, whose new files in the folder count what is written to them."""
        calls = self

        class File(io.FileIO):
            def write(self, content):
                return calls.call("write", super().write, content)

        def open_file(path, mode="r", *given, **named):
            if mode != "xb" or not Path(os.fspath(path)).is_relative_to(self.folder):
                return function(path, mode, *given, **named)
            return io.BufferedWriter(File(path, "x", **named))

        return open_file


def _not_offered(one: Path, other: Path) -> None:
    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
