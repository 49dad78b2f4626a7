"""The report as one HTML page, self-contained: no script, nothing loaded from elsewhere."""
