"""What the counts of all members show together: the rate, an outage, a reason to stop.

In: questions with counts. Out: replies, and errors that end the run. May import ``cluster.quota``,
``sweep`` for its rules, and ``palm.resilience``; times are passed in.
"""
