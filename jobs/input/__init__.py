"""Bytes to pairs: an input is read, decoded, split into records, and every line is accounted for.

In: a path or standard input. Out: ``Input`` with a frame of pairs. May import the table of columns
only: neither the network nor the report.
"""
