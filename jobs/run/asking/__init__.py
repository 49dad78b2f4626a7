"""Asks about all pairs of a run, by this process or by workers, with journal, signals and progress.

In: an endpoint, pairs by partition. Out: answers by partition, counts, pace. May import what
:mod:`jobs.run` may; ``by_workers`` is imported only where workers ask.
"""
