"""The options of ``palm-reconcile`` for inputs that are too large for one core or its memory."""

from __future__ import annotations

from typing import Final

import click

from jobs.commands.options.option_types import Partitions, file_path

__all__ = ["SCALE"]

SCALE: Final = (
    click.Option(
        ["--partitions"],
        metavar="N|auto",
        type=Partitions(),
        default="auto",
        show_default=True,
        help="Work on N parts, a power of two, one after the other, which limits memory; a folder "
        "then keeps part-*.parquet. auto: parts from a million pairs on, and one report file.",
    ),
    click.Option(
        ["--cluster"],
        metavar="TARGET",
        help="Let worker processes ask, together as fast as --rate: local:8 starts them, "
        "tls://host:8786 is a Dask scheduler. The output is a folder, which keeps part-*.parquet.",
    ),
    click.Option(
        ["--cluster-plain"],
        is_flag=True,
        help="Allow --cluster tcp://host:port beyond this machine: neither secret nor safe there.",
    ),
    click.Option(
        ["--work"],
        metavar="FOLDER",
        type=file_path,
        help="Keep the files of a run in progress here; all workers must see it at the same path.  "
        "[default: beside the output]",
    ),
)
