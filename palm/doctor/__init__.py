"""``palm check``: are keys, serials, clock, host and permission in order, and what mends them.

In: settings. Out: findings, each with its remedy. May import all of the client.
"""
