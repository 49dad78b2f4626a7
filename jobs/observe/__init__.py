"""Telling others how a run goes: logs, progress, metrics, and a dead man's switch.

In: events and the finished report. Out: lines, a metrics file, pings. May import every stage before
``run``.
"""
