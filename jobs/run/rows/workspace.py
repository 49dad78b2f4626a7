"""Where a run of several partitions keeps what does not fit into memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

from jobs.errors import OutputError
from jobs.store.files.filesystem import DISK_FULL, reason_of
from jobs.store.locations import Sidecars
from jobs.store.work_folder import WorkFolder, clean_work
from palm.clock import elapsed_seconds

__all__ = ["Workspace"]


class Workspace:
    """The work folder beside the report or, where none may be written, a temporary one.

    It is made when it is first needed, and what is in it is removed at the end, but for journals.

    Args:
        files: Names the files beside the report, whose lock is held; None: no file is written.

    Attributes:
        began_s: When it was made, as ``palm.Clock.elapsed`` counts; no other run writes this report
            since then.
    """

    def __init__(self, files: Sidecars | None) -> None:
        self._files = files
        self.began_s: float = elapsed_seconds()
        self._stack = ExitStack()
        self._temporary: Path | None = None
        self._work: WorkFolder | None = None

    def __enter__(self) -> Self:
        if self._files is not None:
            clean_work(self._files)
            self._stack.callback(clean_work, self._files)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def folder(self, name: str) -> Path:
        """Make a folder for files that the run needs until it ends; return its absolute path.

        Raises:
            OSError: It cannot be made.
            OutputError: No work folder can be made.
        """
        if self._files is not None:
            return self._opened(self._files).scratch(name).resolve()
        with _reporting():
            if self._temporary is None:
                made = tempfile.TemporaryDirectory(prefix="palm-reconcile-")
                self._temporary = Path(self._stack.enter_context(made))
            folder = self._temporary.resolve() / name
            folder.mkdir(exist_ok=True)
        return folder

    def journals(self, run_date: date) -> Path | None:
        """Make the folder of the journals of a run date; return None where no file is written.

        Raises:
            OSError: It cannot be made.
            OutputError: No work folder can be made.
        """
        return None if self._files is None else self._opened(self._files).journals(run_date)

    def _opened(self, files: Sidecars) -> WorkFolder:
        self._work = self._work or WorkFolder.open(files)
        return self._work

    @contextmanager
    def reporting_errors(self) -> Iterator[None]:
        """Raise the error that the operator reads where a file in it cannot be read or written.

        As long as the run has no such file, errors are left as they are.

        Raises:
            OutputError: The block raised OSError.
        """
        try:
            yield
        except OSError:
            if self._work is not None:
                with self._work.reporting_errors():
                    raise
            if self._temporary is not None:
                with _reporting():
                    raise
            raise


@contextmanager
def _reporting() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in DISK_FULL
        raise OutputError(
            f"the folder for temporary files {tempfile.gettempdir()} cannot be used: "
            f"{reason_of(error)}; {'free space' if full else 'name another one in TMPDIR'}",
            again=full,
        ) from None
