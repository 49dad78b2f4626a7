"""One run of the job: it calls the stages one after the other.

In: the run's configuration. Out: the published report. May import every stage but ``commands``.
"""
