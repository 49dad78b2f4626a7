"""The command ``palm``."""

from __future__ import annotations

import asyncio
import shlex
import signal
import tempfile
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from palm._version import __version__
from palm.errors import SettingsError
from palm.settings import CONFIG_NAME, Settings, read_config
from palm.shell import USAGE, run_command, say

__all__ = ["command", "main"]

_NAME: Final = "palm"


@click.group()
@click.version_option(__version__, prog_name=_NAME)
def command() -> None:
    """WeChat Pay's palm service (微信刷掌), and a gateway to try it against."""


@command.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Port on 127.0.0.1; 0: any that is free.",
)
@click.option(
    "--keys",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write keys and settings into this new or empty folder.",
)
@click.option(
    "--mode",
    type=click.Choice(["public_key", "certificate", "grey"]),
    default="public_key",
    show_default=True,
    help="Which key signs answers; grey: the one that the request names.",
)
@click.option(
    "--faults",
    metavar="SHARES",
    default="",
    help="What goes wrong and how often, e.g. 500=0.02,stall=0.01 or all=0.02.",
)
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(min=1),
    help="Answer 429 beyond so many requests in any second.",
)
@click.option(
    "--latency",
    "latency_s",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Hold each answer back for so long.",
)
@click.option(
    "--date",
    "day",
    metavar="DATE",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Show the population of this date.  [default: today's]",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of the population and of the faults."
)
def sandbox(**given: Any) -> None:  # noqa: ANN401 - what the options above declare
    """Run a gateway that behaves as WeChat Pay's does, on this machine only.

    It verifies each request and signs each answer with keys made when it starts. Any SDK can talk
    to it; nothing it says is about a real person.
    """
    with tempfile.TemporaryDirectory(prefix="palm-sandbox-") as made:
        asyncio.run(_serve(given, given["folder"] or Path(made)))


def main() -> NoReturn:
    """Run the command of the process's arguments."""
    run_command(command, _NAME, lambda error: USAGE if isinstance(error, SettingsError) else None)


async def _serve(given: dict[str, Any], folder: Path) -> None:
    from palm.sandbox import Faults, Gateway, Population, SandboxKeys  # noqa: PLC0415 - a server

    keys = SandboxKeys.generate()
    gateway = Gateway(
        keys,
        Population(seed=given["seed"]),
        date=given["day"].date() if given["day"] else None,
        mode=given["mode"],
        limit=given["limit"],
        latency_s=given["latency_s"],
        faults=Faults.parse(given["faults"], seed=given["seed"]),
        port=given["port"],
        record_pairs=False,
    )
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with gateway:
        keys.write(folder, gateway.base_url, mode=given["mode"])
        click.echo(f"# The sandbox answers at {gateway.base_url} until it is stopped (Ctrl-C).")
        click.echo(f"# Use it with: palm-reconcile ... --config {folder / CONFIG_NAME}, or with:")
        for name, value in Settings(**read_config(folder / CONFIG_NAME)).as_environment().items():
            click.echo(f"export {name}={shlex.quote(value)}")
        await stop.wait()
    stats = gateway.stats
    say(_NAME, f"{stats.requests:,} requests, {stats.answered:,} answered, "
               f"{stats.throttled:,} throttled, {stats.rejected:,} rejected")  # fmt: skip


if __name__ == "__main__":
    main()
