"""The nightly job: asks about every pair, compares with the last report, writes the new one."""
