"""What is read from disk: regular files only, and the paths in settings. May import the errors."""
