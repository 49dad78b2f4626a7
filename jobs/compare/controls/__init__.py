"""The equations that a report must satisfy before it is published. Pure.

In: the report's rows as read back, and the counts that it claims. Out: each equation with its
numbers, and whether it holds. May import what :mod:`jobs.compare` may.
"""
