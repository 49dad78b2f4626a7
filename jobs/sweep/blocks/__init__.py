"""The pairs of a sweep in blocks, so that only a few of them are in memory at a time.

In: pairs and earlier rows by partition. Out: blocks of pairs to ask about, in their order, and the
outcomes of all pairs by partition. Asks nobody.
"""
