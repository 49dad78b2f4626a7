"""Whether report and evidence are the files that the manifest names, and its chain of nights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from jobs.errors import InputError
from jobs.evidence.folder import EvidenceDay, file_sha256
from jobs.evidence.manifest import Manifest, ManifestError, sha256_of
from jobs.report.parquet import stored_files
from jobs.store.files.filesystem import reason_of

__all__ = [
    "FILE_EXIT_CODES",
    "Chain",
    "Fault",
    "check_files",
    "follow_chain",
    "report_files",
    "sha256_of_file",
]

_MOST_NIGHTS: Final = 100_000


class Fault(StrEnum):
    """What is wrong with a file."""

    NOT_PUBLISHED = "NOT_PUBLISHED"
    """The report was filtered or converted, so it cannot be the published file."""
    OTHER_REPORT = "OTHER_REPORT"
    """The report is not the file that the manifest names."""
    OTHER_EVIDENCE = "OTHER_EVIDENCE"
    """An evidence file is not the one that the manifest names, or is missing."""
    OTHER_BASELINE = "OTHER_BASELINE"
    """The baseline is not the report that this one was compared with."""
    OTHER_BEFORE = "OTHER_BEFORE"
    """A previous_state is not the baseline's known_state."""
    BROKEN_CHAIN = "BROKEN_CHAIN"
    """A night has manifests, and none of them is the one that the next night names."""


FILE_EXIT_CODES: Final[Mapping[Fault, int]] = {
    Fault.NOT_PUBLISHED: 3,
    Fault.OTHER_REPORT: 5,
    Fault.OTHER_EVIDENCE: 5,
    Fault.OTHER_BASELINE: 5,
    Fault.OTHER_BEFORE: 5,
    Fault.BROKEN_CHAIN: 5,
}
"""The exit code of a check that found one."""


def check_files(
    day: EvidenceDay, manifest: Manifest, reports: Sequence[Path], *, is_whole: bool
) -> dict[Fault, str]:
    """Return what is wrong with the files of a night, and with which.

    Args:
        day: The evidence.
        manifest: Its manifest.
        reports: The report's files.
        is_whole: False if the report says that it was filtered or converted.

    Raises:
        InputError: A file cannot be read.
    """
    faults: dict[Fault, str] = {}
    digests = {sha256_of_file(path): path.name for path in reports}
    if set(digests) != set(manifest.reports.values()):
        fault = Fault.OTHER_REPORT if is_whole else Fault.NOT_PUBLISHED
        named = set(manifest.reports.values())
        others = [name for digest, name in digests.items() if digest not in named]
        faults[fault] = (others or list(digests.values()))[0]
    present = {path.name: path for path in day.parts()}
    for name in sorted({*present, *manifest.parts}):
        path = present.get(name)
        if path is None or sha256_of_file(path) != manifest.parts.get(name):
            faults.setdefault(Fault.OTHER_EVIDENCE, name)
    return faults


def report_files(path: Path) -> list[Path]:
    """Return the files of a report: the file itself, or the parts in a day's folder.

    Raises:
        InputError: The folder cannot be listed.
    """
    try:
        return stored_files(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {reason_of(error)}") from None


def sha256_of_file(*paths: Path) -> str:
    """Return the sha256 of a file; of several, of all their bytes in turn.

    Raises:
        InputError: One cannot be read.
    """
    try:
        return file_sha256(*paths)
    except OSError as error:
        path = error.filename or paths[0]
        raise InputError(f"{path} cannot be read: {reason_of(error)}") from None


@dataclass(frozen=True, slots=True)
class Chain:
    """The nights that lead from a manifest back to the first one that is kept.

    Attributes:
        nights: How many manifests hold together, this one included.
        broken_at: The folder in which none is the one that the next night names; None: none is.
    """

    nights: int
    broken_at: Path | None = None


def follow_chain(folder: Path, manifest: Manifest) -> Chain:
    """Return how far the manifests of a folder lead back from one of them.

    A night whose folder is gone (``--keep-evidence``), or that had no evidence, ends the chain. Of
    a night that was corrected any manifest may be named, for it was current once.

    Args:
        folder: The folder of evidence.
        manifest: The last night's.
    """
    nights, link = 1, manifest.baseline
    while link is not None and link.manifest is not None and nights < _MOST_NIGHTS:
        day = EvidenceDay.of(folder, link.run_date)
        found = {sha256_of(content): content for content in day.manifests()}
        if not found:
            return Chain(nights)
        content = found.get(link.manifest)
        try:
            before = None if content is None else Manifest.from_bytes(content)
        except ManifestError:
            before = None
        if before is None or link.report != before.report:
            return Chain(nights, day.path)
        nights, link = nights + 1, before.baseline
    return Chain(nights)
