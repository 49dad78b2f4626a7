"""A report in the formats that people open: one file each, all from the same ``Report``."""
