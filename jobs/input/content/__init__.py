"""The bytes of an input: read, unpacked, in memory or in a file, and their encoding.

In: a path, or standard input. Out: bytes that can be read at any place. May import what
:mod:`jobs.input` may.
"""
