"""What was typed: the command ``palm`` with its subcommands, and how a command ends.

In: words. Out: an exit code. May import all of the client and the sandbox.
"""
