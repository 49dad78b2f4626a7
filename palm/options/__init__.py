"""The options of the clients: their names and types, and whether values are right."""
