"""How a run goes on from an earlier one: its date, the answers taken over, the command to type.

In: the run's options, an unfinished run's journal or the report that is replaced. Out: options and
answers. May import what :mod:`jobs.run` may.
"""
