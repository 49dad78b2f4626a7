"""Asks the gateway about every pair, within the rate limit and with retries.

In: a frame of pairs, a client, a journal. Out: a frame of answers and the request statistics. May
import ``compare`` for matching; knows neither files nor reports.
"""
