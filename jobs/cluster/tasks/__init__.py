"""What the command and the workers hand each other through files, and in a few plain values.

In: pairs to ask about, as an Arrow file of the shared work folder. Out: their outcomes, as another.
May import ``sweep``, ``journal`` and ``palm``; what carries the values is not known here.
"""
