"""One quota for many processes: who may send how much, and what all of them together show.

In: questions of the processes that ask the gateway, and counts of what they saw. Out: replies with
leases, and errors that end the run. May import ``sweep`` for its rules; knows no network.
"""
