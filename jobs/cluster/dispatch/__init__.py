"""Hands tasks to workers, answers their questions, and judges what all of them report together.

In: slices of pairs, and an engine that carries tasks, reports and replies. Out: outcomes, or the
error that ends the run. May import ``cluster.tasks``, ``cluster.joint``, ``cluster.quota``.
"""
