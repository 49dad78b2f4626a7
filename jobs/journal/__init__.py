"""The answers of a run that has not ended: append-only files, one for each part of the pairs.

In: answers as they come. Out: those that an interrupted run has left, of however many parts. May
import ``sweep`` for what an answer is, ``report`` for whose it is, ``store`` for where files lie.
"""
