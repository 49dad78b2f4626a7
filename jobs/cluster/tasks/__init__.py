"""What the command and the workers hand each other through files, and in a few plain values.

In: pairs to ask about, as an Arrow file of the shared work folder, or where a part of the report
comes from. Out: their outcomes, or the part, as other files. May import ``sweep``, ``journal``,
``report``, ``store`` and ``palm``; what carries the values is not known here.
"""
