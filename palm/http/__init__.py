"""Sends requests and returns verified answers; the only package that knows the HTTP library.

In: method, target, body. Out: a verified ``Answer``, or an error. May import ``crypto`` and
``resilience``.
"""
