"""The rows of a run, in memory or, where they are too many, part by part on disk.

In: the options, the earlier reports, the answers. Out: the input's pairs, and the report. May
import what :mod:`jobs.run` may.
"""
