"""The nightly job: every pair asked, compared with the last report, and written down."""
