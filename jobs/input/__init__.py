"""Reads an input: decodes it, splits it into records, and counts what each line is.

In: a path or standard input. Out: ``Input`` with a frame of pairs. May import the table of columns
only: neither the network nor the report.
"""
