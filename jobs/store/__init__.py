"""Values to files and back: where every file lies, who owns it, and how one replaces another.

In: a report. Out: files, each in its place in one step; the last report, found and checked. May
import ``report`` and ``render``.
"""
