"""Several reports at once: what many nights show together, and what changed between any two.

In: the paths of reports, one a night, or two reports that were read. Out: a
:class:`jobs.history.model.History`, or a report that compares two. Many nights are read one after
the other, so that memory grows with the pairs and not with the nights. May import ``report`` and
what stands before it.
"""
