"""The evidence of one date in a folder: its files, and the manifests that they replaced."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from jobs.errors import InputError
from jobs.evidence.manifest import Manifest, ManifestError, sha256_of
from jobs.partitions.file_names import part_file
from jobs.store.days import parts_in
from jobs.store.files.filesystem import reason_of, remove
from jobs.store.locations import day_folder, day_folders
from palm.files.regular import open_regular

__all__ = ["EvidenceDay", "expired", "file_sha256"]

_MANIFEST: Final = "manifest"
_JSON: Final = ".json"
_BLOCK: Final = 1024 * 1024


def file_sha256(*paths: Path) -> str:
    """Return the sha256 of a file, as hexadecimal digits; of several, of all their bytes in turn.

    Raises:
        OSError: One cannot be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        with open_regular(path) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class EvidenceDay:
    """The folder of one date.

    Attributes:
        path: The folder, ``evidence/run_date=2026-11-21``.
    """

    path: Path

    @classmethod
    def of(cls, folder: Path, run_date: date) -> EvidenceDay:
        """Return the folder of a date in a folder of evidence."""
        return cls(day_folder(folder, run_date))

    @property
    def manifest(self) -> Path:
        """The path of the manifest."""
        return self.path / f"{_MANIFEST}{_JSON}"

    def replaced_manifest(self, run_id: str) -> Path:
        """Return the path at which the manifest of a run that was replaced stays."""
        return self.path / f"{_MANIFEST}.{run_id}{_JSON}"

    def part(self, number: int) -> Path:
        """Return the path of one evidence file."""
        return self.path / part_file(number)

    def parts(self) -> list[Path]:
        """Return the evidence files that exist, in their order.

        Raises:
            OSError: The folder cannot be listed.
        """
        return parts_in(self.path)

    def manifests(self) -> Iterator[bytes]:
        """Yield each manifest's content: the current one's, then replaced ones', newest first.

        One that cannot be read is left out.
        """
        replaced = sorted(self.path.glob(f"{_MANIFEST}.*{_JSON}"), reverse=True)
        for path in [self.manifest, *replaced]:
            try:
                with open_regular(path) as file:
                    yield file.read()
            except OSError:
                continue

    def remove(self) -> None:
        """Remove what belongs to the evidence and, if it is then empty, the folder; if possible."""
        with suppress(OSError):
            for path in [*self.parts(), *self.path.glob(f"{_MANIFEST}*{_JSON}")]:
                remove(path)
            self.path.rmdir()

    def newest_sha256(self) -> str | None:
        """Return the sha256 of the current manifest, or of the newest replaced one; None: none."""
        content = next(self.manifests(), None)
        return None if content is None else sha256_of(content)

    def read_manifest(self) -> Manifest:
        """Return the manifest.

        Raises:
            InputError: There is none, or it cannot be read.
        """
        path = self.manifest
        try:
            with open_regular(path) as file:
                return Manifest.from_bytes(file.read())
        except FileNotFoundError:
            raise InputError(
                f"{self.path} has no evidence: there is no {path.name}; name the folder that "
                "palm-reconcile --evidence wrote"
            ) from None
        except OSError as error:
            raise InputError(f"{path} cannot be read: {reason_of(error)}") from None
        except ManifestError as error:
            raise InputError(f"{path}: {error}") from None


def expired(folder: Path, *, keep_days: int, run_date: date, today: date) -> list[EvidenceDay]:
    """Return the nights of a folder whose evidence is older than ``keep_days`` days, oldest first.

    Args:
        folder: The folder of evidence.
        keep_days: Days, counted back from the earlier of ``run_date`` and ``today``.
        run_date: The run date of the newest report.
        today: The date in the run's time zone.
    """
    last = min(run_date, today)
    if keep_days >= last.toordinal():
        return []
    oldest = last - timedelta(days=keep_days)
    return [
        EvidenceDay(path) for day, path in reversed(day_folders(folder).items()) if day < oldest
    ]
