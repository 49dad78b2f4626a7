"""The counts of a worker's requests as JSON values, for the command. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from jobs.cluster.joint.error_json import error_from_json, error_to_json
from jobs.sweep.stats import Latency, RequestStats

__all__ = ["stats_from_json", "stats_to_json"]


def stats_to_json(stats: RequestStats) -> dict[str, Any]:
    """Return counts as JSON values; they hold no openid."""
    values: dict[str, Any] = {each.name: getattr(stats, each.name) for each in fields(stats)}
    for name in ("latest_error", "certificate_error"):
        values[name] = values[name] and error_to_json(values[name])
    values["outcomes"] = dict(stats.outcomes)
    values["latency"] = stats.latency.to_json()
    values["refusals"] = [[*kind, message] for kind, message in stats.refusals.items()]
    return values


def stats_from_json(values: Mapping[str, Any]) -> RequestStats:
    """Return the counts that :func:`stats_to_json` described.

    Raises:
        ValueError: An error is none that this version knows.
    """
    read = dict(values)
    for name in ("latest_error", "certificate_error"):
        read[name] = read[name] and error_from_json(read[name])
    read["outcomes"] = Counter(read["outcomes"])
    read["latency"] = Latency.from_json(read["latency"])
    read["refusals"] = {(status, code): message for status, code, message in read["refusals"]}
    return RequestStats(**read)
