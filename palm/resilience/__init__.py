"""When to ask, when to ask again, and whom: pacing, retries, circuit breaker, failover.

In: times, outcomes. Out: permits, waits, a host. May import the errors and ``text``; knows no HTTP.
"""
