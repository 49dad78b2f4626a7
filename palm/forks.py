"""What belongs to one process, and what one made by ``os.fork()`` must not take from its parent.

A fork copies the memory but only one thread, and shares all descriptors. In the child, a lock that
another thread held stays locked, an event loop of another thread never runs again, and closing a
connection through that loop would disturb the parent, because the two share one ``epoll``. So
objects that have such things forget them in the child, before it does anything else.

May import nothing of the project.
"""

from __future__ import annotations

import os
import weakref
from typing import NoReturn, Protocol, TypeVar

__all__ = ["BoundToProcess", "Forkable", "reset_in_child", "shallow_copy"]

T = TypeVar("T")


class Forkable(Protocol):
    """An object with threads, locks, connections or an event loop."""

    def after_fork(self) -> None:
        """Forget what belongs to the parent process, without closing it. Runs in the child."""


class BoundToProcess:
    """A base class of what has connections or threads: it can neither be pickled nor deep-copied.

    Raises:
        TypeError: It is pickled, e.g. as the argument of a task in another process.
    """

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        name = type(self).__name__
        raise TypeError(
            f"{name} cannot be pickled or deep-copied, because it has keys and connections: make "
            f"one in each process, as {name}.from_env() does"
        )


def shallow_copy(original: T) -> T:
    """Return another object of the same class with the same attributes."""
    copied = object.__new__(type(original))
    vars(copied).update(vars(original))
    return copied


_objects: weakref.WeakSet[Forkable] = weakref.WeakSet()


def reset_in_child(forkable: Forkable) -> None:
    """Call ``after_fork`` in every process that is forked from this one, while the object lives."""
    _objects.add(forkable)


def _after_fork_in_child() -> None:
    for each in list(_objects):
        each.after_fork()


if hasattr(os, "register_at_fork"):  # Windows cannot fork
    os.register_at_fork(after_in_child=_after_fork_in_child)
