"""The commands ``palm-reconcile`` and ``palm-report``, their options and exit codes.

In: arguments, environment, ``palm.toml``. Out: an exit code. May import every other stage; nobody
imports it.
"""
