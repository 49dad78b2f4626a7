"""The keys of both sides: made, kept in a folder, and handed out as certificates."""
