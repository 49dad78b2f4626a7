"""The manifest of a night's evidence: an in-toto Statement that names report and evidence. Pure.

It is canonical JSON (members sorted, no blanks, ASCII), so its sha256 is that of its content, and
any tool for in-toto can sign it as it is: https://github.com/in-toto/attestation/tree/main/spec/v1
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from jobs.evidence.options import EvidenceScope
from jobs.report.info import GatewayId

__all__ = ["BaselineLink", "Manifest", "ManifestError", "sha256_of"]

_STATEMENT: Final = "https://in-toto.io/Statement/v1"
_PREDICATE: Final = "urn:palm-reconcile:evidence:1"
_PARTS: Final = "evidence/"
"""Stands before the names of evidence files: a report in parts has files of the same names."""
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class ManifestError(Exception):
    """A file is not a manifest that this version can read; the text says why."""


@dataclass(frozen=True, slots=True)
class BaselineLink:
    """The night before, with which the report was compared.

    Attributes:
        run_id: Its run.
        run_date: Its business date.
        report: sha256 of its report.
        manifest: sha256 of the manifest of its evidence; None if it has none.
    """

    run_id: str
    run_date: date
    report: str
    manifest: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a manifest says.

    Attributes:
        report: sha256 of the report, as the next night's names its baseline: of all its bytes, one
            file after the other.
        reports: sha256 of each file of the report, by its name.
        parts: sha256 of each evidence file, by its name.
        run_id: The run.
        run_date: Its business date.
        gateway: Who answered, and the merchant that asked.
        scope: Whose evidence is kept.
        first_started: When the first answer can have been asked for: the start of the run or, if it
            took over answers of earlier ones, theirs; aware.
        keys: sha256 of each key that signed, by its id.
        counts: States by outcome, as they were when the evidence was written.
        baseline: The night before; None if there was none.
        replaces: sha256 of the manifest of the same date that this one replaces; None if none.
    """

    report: str
    reports: Mapping[str, str]
    parts: Mapping[str, str]
    run_id: str
    run_date: date
    gateway: GatewayId
    scope: EvidenceScope
    first_started: datetime
    keys: Mapping[str, str]
    counts: Mapping[str, int] = field(default_factory=dict)
    baseline: BaselineLink | None = None
    replaces: str | None = None

    def to_bytes(self) -> bytes:
        """Return the manifest as it is written."""
        evidence = {f"{_PARTS}{name}": digest for name, digest in self.parts.items()}
        subjects = {**self.reports, **evidence}
        link = self.baseline
        statement = {
            "_type": _STATEMENT,
            "subject": [
                {"name": name, "digest": {"sha256": digest}} for name, digest in subjects.items()
            ],
            "predicateType": _PREDICATE,
            "predicate": {
                "run_id": self.run_id,
                "run_date": self.run_date.isoformat(),
                "report_sha256": self.report,
                "gateway": self.gateway.to_json(),
                "evidence_of": self.scope.value,
                "evidence": list(evidence),
                "first_started": self.first_started.isoformat(timespec="milliseconds"),
                "keys": {key_id: {"sha256": digest} for key_id, digest in self.keys.items()},
                "outcomes": dict(self.counts),
                "baseline": None
                if link is None
                else {
                    "run_id": link.run_id,
                    "run_date": link.run_date.isoformat(),
                    "sha256": link.report,
                    "manifest_sha256": link.manifest,
                },
                "replaces": self.replaces,
            },
        }
        return json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Manifest:
        """Return what ``to_bytes`` returned.

        Raises:
            ManifestError: It is something else.
        """
        try:
            found = json.loads(content)
            types = found["_type"], found["predicateType"]
            return cls._read(found) if types == (_STATEMENT, _PREDICATE) else _refuse(types)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise ManifestError("it is damaged, or not a manifest of palm-reconcile") from None

    @classmethod
    def _read(cls, found: Mapping[str, Any]) -> Manifest:
        predicate = found["predicate"]
        subjects = {each["name"]: _sha256(each["digest"]["sha256"]) for each in found["subject"]}
        parts = {name.removeprefix(_PARTS): subjects.pop(name) for name in predicate["evidence"]}
        link = predicate["baseline"]
        return cls(
            report=_sha256(predicate["report_sha256"]),
            reports=subjects,
            parts=parts,
            run_id=str(predicate["run_id"]),
            run_date=date.fromisoformat(predicate["run_date"]),
            gateway=GatewayId(**predicate["gateway"]),
            scope=EvidenceScope(predicate["evidence_of"]),
            first_started=_aware(predicate["first_started"]),
            keys={name: _sha256(key["sha256"]) for name, key in predicate["keys"].items()},
            counts={str(name): int(count) for name, count in predicate["outcomes"].items()},
            baseline=None
            if link is None
            else BaselineLink(
                str(link["run_id"]),
                date.fromisoformat(link["run_date"]),
                _sha256(link["sha256"]),
                None if link["manifest_sha256"] is None else _sha256(link["manifest_sha256"]),
            ),
            replaces=None if predicate["replaces"] is None else _sha256(predicate["replaces"]),
        )


def sha256_of(content: bytes) -> str:
    """Return the sha256 of a manifest's bytes, as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def _sha256(text: str) -> str:
    if not _SHA256.fullmatch(text):
        raise ValueError("not a sha256")
    return text


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment


def _refuse(types: tuple[object, object]) -> Manifest:
    raise ManifestError(f"its type is {types[1]!r}, and this version knows {_PREDICATE!r}")
