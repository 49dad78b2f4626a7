"""Part of a report: some of its rows, some people, rows that another program wrote.

In: a report, or a file. Out: a report of those rows, which says what it is and which no night is
compared with. May import ``report`` and what stands before it.
"""
