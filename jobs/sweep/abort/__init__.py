"""When a sweep is stopped early, because asking further pairs would be wrong or useless.

In: the outcome of each query, the clock, the request statistics. Out: an error of ``jobs.errors``
that ends the sweep. Asks nobody, except for the one query of the health check.
"""
