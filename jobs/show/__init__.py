"""What ``palm-report`` does: the reports that were named are shown, or written in other formats.

In: paths and options. Out: text on the terminal, files, an exit code. May import ``store`` and what
stands before it.
"""
