"""A night of fifteen pairs with evidence, made with the sandbox's keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.evidence import SignedNight

STATES = ("ON", "OFF", "NONE", "ON", "UNKNOWN")


@pytest.fixture
def heard():
    """What was heard about each pair on the first night."""
    return {f"{1001 + number % 2}/o{number:02}": STATES[number % 5] for number in range(15)}


@pytest.fixture
def night(report_of, nights, heard, keys):
    """The first night: twelve states, three UNKNOWN."""
    return SignedNight(report_of(heard, nights[0]), keys)


@pytest.fixture
def two_nights(report_of, nights, heard, keys, tmp_path):
    """Return the paths of two nights' reports; on the second, three pairs changed."""

    def two_nights(**options) -> tuple[SignedNight, Path, SignedNight, Path]:
        first = SignedNight(report_of(heard, nights[0]), keys)
        before = first.write(tmp_path, **options)
        now = heard | {"1001/o00": "OFF", "1002/o01": "ON", "1002/o03": "NONE"}
        second = SignedNight(
            report_of(now, nights[1], baseline=first.report, baseline_file=before), keys
        )
        return first, before, second, second.write(tmp_path, **options)

    return two_nights


@pytest.fixture
def written(night, tmp_path):
    """Return the path of the first night's report, whose evidence lies beside the reports."""
    return night.write(tmp_path)
