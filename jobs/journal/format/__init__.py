"""The bytes of a journal: frames, a header, records. Pure.

In: outcomes, or a file's bytes. Out: bytes to append, or what is valid in a file. May import
``sweep`` for what an outcome is.
"""
