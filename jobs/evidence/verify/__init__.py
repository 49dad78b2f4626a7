"""Checks a report against the evidence of its run, as anybody with WeChat Pay's key can.

In: a report, its evidence, trusted keys. Out: one outcome for each state, and an exit code. May
import what ``evidence`` may.
"""
