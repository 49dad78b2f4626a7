"""``palm check``: checks keys, serials, clock, host and permission, and says how to fix them.

In: settings. Out: findings, each with its remedy. May import all of the client.
"""
