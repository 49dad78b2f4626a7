"""Who has authorized whom, on any date: made up, and always the same for the same person."""
