"""The log: what is logged, in which form, and where it goes.

In: events of the run and its report. Out: lines on standard error and in the log file. May import
what :mod:`jobs.observe` may.
"""
