"""What WeChat Pay signed of a run's answers, kept so that others can check a report offline.

In: a report's rows, and the signed messages of its answers. Out: Parquet files with a manifest, and
what a check of a report against them found. May import ``store`` and what stands before it.
"""
