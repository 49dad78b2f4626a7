"""Reads the files that settings name; regular files only. May import the errors and ``text``."""
