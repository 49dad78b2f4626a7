"""Several reports at once: which ones were named, what changed from one date to any other.

In: paths, or reports that were read. Out: a report, or numbers drawn from several. May import
``store`` and what stands before it.
"""
