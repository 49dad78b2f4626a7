"""What of a text may be shown: without secrets, without personal data, without control characters.

Pure, and imports nothing of ours.
"""
