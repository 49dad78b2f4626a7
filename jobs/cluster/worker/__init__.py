"""What a worker process counts, and how its client follows the replies.

In: the results of the client's requests, and replies. Out: counts for the next question, and what
the process could use. May import ``cluster.quota`` and ``palm``.
"""
