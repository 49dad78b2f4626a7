"""Asking by many processes: tasks, one quota for all of them, and what they show together.

In: pairs in files of a shared folder, the processes' questions and what they counted. Out: outcomes
and parts of the report in files, replies with leases, and errors that end the run. May import
``sweep``, ``journal``, ``store``, ``evidence`` and ``palm``; only ``dask_engine`` knows Dask.
"""
