"""Pairs divided into parts by a hash, so that a run needs the memory of a few parts only.

In: frames with ``organization_id`` and ``openid``. Out: frames by partition, in memory or on disk.
May import ``schema`` and ``freed_memory``.
"""
