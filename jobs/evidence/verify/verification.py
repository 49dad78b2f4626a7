"""The check of a report as a whole: its states, its files, the night before, the chain."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from jobs.errors import InputError, UsageError
from jobs.evidence.columns import PAIR
from jobs.evidence.folder import EvidenceDay
from jobs.evidence.manifest import Manifest
from jobs.evidence.outcomes import Outcome, worst
from jobs.evidence.read import EvidenceFiles
from jobs.evidence.verify.check import Checked, check_report
from jobs.evidence.verify.files import (
    FILE_EXIT_CODES,
    Chain,
    Fault,
    check_files,
    follow_chain,
    report_files,
    sha256_of_file,
)
from jobs.evidence.verify.rows import Period
from jobs.evidence.verify.trust import Trust
from jobs.report.model import Report
from palm.crypto.thread_signer import usable_cores

__all__ = ["Verification", "verify_report"]

_NO_OWN_KEY = 3
"""Exit code of a check with nothing but the keys that the evidence itself brings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a check found.

    Attributes:
        checked: The outcomes.
        faults: What is wrong with files, and with which.
        manifest: The manifest of the evidence.
        keys: The fingerprint of each key in the evidence, by its id.
        is_trusted: Whether who checks named a key, or a root.
        issued: The fingerprints of the keys in the evidence whose certificates lead to the root
            that was named; None if none was.
        chain: How far the manifests lead back; None if that was not asked for.
    """

    checked: Checked
    faults: Mapping[Fault, str]
    manifest: Manifest
    keys: Mapping[str, str]
    is_trusted: bool
    issued: AbstractSet[str] | None = None
    chain: Chain | None = None

    @property
    def backed(self) -> int:
        """How many states are backed."""
        return self.checked.counts[Outcome.BACKED]

    @property
    def exit_code(self) -> int:
        """The exit code of the check."""
        codes = self.checked.exit_codes | {FILE_EXIT_CODES[fault] for fault in self.faults}
        if not self.is_trusted:
            codes.add(_NO_OWN_KEY)
        if self.chain is not None and self.chain.broken_at is not None:
            codes.add(FILE_EXIT_CODES[Fault.BROKEN_CHAIN])
        return worst(codes)


def verify_report(
    report: Report,
    path: Path,
    folder: Path,
    trust: Trust,
    *,
    rows: pd.DataFrame | None = None,
    baseline: tuple[Report, Path] | None = None,
    chain: bool = False,
    processes: int | None = None,
) -> Verification:
    """Check a report against its evidence.

    Args:
        report: The report of a night, whole or filtered.
        path: Its file.
        folder: The folder of evidence.
        trust: The keys that are trusted.
        rows: Check only these rows of the report.
        baseline: The report that it was compared with, and its file.
        chain: Whether to follow the manifests back.
        processes: How many processes verify; None: one a core.

    Raises:
        InputError: Evidence cannot be read.
        UsageError: The report is not that of a night, or the evidence is of another run.
    """
    day, manifest = _evidence_of(report, path, folder)
    faults = check_files(
        day,
        manifest,
        report_files(path),
        is_whole=report.metadata.part is None and report.metadata.rows_chosen is None,
    )
    if baseline is not None:
        faults |= _check_baseline(report, *baseline)
    with EvidenceFiles(day.parts()) as files:
        keys = {key_id: key.fingerprint for key_id, key in files.keys.items()}
        issued = _issued(trust, files, report.run.finished)
        trust = trust.adding(issued)
        checked = check_report(
            report.chunks() if rows is None else [rows],
            files,
            manifest.scope,
            trust=trust,
            period=Period.of(_first_started(report, manifest), report.run.finished),
            processes=processes or usable_cores(),
        )
    if rows is not None:
        checked.unused = 0  # the others' was not sought
    return Verification(
        checked=checked,
        faults=faults,
        manifest=manifest,
        keys=keys,
        is_trusted=trust.is_own,
        issued=None if trust.roots is None else set(issued),
        chain=follow_chain(folder, manifest) if chain else None,
    )


def _issued(
    trust: Trust, files: EvidenceFiles, signed_until: datetime
) -> dict[str, tuple[int, int]]:
    try:
        return trust.issued(files.keys.values(), signed_until)
    except ValueError as error:
        raise InputError(f"{files.paths[0].parent} cannot be read: {error}") from None


def _first_started(report: Report, manifest: Manifest) -> datetime:
    """Return when the first run began whose answers are in a report: the report says it."""
    evidence = report.metadata.evidence
    first = manifest.first_started if evidence is None else evidence.first_started
    return min(first, report.run.started)


def _evidence_of(report: Report, path: Path, folder: Path) -> tuple[EvidenceDay, Manifest]:
    """Return the evidence of a report's run."""
    part = report.metadata.part
    if report.metadata.run is None or (part is not None and part.comparison):
        raise UsageError(f"{path} {report.metadata.not_a_night}; only nights have evidence")
    day = EvidenceDay.of(folder, report.run_date)
    manifest = day.read_manifest()
    if manifest.run_id != report.run_id:
        raise UsageError(
            f"{day.path} is the evidence of run {manifest.run_id}, and {path} the report of run "
            f"{report.run_id}"
        )
    return day, manifest


def _check_baseline(report: Report, baseline: Report, path: Path) -> dict[Fault, str]:
    """Return whether a report is the one that another was compared with, and says what it says."""
    named = report.metadata.baseline
    faults: dict[Fault, str] = {}
    if named is None or named.sha256 != sha256_of_file(*report_files(path)):
        faults[Fault.OTHER_BASELINE] = path.name
    keys = list(PAIR)
    before = baseline.rows[[*keys, "known_state"]].astype(str)
    now = report.rows[[*keys, "previous_state"]].astype(str)
    both = now.merge(before, on=keys, how="left").fillna("")
    if bool((both["previous_state"] != both["known_state"]).any()):
        faults[Fault.OTHER_BEFORE] = path.name
    return faults
