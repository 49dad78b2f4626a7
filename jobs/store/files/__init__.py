"""Operations on files of any file system: replace, lock, compare.

In: paths. Out: files that were written or locked, or the reason why that failed. May import
``locations`` and ``days``.
"""
