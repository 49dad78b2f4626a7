"""The answers of a run that has not ended: an append-only file beside the report.

In: answers as they come. Out: those that an interrupted run has left. May import ``sweep`` for what
an answer is, ``report`` for whose it is, ``store`` for where files lie.
"""
