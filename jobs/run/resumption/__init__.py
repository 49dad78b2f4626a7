"""How a run resumes an earlier one: the run date, the answers that are used again, the command.

In: the run's options, an unfinished run's journal or the report that is replaced. Out: options and
answers. May import what :mod:`jobs.run` may.
"""
