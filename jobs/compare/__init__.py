"""Answers and the last report to rows and counts. Pure: frames in, frames and values out.

In: frames of pairs, answers and earlier rows. Out: the report's rows, changes, summary, controls
and verdict. May import ``schema`` and ``json_dataclass``.
"""
