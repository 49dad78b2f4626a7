"""The report on disk: where each file is, and how a new file replaces an old one.

In: a report. Out: files, each written or replaced in one step; the last report, found and checked.
May import ``report`` and ``render``.
"""
