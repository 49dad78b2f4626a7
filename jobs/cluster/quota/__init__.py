"""Leases on parts of one quota: the command keeps the ledger, each worker process is a member.

In: questions and replies, and a clock. Out: how many requests a second a member may send, and until
when. May import the metadata's JSON dataclasses and ``palm``.
"""
