"""What the command does with the answers of tasks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jobs.cluster.tasks.task import AskTask, TaskResult

__all__ = ["TaskStore"]


@dataclass(frozen=True, slots=True)
class TaskStore:
    """What becomes of a task's answers.

    Attributes:
        take: Takes the outcomes of a finished attempt; it is called in a thread.
        restore: Takes what the journals hold of a task whose attempt cannot be waited for.
        progress: Returns a number that grows with each answer in the journals of a task.
    """

    take: Callable[[TaskResult], None]
    restore: Callable[[AskTask], None]
    progress: Callable[[AskTask], int]
