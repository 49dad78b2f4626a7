"""Files on any file system: how one replaces another, is locked, and is compared with another.

In: paths. Out: written, locked or identical files, or why not. May import ``locations``.
"""
