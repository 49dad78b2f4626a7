"""Many nights at once: counts night by night, and what became of each pair over all of them.

In: the paths of reports, one a night. Out: a :class:`jobs.nights.history.History`. The reports are
read one after the other, so that memory grows with the pairs and not with the nights. May import
``report`` and what stands before it.
"""
