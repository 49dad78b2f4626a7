"""Checks rows of a report against their evidence: the loop in which all the time is spent.

Most bodies are the one that WeChat Pay writes for the report's own values. So that body is built
from the row and compared; one that differs is parsed. Its form is taken from the first bodies, so
it need not be known beforehand.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from jobs.evidence.columns import SignedRows
from jobs.evidence.keys import EvidenceKey
from jobs.evidence.outcomes import Outcome
from jobs.evidence.verify.trust import Trust, Validity
from palm import BodyError, MismatchError, StateError
from palm.crypto.signing import signature_matches
from palm.models import read_authorization
from palm.strict_json import parse_json

__all__ = ["ORDER", "Claims", "Period", "RowChecker", "RowsChecked"]

ORDER: Final = tuple(Outcome)
"""The outcomes by their numbers in an array."""
_NUMBER: Final = {outcome: number for number, outcome in enumerate(ORDER)}
_MEMBERS: Final = ("openid", "organization_id", "state", "authorize_time")
_NAMED: Final = {"openid", "organization_id", "state"}
_COMPACT: Final = (",", ":")
_TRIES: Final = 32
_UNTIMED, _TIMED, _FRACTION = range(3)
"""Whether a row has a time; WeChat Pay's have no fraction of a second."""
_NOT_PLAIN: Final = re.compile(r'["\\\x00-\x1f]')
_SKEW_MS: Final = 300_000
"""WeChat Pay and a client may be five minutes apart."""
_NO_TIME: Final = np.iinfo(np.int64).min
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SHANGHAI_MS: Final = 8 * 3_600_000
_Numbers: TypeAlias = npt.NDArray[np.int8]


class Period(NamedTuple):
    """When the answers of a run can have been signed, Unix milliseconds."""

    first_ms: int
    last_ms: int

    @classmethod
    def of(cls, first_started: datetime, finished: datetime) -> Period:
        """Return the period of a run: five minutes more at both ends."""
        first, last = (
            (moment - _EPOCH) // timedelta(milliseconds=1) for moment in (first_started, finished)
        )
        return cls(first - _SKEW_MS, last + _SKEW_MS)


class Claims(NamedTuple):
    """What rows of a report say, one list or array each.

    Attributes:
        openids: The persons.
        organization_ids: The organizations.
        states: ``ON``, ``OFF`` or ``NONE``.
        authorize_ms: Unix milliseconds; numpy's "not a time" where there is none.
        answered_ms: The same.
    """

    openids: list[str]
    organization_ids: list[str]
    states: list[str]
    authorize_ms: npt.NDArray[np.int64]
    answered_ms: npt.NDArray[np.int64]


class RowsChecked(NamedTuple):
    """The outcomes of some rows.

    Attributes:
        outcomes: The number in ``ORDER`` of each.
        unnamed: A hash of the signature of each row that is UNNAMED, by its position.
    """

    outcomes: _Numbers
    unnamed: dict[int, bytes]


class RowChecker:
    """Checks rows of one night.

    Args:
        keys: The keys in the evidence.
        trust: The keys that are trusted; if nobody named one, those in the evidence.
        period: When the answers can have been signed.
    """

    def __init__(self, keys: Mapping[str, EvidenceKey], trust: Trust, period: Period) -> None:
        self._period = period
        self._keys: dict[str, tuple[RSAPublicKey, Validity]] = {}
        for key_id, key in keys.items():
            if not trust.is_own or key.fingerprint in trust.keys:
                self._keys[key_id] = key.load(), trust.keys.get(key.fingerprint)
        self._templates = _Templates()

    def check(self, claims: Claims, evidence: pa.Table) -> RowsChecked:
        """Return the outcome of each row, which has evidence.

        Args:
            claims: What the report says.
            evidence: The evidence of the same rows in the same order, columns ``EVIDENCE``.
        """
        rows = SignedRows.of(evidence)
        self._templates.learn(rows.bodies)
        signed_ms = _signed_ms(rows.seconds)
        expected = self._templates.bodies(claims)
        stale = self._stale(signed_ms, claims.answered_ms)
        outcomes = np.full(len(rows.bodies), _NUMBER[Outcome.BACKED], np.int8)
        unnamed: dict[int, bytes] = {}
        each = zip(rows.key_ids, rows.messages, rows.signatures, rows.bodies, expected, strict=True)
        for at, (key_id, message, signature, body, wanted) in enumerate(each):
            key = self._keys.get(key_id)
            if key is None or (key[1] is not None and not _is_within(signed_ms[at], key[1])):
                outcome = Outcome.UNKNOWN_KEY
            elif not signature_matches(key[0], signature, message):
                outcome = Outcome.FORGED
            elif body == wanted and not stale[at]:
                continue
            else:
                outcome = self._content(claims, at, body)
                if outcome in {Outcome.BACKED, Outcome.UNNAMED} and stale[at]:
                    outcome = Outcome.STALE
                elif outcome is Outcome.UNNAMED:
                    unnamed[at] = hashlib.blake2b(signature, digest_size=16).digest()
            outcomes[at] = _NUMBER[outcome]
        return RowsChecked(outcomes, unnamed)

    def _stale(
        self, signed_ms: npt.NDArray[np.int64], answered_ms: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.bool_]:
        first, last = self._period
        answered = np.where(answered_ms == _NO_TIME, 0, answered_ms)
        # A signature holds whole seconds, so what was signed within a second has its begin.
        distant = np.abs(signed_ms - answered) > _SKEW_MS + 1000
        return distant | (signed_ms < first - 1000) | (signed_ms > last)

    def _content(self, claims: Claims, at: int, body: bytes) -> Outcome:
        try:
            answer = read_authorization(
                body,
                openid=claims.openids[at],
                organization_id=claims.organization_ids[at],
                request_id=None,
                verified_by="",
                accept_unnamed=True,
            )
        except MismatchError:
            return Outcome.OTHER
        except (BodyError, StateError):
            return Outcome.CONTRADICTED
        time = answer.authorize_time
        milliseconds = _NO_TIME if time is None else (time - _EPOCH) // timedelta(milliseconds=1)
        if answer.state.name != claims.states[at] or milliseconds != claims.authorize_ms[at]:
            return Outcome.CONTRADICTED
        return Outcome.BACKED if answer.echoed else Outcome.UNNAMED


class _Templates:
    """The bodies that WeChat Pay writes, with an ``authorize_time`` and without."""

    def __init__(self) -> None:
        self._members: dict[bool, tuple[str, ...]] = {}

    def learn(self, bodies: list[bytes]) -> None:
        """Take the order of the members from some of the bodies, where it is not known yet.

        The bodies need not be verified: whatever was learned, a body that equals a template with
        the values of a row is JSON that holds these values.
        """
        for body in bodies[:_TRIES] if len(self._members) < 2 else ():  # noqa: PLR2004 - both kinds
            try:
                members = parse_json(body)
            except BodyError:
                continue
            if (
                isinstance(members, dict)
                and _NAMED <= set(members) <= set(_MEMBERS)
                and all(isinstance(value, str) for value in members.values())
                and json.dumps(members, ensure_ascii=False, separators=_COMPACT).encode() == body
            ):
                self._members["authorize_time" in members] = tuple(members)

    def bodies(self, claims: Claims) -> Iterable[bytes | None]:
        """Return the body that is expected for each row; None: none is."""
        if not self._members or _has_odd_text(claims):
            return [None] * len(claims.openids)
        has_time = claims.authorize_ms != _NO_TIME
        local = np.where(has_time, claims.authorize_ms, 0) + _SHANGHAI_MS
        seconds = np.datetime_as_string(local.astype("datetime64[ms]").astype("datetime64[s]"))
        columns = {
            "openid": claims.openids,
            "organization_id": claims.organization_ids,
            "state": [f"AUTHORIZATION_STATE_{state}" for state in claims.states],
            "authorize_time": [f"{text}+08:00" for text in seconds.tolist()],
        }
        made: dict[bool, list[bytes | None]] = {}
        for with_time, names in self._members.items():
            template = "{" + ",".join(f'"{name}":"%s"' for name in names) + "}"
            values = zip(*(columns[name] for name in names), strict=True)
            made[with_time] = [(template % row).encode() for row in values]
        without: list[bytes | None] = [None] * len(claims.openids)
        kinds = np.where(has_time, np.where(local % 1000 == 0, _TIMED, _FRACTION), _UNTIMED)
        choice = made.get(False, without), made.get(True, without), without
        return [choice[kind][at] for at, kind in enumerate(kinds.tolist())]


def _has_odd_text(claims: Claims) -> bool:
    """Return True if an id holds what JSON escapes, with which a template could be deceived."""
    texts = "".join(claims.openids) + "".join(set(claims.organization_ids))
    return _NOT_PLAIN.search(texts) is not None


def _is_within(signed_ms: int, validity: tuple[int, int]) -> bool:
    return validity[0] <= signed_ms // 1000 <= validity[1]


def _signed_ms(seconds: list[int | None]) -> npt.NDArray[np.int64]:
    """Return when each was signed; 1970 where the timestamp is not a usual number."""
    return np.array([each or 0 for each in seconds], np.int64) * 1000
