"""Nights with evidence: what the sandbox's platform would have signed of each answer."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from jobs.evidence.folder import EvidenceDay
from jobs.evidence.kept import EvidenceCollector, KeptEvidence
from jobs.evidence.manifest import Manifest
from jobs.evidence.options import EvidenceScope
from jobs.evidence.write import EvidenceRun, EvidenceWriter, baseline_link
from jobs.report.model import Report
from jobs.report.parquet.write import write_parquet
from palm import Pair, PlatformKeys, SignedMessage, message
from palm.sandbox import SandboxKeys

__all__ = ["SignedNight", "body_of", "collected", "signed", "write_evidence"]

_SHANGHAI = timezone(timedelta(hours=8))


def body_of(row: Mapping[str, object], **members: object) -> bytes:
    """Return the body of the answer that a report's row comes from; a member that is None is not
    in it.
    """
    time = row["authorize_time"]
    found = {
        "openid": row["openid"],
        "organization_id": row["organization_id"],
        "state": f"AUTHORIZATION_STATE_{row['state']}",
        "authorize_time": None
        if pd.isna(time)
        else time.tz_convert(_SHANGHAI).isoformat(timespec="seconds"),
    } | members
    present = {name: value for name, value in found.items() if value is not None}
    return json.dumps(present, ensure_ascii=False, separators=(",", ":")).encode()


def signed(
    keys: SandboxKeys,
    body: bytes,
    at: datetime,
    *,
    nonce: bytes | None = None,
    timestamp: str | None = None,
    key_id: str | None = None,
) -> SignedMessage:
    """Return a body, signed by the platform at a moment."""
    timestamp = timestamp or str(int(at.timestamp()))
    nonce = nonce or secrets.token_hex(16).encode()
    key_id = key_id or keys.public_key_id
    signature = keys.sign(key_id, message(timestamp, nonce, body))
    return SignedMessage(timestamp, nonce, body, signature, key_id)


@dataclass
class SignedNight:
    """A report, and what was signed of each of its states, before anything is written.

    Attributes:
        report: The report.
        keys: The keys of both sides.
        kept: What was signed, by pair; a test may change it.
    """

    report: Report
    keys: SandboxKeys
    kept: dict[Pair, SignedMessage] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in self.rows():
            self.kept[_pair(row)] = signed(self.keys, body_of(row), row["answered_at"])

    def rows(self) -> list[dict[str, object]]:
        """Return the rows that have a state."""
        rows = self.report.rows
        return rows.loc[rows["state"].isin(["ON", "OFF", "NONE"])].to_dict("records")

    def write(
        self, folder: Path, *, scope: EvidenceScope = EvidenceScope.ALL, name: str = "reports"
    ) -> Path:
        """Write report and evidence into folders of this date; return the report's path."""
        day = f"run_date={self.report.run_date}"
        path = folder / name / day / "report.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_parquet(self.report, path)
        write_evidence(folder / "evidence", self.report, [path], self.kept, self.keys, scope=scope)
        return path


def collected(
    keys: Callable[[], PlatformKeys | None], kept: Mapping[Pair, SignedMessage]
) -> KeptEvidence:
    """Return signed messages as a run of one part keeps them."""
    with TemporaryDirectory() as folder:
        collector = EvidenceCollector(keys, Path(folder))
        for pair, each in kept.items():
            collector.add(0, pair, each)
        return collector.finish().of(0)


def write_evidence(
    folder: Path,
    report: Report,
    reports: Sequence[Path],
    kept: Mapping[Pair, SignedMessage],
    keys: SandboxKeys,
    *,
    scope: EvidenceScope = EvidenceScope.ALL,
) -> Manifest:
    """Write evidence as a run does that has published a report."""
    finished = collected(lambda: keys.platform_keys("grey"), kept)
    run = EvidenceRun(
        run_id=report.run_id,
        run_date=report.run_date,
        gateway=report.gateway,
        scope=scope,
        first_started=report.run.started,
    )
    with EvidenceWriter(EvidenceDay.of(folder, report.run_date), run) as writer:
        for rows in report.chunks():
            writer.write(rows, finished)
        writer.finish()
        return writer.publish(reports, baseline_link(report.metadata.baseline, folder))


def _pair(row: Mapping[str, object]) -> Pair:
    return Pair(str(row["openid"]), str(row["organization_id"]))
