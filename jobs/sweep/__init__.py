"""Asks the gateway about every pair, within the rate limit and with retries.

In: pairs by partition, a client, a journal. Out: answers by partition and the request statistics.
May import ``compare`` for matching; knows no reports, and no files but those of outcomes.
"""
