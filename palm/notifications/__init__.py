"""Notifications: requests that WeChat Pay sends to a merchant's own URL, and how they are read."""
