"""What a caller may set of one request, and what it learns of each attempt to send it."""
