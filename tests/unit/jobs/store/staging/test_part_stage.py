"""The rows of parts are those that were added, whoever else writes into the folder."""

from __future__ import annotations

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from jobs.partitions.checked_files import DamagedFileError
from jobs.schema import ROWS, concatenated, conform
from jobs.store.staging.part_stage import PartStage


def rows(openid, count=3):
    frame = pd.DataFrame({"organization_id": "A", "openid": [openid] * count, "state": "ON"})
    return conform(frame, ROWS)


def content(stage):
    return concatenated(list(stage.content()))


def test_two_that_write_the_same_part_do_not_meet(tmp_path):
    """A run that was ended by two signals may still write one, while the next run has begun."""
    ended, begun = PartStage(tmp_path, 0), PartStage(tmp_path, 0)
    begun.add(0, rows("of the run"))
    ended.add(0, rows("of the run before"))
    assert set(content(begun)["openid"]) == {"of the run"}
    assert set(content(ended)["openid"]) == {"of the run before"}


@pytest.mark.parametrize("count", [0, 3])
def test_the_rows_are_as_they_were(tmp_path, count):
    stage = PartStage(tmp_path, 0)
    stage.add(0, rows("o1", count))
    found = content(stage)
    assert_frame_equal(found[list(ROWS)], rows("o1", count), check_categorical=False)
    stage.content().part(0).check()


def test_rows_that_were_cut_are_damaged(tmp_path):
    stage = PartStage(tmp_path, 0)
    stage.add(0, rows("o1"))
    part = stage.content().part(0)
    part.path.write_bytes(part.path.read_bytes()[:-1])
    for read in (part.check, lambda: list(part)):
        with pytest.raises(DamagedFileError):
            read()
