"""Rate limit, retries, circuit breaker and failover: when a request is sent, and to which host.

In: times and results. Out: permits, waits and hosts. May import the clock, the errors and ``text``;
does not know HTTP.
"""
