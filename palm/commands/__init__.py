"""The command ``palm`` with its subcommands, and how a command ends.

In: the words of a command line. Out: an exit code. May import all of the client and the sandbox.
"""
