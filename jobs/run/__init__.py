"""One run of the job, stage after stage, and what belongs to no single stage.

In: the run's configuration. Out: the published report. May import every stage but ``commands``.
"""
