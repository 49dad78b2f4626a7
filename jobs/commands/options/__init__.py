"""The options of ``palm-reconcile``: declared, read from the command line and turned into values.

In: the command line, PALM_* variables, palm.toml. Out: ``jobs.run.config.Options``, a part for each
stage. May import the options of every stage.
"""
