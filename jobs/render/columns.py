"""The data dictionary: what each column of the report means, for a reader who meets it first."""

from __future__ import annotations

from typing import Final

__all__ = ["CARRIED", "MEANINGS"]

MEANINGS: Final = {
    "organization_id": "organization, as given; always text",
    "openid": "person, as given",
    "state": "as answered in this run; empty where not in this input",
    "known_state": "the state answered in this run, else the last good one",
    "previous_state": "last good state before this run; empty: never known",
    "change": "what happened since then, exactly one class",
    "authorize_time": "as answered in this run",
    "previous_authorize_time": "the time it is compared with",
    "unconfirmed_authorize_time": "answered last, compared with only once repeated",
    "answered_at": "when this run was answered",
    "known_at": "when known_state was answered",
    "first_seen_at": "first good answer",
    "last_changed_at": "answer that showed the last gain, loss, CLEARED or hidden change",
    "last_in_input": "run date of the last earlier report that had the pair in its input",
    "unknown_reason": "why there is no good answer",
    "unknown_runs": "runs in a row without a good answer",
    "error_code": "of the last attempt",
    "http_status": "of the last attempt",
    "attempts": "requests for this pair",
    "request_id": "of the last attempt, where the row is not UNCHANGED",
    "input_line": "first line of the pair in the input",
    "input_duplicates": "further lines with the same pair, asked once",
}
CARRIED: Final = "Further columns of the input follow openid, as text."
