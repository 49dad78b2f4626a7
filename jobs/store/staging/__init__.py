"""What becomes a report, on its way: rows by partition, and the new folder of a day.

In: pairs, answers and earlier rows by partition, a folder of new files. Out: the rows in the
report's order; the folder in the place of the earlier one, whole, whenever the run is killed. May
import what :mod:`jobs.store` may, ``partitions`` and the other modules of ``store`` but those that
publish.
"""
