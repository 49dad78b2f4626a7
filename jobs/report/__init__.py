"""The report as a value, and as the Parquet file that the next run compares with.

In: rows and their metadata. Out: ``Report``, its metadata, its checksums. May import ``input``,
``sweep`` and ``compare`` for the values that it is made of.
"""
