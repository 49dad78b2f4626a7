"""What a process made by ``os.fork()`` must not take over from its parent.

A fork copies the memory but only one thread, and shares all descriptors. In the child, a lock that
another thread held stays locked, an event loop of another thread never runs again, and closing a
connection through that loop would disturb the parent, because the two share one ``epoll``. So
objects that have such things forget them in the child, before it does anything else.

May import nothing of the project.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol

__all__ = ["Forkable", "reset_in_child"]


class Forkable(Protocol):
    """An object with threads, locks, connections or an event loop."""

    def after_fork(self) -> None:
        """Forget what belongs to the parent process, without closing it. Runs in the child."""


_objects: weakref.WeakSet[Forkable] = weakref.WeakSet()


def reset_in_child(forkable: Forkable) -> None:
    """Call ``after_fork`` in every process that is forked from this one, while the object lives."""
    _objects.add(forkable)


def _after_fork_in_child() -> None:
    for each in list(_objects):
        each.after_fork()


if hasattr(os, "register_at_fork"):  # Windows cannot fork
    os.register_at_fork(after_in_child=_after_fork_in_child)
