"""Where the journals of a run date lie: one beside the report, or one for each part.

The journal of a run without parts is the hidden file beside the report. That of part 12 of 128 is
``part-00012-of-00128.journal`` in the work folder; it holds the answers about the pairs of that
part, so that its name says for which pairs it is of use, however many parts a later run has. Where
several processes ask, each attempt at a task of theirs has journals of its own, with its label in
their names: ``part-00012-of-00128-LABEL.journal``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from jobs.partitions.file_names import partition_name
from jobs.store.locations import JOURNALS, Sidecars, day_folder

__all__ = [
    "JournalPath",
    "attempt_path",
    "attempts",
    "existing_journals",
    "journal_dates",
    "journal_path",
    "journals_set_aside",
    "remove_journals",
]

_ENDING: Final = ".journal"
_NAME: Final = re.compile(r"part-([0-9]{5})-of-([0-9]{5})(?:-[0-9a-z-]+)?\.journal(\.[a-z]+)?")


@dataclass(frozen=True, slots=True)
class JournalPath:
    """The path of a journal, and its other names.

    Attributes:
        path: Its file.
        bits: How many bits of a pair's hash say whether it is in this journal; 0: all pairs are.
        number: The number that those bits are.
    """

    path: Path
    bits: int = 0
    number: int = 0

    @property
    def damaged(self) -> Path:
        """The path to which it is renamed if it is damaged."""
        return self._ending("damaged")

    @property
    def recovered(self) -> Path:
        """The temporary path of the journal that replaces a damaged one."""
        return self._ending("tmp")

    @property
    def aside(self) -> Path:
        """The path to which it is renamed if it is of another input or version."""
        return self._ending("aside")

    def overlaps(self, bits: int, number: int) -> bool:
        """Return True if it may hold answers about pairs of a partition."""
        shared = min(self.bits, bits)
        return self.number >> (self.bits - shared) == number >> (bits - shared)

    def _ending(self, ending: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{ending}")


def journal_path(
    files: Sidecars, run_date: date, folder: Path | None = None, bits: int = 0, number: int = 0
) -> JournalPath:
    """Return where the journal of a partition of a run date lies.

    Args:
        files: Names the files beside the report.
        run_date: Of the run.
        folder: The folder for the journals of several partitions; None: there is only one.
        bits: How many bits of a pair's hash are the number of its partition.
        number: The number of the partition.
    """
    if folder is None:
        return JournalPath(files.journal(run_date))
    return JournalPath(folder / f"{_stem(bits, number)}{_ENDING}", bits, number)


def attempt_path(folder: Path, label: str, bits: int, number: int) -> JournalPath:
    """Return where the journal of one attempt at a task lies, for the pairs of a partition.

    Args:
        folder: The folder for the journals of the run date.
        label: Which attempt it is: digits and lower-case letters, with hyphens.
        bits: How many bits of a pair's hash are the number of its partition.
        number: The number of the partition.
    """
    return JournalPath(folder / f"{_stem(bits, number)}-{label}{_ENDING}", bits, number)


def attempts(folder: Path, label: str) -> list[JournalPath]:
    """Return the journals of a folder whose label begins with ``label`` and a hyphen."""
    begun = re.compile(rf"part-[0-9]{{5}}-of-[0-9]{{5}}-{re.escape(label)}-")
    return [
        found for found, ending in _in_folder(folder) if not ending and begun.match(found.path.name)
    ]


def existing_journals(files: Sidecars, run_date: date) -> list[JournalPath]:
    """Return the journals of a run date, of however many parts; the one for all pairs is first.

    Args:
        files: Names the files beside the report.
        run_date: Of the run.
    """
    beside = journal_path(files, run_date)
    return [
        *([beside] if _exists(beside.path) else []),
        *(found for found, ending in _of_parts(files, run_date) if not ending),
    ]


def journals_set_aside(files: Sidecars) -> list[tuple[date, JournalPath, Path]]:
    """Return the journals that were renamed: their date, their own path, and the present one."""
    beside = [(day, journal_path(files, day), path) for day, path in files.journals_set_aside()]
    parts = [
        (day, found, found.path.with_name(f"{found.path.name}{ending}"))
        for day in files.journal_folders()
        for found, ending in _of_parts(files, day)
        if ending in {".aside", ".damaged"}
    ]
    return beside + parts


def journal_dates(files: Sidecars) -> list[date]:
    """Return the run dates that may have journals, the newest first."""
    return sorted({*files.journals(), *files.journal_folders()}, reverse=True)


def remove_journals(files: Sidecars, run_date: date) -> None:
    """Remove the journals of a run date and the damaged ones, but none of another input.

    Raises:
        OSError: One cannot be removed.
    """
    parts = {found for found, _ in _of_parts(files, run_date)}
    for each in (journal_path(files, run_date), *parts):
        for path in (each.path, each.damaged, each.recovered):
            path.unlink(missing_ok=True)


def _stem(bits: int, number: int) -> str:
    return f"{partition_name(number)}-of-{1 << bits:05}"


def _of_parts(files: Sidecars, run_date: date) -> Iterator[tuple[JournalPath, str]]:
    """Yield the journals of parts of a run date, each with what follows its own name."""
    for place in files.work_places:
        yield from _in_folder(day_folder(place, run_date) / JOURNALS)


def _in_folder(folder: Path) -> Iterator[tuple[JournalPath, str]]:
    """Yield the journals of parts in a folder, each with what follows its own name."""
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError:  # there is none, or it cannot be listed
        return
    for name in names:
        if not (matched := _NAME.fullmatch(name)):
            continue
        number, count, ending = int(matched[1]), int(matched[2]), matched[3] or ""
        if count > 1 and count.bit_count() == 1 and number < count:
            path = folder / name.removesuffix(ending)
            yield JournalPath(path, count.bit_length() - 1, number), ending


def _exists(path: Path) -> bool:
    """Return True if there is something at a path, whatever it is."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError:  # reading it says why
        return True
    return True
