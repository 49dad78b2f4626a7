"""Keys, signatures and certificates: what is signed, what is verified, and with what.

In: PEM texts, messages, headers. Out: signatures, or an error. May import the errors and ``text``;
knows no network.
"""
