"""Keys, signatures and certificates: signs requests and verifies responses.

In: PEM texts, messages, headers. Out: signatures, or an error. May import the clock, the errors and
``text``; does not know the network.
"""
