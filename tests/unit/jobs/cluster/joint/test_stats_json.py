"""The counts of a worker's requests survive the way to the command."""

from __future__ import annotations

import json
from dataclasses import fields

from jobs.cluster.joint.stats_json import stats_from_json, stats_to_json
from jobs.sweep.stats import RequestStats
from palm import (
    Attempt,
    CertificateRefusedError,
    PalmError,
    RefusedError,
    SignatureError,
    SignatureReason,
    ThrottledError,
)


def counted(*errors):
    stats = RequestStats(pairs=7, queries=9, answered=3, failed=-2)
    for number, error in enumerate(errors):
        stats.attempted(Attempt(number=1 + number % 2, elapsed_s=0.01 * number, error=error))
    return stats


def test_all_counts_come_back():
    refused = RefusedError(400, "PARAM_ERROR", "wrong")
    throttled = ThrottledError(429, "FREQUENCY_LIMITED")
    replayed = SignatureError("a copy", SignatureReason.REPLAYED)
    stats = counted(None, None, refused, throttled, replayed, None)
    back = stats_from_json(json.loads(json.dumps(stats_to_json(stats))))
    for each in fields(RequestStats):
        ours, theirs = getattr(stats, each.name), getattr(back, each.name)
        if isinstance(ours, PalmError):
            assert (type(theirs), str(theirs)) == (type(ours), str(ours))
        else:
            assert theirs == ours, each.name
    assert (back + back).latency.percentiles_ms() == stats.latency.percentiles_ms()


def test_a_refused_certificate_comes_back():
    error = CertificateRefusedError("api.example", "self-signed certificate", 18)
    back = stats_from_json(json.loads(json.dumps(stats_to_json(counted(error)))))
    assert isinstance(back.refused_certificate, CertificateRefusedError)
