"""Pairs to answers: every pair is asked about, under a rate limit, with retries, until it is known.

In: a frame of pairs, a client, a journal. Out: a frame of answers and the request statistics. May
import ``compare`` for matching; knows neither files nor reports.
"""
