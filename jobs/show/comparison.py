"""Two reports compared, however large they are and whatever files they have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs.errors import OutputError
from jobs.history.comparison import check_order, compare, compare_rows, comparison
from jobs.partitions.choice import partition_bits
from jobs.report.info import BaselineInfo
from jobs.report.model import Report
from jobs.show.one_order import ScratchError, in_one_order, scratch_folder
from jobs.store.locations import make_folder
from jobs.store.staging.partitioned_rows import partitioned_rows
from jobs.store.staging.row_stage import RowStage

__all__ = ["compared"]


@contextmanager
def compared(before: Report, after: Report, *, baseline: BaselineInfo) -> Iterator[Report]:
    """Yield what changed from one report to a later one.

    Reports with more rows than are held in memory are compared partition by partition, in a
    temporary folder.

    Args:
        before: The earlier report, whole.
        after: The later report, whole.
        baseline: What is said of the earlier one.

    Raises:
        OutputError: The temporary folder cannot be made, or has no room.
        UsageError: They are not of two dates in this order, or not of one merchant and gateway.
    """
    check_order(before, after)
    bits = partition_bits(None, max(before.row_count, after.row_count))
    if not bits:
        with in_one_order(before) as earlier, in_one_order(after) as later:
            yield compare(earlier, later, baseline=baseline)
        return
    with scratch_folder() as folder:
        try:
            made = _in_partitions(before, after, bits, folder, baseline)
        except OSError as error:
            raise OutputError(ScratchError.of(error).strerror) from None
        yield made


def _in_partitions(
    before: Report, after: Report, bits: int, folder: Path, baseline: BaselineInfo
) -> Report:
    folders = [folder / name for name in ("before", "after", "rows")]
    for each in folders:
        make_folder(each)
    earlier = partitioned_rows(before, bits, folders[0])
    later = partitioned_rows(after, bits, folders[1])
    stage = RowStage(folders[2])
    known_before_only = 0
    for number in range(1 << bits):
        rows, more = compare_rows(before, earlier.frame(number), after, later.frame(number))
        stage.add(number, rows)
        known_before_only += more
    return comparison(before, after, stage.content(), known_before_only, baseline=baseline)
