"""Reports on a run to others: logs, progress, metrics, messages and a dead man's switch.

In: events and the finished report. Out: lines, a metrics file, pings. May import every stage before
``run``.
"""
