"""The evidence of a run: collected while it asks, written before its report, published after it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Self

import structlog

from jobs.errors import OutputError, UsageError
from jobs.evidence.folder import EvidenceDay, expired
from jobs.evidence.in_order import EvidenceInOrder
from jobs.evidence.kept import EvidenceCollector
from jobs.evidence.options import EvidenceOptions
from jobs.evidence.outcomes import Outcome
from jobs.evidence.read import EvidenceFiles
from jobs.evidence.write import EvidenceRun, EvidenceWriter, baseline_link
from jobs.loggers import ALWAYS
from jobs.report.info import EvidenceInfo
from jobs.report.model import Report
from jobs.report.parquet import stored_files
from jobs.run.asking.session import Asked
from jobs.run.config import Options
from jobs.run.preparation import Prepared
from jobs.run.rows.workspace import Workspace
from jobs.store.files.filesystem import reason_of, try_folder
from jobs.store.locations import make_folder
from jobs.store.outputs import Outputs
from palm import CertificateStore, PlatformKeys
from palm.crypto.certificate_store import held_keys

__all__ = [
    "RunEvidence",
    "WrittenEvidence",
    "check_evidence_folder",
    "check_evidence_place",
    "old_evidence",
    "remove_old_evidence",
]


def check_evidence_place(options: EvidenceOptions, outputs: Outputs) -> None:
    """Check that evidence may be kept where it is wanted; nothing is written.

    Raises:
        UsageError: There is no Parquet file whose evidence it could be, or the folder is that of
            the reports.
    """
    folder = options.folder
    if folder is None:
        return
    if outputs.primary is None:
        raise UsageError("--evidence is of a Parquet report: -o reports/ --evidence evidence/")
    own, reports = folder.resolve(), outputs.folder
    if reports is not None and own.is_relative_to(reports.resolve()):
        raise UsageError(
            f"--evidence {folder} is in the folder of the reports, whose readers would take it for "
            "a report; name a folder beside it"
        )


def check_evidence_folder(options: EvidenceOptions, outputs: Outputs, run_date: date) -> None:
    """Check before the first request that evidence can be written; its folder is made.

    Raises:
        UsageError: As :func:`check_evidence_place`.
        OutputError: The folder cannot be made or written to.
    """
    check_evidence_place(options, outputs)
    folder = options.folder
    if folder is None:
        return
    day = EvidenceDay.of(folder, run_date)
    try:
        make_folder(folder)
        for each in (folder, day.path):
            if each.is_dir():
                try_folder(each / day.manifest.name)
    except OSError as error:
        raise OutputError(
            f"--evidence {folder} cannot be written to: {reason_of(error)}; let this user write "
            "there, or name another folder",
        ) from None


class RunEvidence:
    """The evidence of a run that keeps it.

    Args:
        options: Where it is kept.
        folder: Its folder, ``options.folder``.
        collector: Takes what is signed.
        earlier: When the first run began whose answers this one may take over from a report.

    Attributes:
        folder: The same.
        collector: The same.
    """

    def __init__(
        self,
        options: EvidenceOptions,
        folder: Path,
        collector: EvidenceCollector,
        earlier: datetime | None,
    ) -> None:
        self._options, self.folder = options, folder
        self.collector = collector
        self._earlier = earlier

    @classmethod
    def begin(
        cls,
        options: Options,
        keys: PlatformKeys | CertificateStore,
        prepared: Prepared,
        workspace: Workspace,
    ) -> Self | None:
        """Return the evidence of a run that is about to ask; None if none is kept.

        Raises:
            InputError: The evidence of answers that are taken over cannot be read.
            OSError: It cannot be kept in the workspace.
        """
        chosen = options.evidence
        if chosen.folder is None:
            return None

        bits = prepared.source.partitions.bits
        collector = EvidenceCollector(partial(held_keys, keys), workspace.folder("evidence"), bits)
        run, replaced = options.run, prepared.baseline.replaced
        earlier = None
        if (run.retry_unanswered or run.time.is_set) and replaced is not None:
            earlier = _take_over(collector, chosen.folder, replaced, run.run_date)
        return cls(chosen, chosen.folder, collector, earlier)

    def in_order(self, workspace: Workspace, bits: int, *, in_parts: bool) -> EvidenceInOrder:
        """Return the evidence by pieces of the report; nothing more can be collected.

        Raises:
            OSError: It cannot be kept in the workspace.
        """
        folder = None if in_parts or not bits else workspace.folder("evidence-in-order")
        return EvidenceInOrder(self.collector.finish(), folder)

    def writer(self, report: Report, asked: Asked) -> EvidenceWriter:
        """Return what writes the evidence of a report; to be used as a context manager."""
        starts = [report.run.started]
        if asked.resumed_ms is not None:
            starts.append(datetime.fromtimestamp(asked.resumed_ms / 1000, UTC))
        if self._earlier is not None:
            starts.append(self._earlier)
        run = EvidenceRun(
            run_id=report.run_id,
            run_date=report.run_date,
            gateway=report.gateway,
            scope=self._options.scope,
            first_started=min(starts),
        )
        return EvidenceWriter(EvidenceDay.of(self.folder, report.run_date), run)


@dataclass(frozen=True, slots=True)
class WrittenEvidence:
    """Evidence that is written, and published once its report is.

    Attributes:
        report: The report, whose metadata says what is kept.
        folder: The folder of evidence; None: none is kept.
        writer: Publishes it; None: none is kept.
    """

    report: Report
    folder: Path | None = None
    writer: EvidenceWriter | None = None

    @classmethod
    @contextmanager
    def of(
        cls,
        report: Report,
        evidence: RunEvidence | None,
        in_order: EvidenceInOrder | None,
        asked: Asked,
    ) -> Iterator[Self]:
        """Write the evidence of a report; what is not published at the end is removed.

        Raises:
            OutputError: It cannot be written; the answers are still in the journal.
            OSError: What was kept cannot be read from the workspace.
        """
        if evidence is None or in_order is None:
            yield cls(report)
            return
        with evidence.writer(report, asked) as writer:
            for rows in report.chunks():
                writer.write(rows, in_order.of(rows))
            writer.finish()
            counts = writer.counts
            info = EvidenceInfo(
                of=writer.run.scope.value,
                states=counts.total() - counts[Outcome.NOT_KEPT],
                backed=counts[Outcome.BACKED],
                first_started=writer.run.first_started,
            )
            metadata = replace(report.metadata, evidence=info)
            yield cls(replace(report, metadata=metadata), evidence.folder, writer)

    def publish(self, primary: Path | None) -> None:
        """Publish the evidence of the report that has been published at ``primary``.

        Raises:
            OutputError: It cannot be published; the answers are still in the journal.
        """
        if self.writer is None or self.folder is None or primary is None:
            return
        link = baseline_link(self.report.metadata.baseline, self.folder)
        try:
            self.writer.publish(stored_files(primary), link)
        except OutputError as error:
            raise OutputError(
                f"the report is published without evidence: {error}", again=True
            ) from None


def old_evidence(options: EvidenceOptions, run_date: date, *, today: date) -> list[EvidenceDay]:
    """Return the nights whose evidence is older than it is kept, the oldest first."""
    if options.folder is None or options.keep_days is None:
        return []
    return expired(options.folder, keep_days=options.keep_days, run_date=run_date, today=today)


def remove_old_evidence(options: EvidenceOptions, run_date: date, *, today: date) -> None:
    """Remove the evidence of nights that are older than it is kept, if possible."""
    log = structlog.get_logger("palm.run")
    for day in old_evidence(options, run_date, today=today):
        day.remove()
        log.info("removed old evidence", path=str(day.path))


def _take_over(
    collector: EvidenceCollector, folder: Path, replaced: Report, run_date: date
) -> datetime | None:
    """Collect the evidence of the report that is replaced; return when its first run began.

    Raises:
        InputError: It cannot be read.
        OSError: It cannot be kept.
    """
    if replaced.run_date != run_date:
        return None
    day = EvidenceDay.of(folder, run_date)
    manifest = day.read_manifest() if day.manifest.exists() else None
    if manifest is None or manifest.run_id != replaced.run_id:
        structlog.get_logger(ALWAYS).warning(
            f"Answers that are taken over from the report of {run_date} have no evidence: "
            f"{shlex.quote(str(folder))} has none of its run {replaced.run_id}"
        )
        return None
    with EvidenceFiles(day.parts()) as files:
        collector.add_keys(files.keys)
        for rows in files.tables():
            collector.add_rows(rows)
    return manifest.first_started
