"""Writes the evidence of a night: its parts while the report is composed, its manifest at the end.

::

    with EvidenceWriter(EvidenceDay.of(folder, run_date), run) as writer:
        for rows in chunks_of_the_report:
            writer.write(rows, kept)
        writer.finish()
        ...  # the report is published
        writer.publish(reports, baseline)
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.errors import OutputError
from jobs.evidence.columns import EVIDENCE
from jobs.evidence.folder import EvidenceDay, file_sha256
from jobs.evidence.kept import KeptEvidence
from jobs.evidence.keys import EvidenceKey
from jobs.evidence.manifest import BaselineLink, Manifest, ManifestError, sha256_of
from jobs.evidence.options import EvidenceScope
from jobs.evidence.outcomes import Outcome
from jobs.report.info import BaselineInfo, GatewayId
from jobs.schema import Change, State, UnknownReason
from jobs.store.files.filesystem import place, reason_of, remove, write_new
from jobs.store.locations import make_folder, mode_of, temporary

__all__ = ["FOOTER", "EvidenceRun", "EvidenceWriter", "baseline_link", "has_state", "is_kept"]

FOOTER: Final = b"palm_evidence"
"""Key of the metadata in an evidence file."""
SCHEMA: Final = 1
"""Version of the columns and of this metadata."""
_ROWS_PER_GROUP: Final = 16 * 1024
"""A check reads whole groups, each of 5 MB."""
_ROWS_PER_PART: Final = 128 * 1024
"""So many are in memory, 43 MB, until their file is written."""
_BODY_LEVEL: Final = 6
"""Of zstd: bodies repeat much of each other."""
_ENCODINGS: Final = {"body": "DELTA_LENGTH_BYTE_ARRAY", "signature": "DELTA_LENGTH_BYTE_ARRAY"}
"""The lengths stand apart from the values: between random ones each would take 4 bytes."""
_GOOD: Final = [State.ON.value, State.OFF.value, State.NONE.value]


def has_state(rows: pd.DataFrame) -> pd.Series:
    """Return which rows of a report have a state that was answered, one truth value each."""
    return rows["state"].isin(_GOOD)


def is_kept(rows: pd.DataFrame, scope: EvidenceScope) -> pd.Series:
    """Return which rows of a report have a state whose evidence is kept, one truth value each."""
    good = has_state(rows)
    return good & (rows["change"] != Change.UNCHANGED) if scope is EvidenceScope.CHANGES else good


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRun:
    """The run whose evidence is written.

    Attributes:
        run_id: Its id.
        run_date: Its business date.
        gateway: Who answered, and the merchant that asked.
        scope: Whose evidence is kept.
        first_started: See :class:`jobs.evidence.manifest.Manifest`.
    """

    run_id: str
    run_date: date
    gateway: GatewayId
    scope: EvidenceScope
    first_started: datetime


class EvidenceWriter:
    """Writes the evidence of one run; what it has written when an error ends it is removed.

    Args:
        day: Where it is written.
        run: The run.

    Attributes:
        run: The same.
        counts: The states of the rows written so far, by outcome. The answers were verified when
            they came, so no signature is verified again.
    """

    def __init__(self, day: EvidenceDay, run: EvidenceRun) -> None:
        self._day, self.run = day, run
        self._new: list[Path] = []
        self._keys: dict[str, EvidenceKey] = {}
        self._waiting: list[pa.Table] = []
        self._rows_waiting = 0
        self.counts: Counter[Outcome] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for path in [*self._new, temporary(self._day.manifest, self.run.run_id)]:
            remove(path)

    def write(self, rows: pd.DataFrame, kept: KeptEvidence) -> None:
        """Write the evidence of further rows of the report, in its order.

        Args:
            rows: Columns ``ROWS``.
            kept: What was signed of the answers.

        Raises:
            OutputError: A file cannot be written.
        """
        wanted = rows.loc[is_kept(rows, self.run.scope)]
        good = int(has_state(rows).sum())
        found = kept.find(wanted["organization_id"].tolist(), wanted["openid"].tolist())
        unnamed = (wanted["error_code"] == UnknownReason.UNNAMED).to_numpy(bool)
        has_evidence = found.has_evidence
        self.counts[Outcome.UNNAMED] += int(np.count_nonzero(has_evidence & unnamed))
        self.counts[Outcome.BACKED] += int(np.count_nonzero(has_evidence & ~unnamed))
        self.counts[Outcome.MISSING] += int(np.count_nonzero(~has_evidence))
        self.counts[Outcome.NOT_KEPT] += good - len(wanted)
        self._keys |= {
            each: kept.keys[each]
            for each in found.rows["key_id"].unique().to_pylist()
            if each in kept.keys
        }
        self._waiting.append(found.rows)
        self._rows_waiting += len(found.rows)
        while self._rows_waiting >= _ROWS_PER_PART:
            self._write_part(_ROWS_PER_PART)

    def finish(self) -> None:
        """Write what is left; an evidence file is written even if it has no rows.

        Raises:
            OutputError: It cannot be written.
        """
        if self._rows_waiting or not self._new:
            self._write_part(self._rows_waiting)

    def publish(self, reports: Sequence[Path], baseline: BaselineLink | None) -> Manifest:
        """Move the files to their paths, and write the manifest, which is the last of them.

        The manifest that it replaces stays under the name of its run. While there is none, readers
        see that the evidence is not complete.

        Args:
            reports: The files of the published report.
            baseline: The night before.

        Raises:
            OutputError: A file cannot be read, moved or written.
        """
        day, run = self._day, self.run
        targets = [day.part(number) for number in range(len(self._new))]
        try:
            manifest = Manifest(
                report=file_sha256(*reports),
                reports={path.name: file_sha256(path) for path in reports},
                parts={
                    path.name: file_sha256(new)
                    for path, new in zip(targets, self._new, strict=True)
                },
                run_id=run.run_id,
                run_date=run.run_date,
                gateway=run.gateway,
                scope=run.scope,
                first_started=run.first_started,
                keys={key_id: key.fingerprint for key_id, key in sorted(self._keys.items())},
                counts={each.value: count for each, count in self.counts.items() if count},
                baseline=baseline,
                replaces=day.newest_sha256(),
            )
            self._set_aside()
            content = manifest.to_bytes()
            new_manifest = temporary(day.manifest, run.run_id)
            write_new(new_manifest, mode_of(day.manifest), lambda file: file.write(content))
        except OSError as error:
            raise self._error(day.manifest, error) from None
        for new, path in [*zip(self._new, targets, strict=True), (new_manifest, day.manifest)]:
            misplaced = place(new, path)
            if misplaced is not None and not misplaced.stands:
                raise OutputError(f"{path} cannot be written: {misplaced.why}")
        for left in day.parts():
            if left not in targets:
                remove(left)
        return manifest

    def _set_aside(self) -> None:
        """Rename the manifest that is replaced."""
        try:
            earlier = Manifest.from_bytes(self._day.manifest.read_bytes())
            aside = self._day.replaced_manifest(earlier.run_id)
        except FileNotFoundError:
            return
        except ManifestError:
            aside = self._day.replaced_manifest("damaged")
        self._day.manifest.replace(aside)

    def _write_part(self, count: int) -> None:
        table = pa.concat_tables([EVIDENCE.empty_table(), *self._waiting]).unify_dictionaries()
        part, rest = table.slice(0, count), table.slice(count)
        self._waiting, self._rows_waiting = [rest], len(rest)
        path = self._day.part(len(self._new))
        new = temporary(path, self.run.run_id)
        try:
            make_folder(self._day.path.parent)
            make_folder(self._day.path)
            self._new.append(new)
            write_new(new, mode_of(path), lambda file: self._write_parquet(part, file))
        except OSError as error:
            raise self._error(path, error) from None

    def _write_parquet(self, part: pa.Table, file: BinaryIO) -> None:
        footer = {
            "schema": SCHEMA,
            "run_id": self.run.run_id,
            "part": len(self._new) - 1,
            "keys": {key_id: key.to_json() for key_id, key in sorted(self._keys.items())},
        }
        text = json.dumps(footer, sort_keys=True, separators=(",", ":"))
        pq.write_table(
            part.replace_schema_metadata({FOOTER: text.encode()}),
            file,
            row_group_size=_ROWS_PER_GROUP,
            compression="zstd",
            compression_level={"body": _BODY_LEVEL},
            use_dictionary=["organization_id", "key_id"],
            column_encoding=_ENCODINGS,
            write_page_checksum=True,
            store_schema=True,
        )

    @staticmethod
    def _error(path: Path, error: OSError) -> OutputError:
        return OutputError(
            f"{path} cannot be written: {reason_of(error)}; the answers are kept. Free space, or "
            "mend the folder",
            again=True,
        )


def baseline_link(baseline: BaselineInfo | None, folder: Path) -> BaselineLink | None:
    """Return what the manifest says of the night before, with the manifest of its evidence.

    Args:
        baseline: The report that was compared with, as the report's metadata names it.
        folder: The folder of evidence.
    """
    if baseline is None:
        return None
    manifest = _manifest_of(baseline.sha256, EvidenceDay.of(folder, baseline.run_date).manifests())
    return BaselineLink(baseline.run_id, baseline.run_date, baseline.sha256, manifest)


def _manifest_of(report: str, manifests: Iterable[bytes]) -> str | None:
    for content in manifests:
        try:
            if Manifest.from_bytes(content).report == report:
                return sha256_of(content)
        except ManifestError:
            continue
    return None
