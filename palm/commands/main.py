"""The command ``palm``."""

from __future__ import annotations

import asyncio
import shlex
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from palm import __version__
from palm.commands.exit_codes import EXIT_CODES, epilog, exit_code_of
from palm.commands.runner import run_command, say
from palm.commands.streams import show
from palm.errors import (
    CertificateRefusedError,
)
from palm.http.url import proxy_option
from palm.settings import CONFIG_NAME, Settings, load_settings, read_config
from palm.text.printable import json_text, printable

__all__ = ["command", "main"]

_NAME: Final = "palm"
_CHECK_FAILED: Final = 77


@click.group(no_args_is_help=False, epilog=epilog(EXIT_CODES))
@click.version_option(__version__, prog_name=_NAME)
def command() -> None:
    """WeChat Pay's palm service (微信刷掌), and a gateway to try it against."""


def _settings_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where keys and gateway are."""
    for option in (
        click.option(
            "--config",
            metavar="FILE",
            type=Path,
            help="Settings.  [default: palm.toml in the current folder, where there is one]",
        ),
        click.option(
            "--base-url",
            metavar="URL",
            multiple=True,
            help="The gateway; repeated: main, then backup.  [default: WeChat Pay's]",
        ),
        click.option(
            "--ca-file",
            metavar="FILE",
            type=click.Path(path_type=Path),
            help="Trust these certificate authorities, too.  [default: PALM_CA_FILE]",
        ),
        click.option(
            "--proxy", metavar="URL", help="An HTTP proxy.  [default: PALM_PROXY, HTTPS_PROXY]"
        ),
    ):
        function = option(function)
    return function


def _settings(given: dict[str, Any]) -> Settings:
    return load_settings(
        read_config(given["config"]),
        base_url=given["base_url"] or None,
        proxy=proxy_option(given["proxy"]),
        ca_file=given["ca_file"],
        accept_unnamed=given.get("accept_unnamed"),
        require_echo=given.get("require_echo"),
    )


@command.command(epilog=epilog(EXIT_CODES))
@click.argument("openid")
@click.option("--organization-id", metavar="ID", required=True, help="The organization.")
@click.option(
    "--accept-unnamed",
    is_flag=True,
    default=None,
    help="Believe an answer that does not name the person or the organization, too.",
)
@click.option(
    "--require-echo", is_flag=True, default=None, help="The default, kept for older scripts."
)
@_settings_options
def get(**given: Any) -> int:  # noqa: ANN401 - what the options above declare
    """Ask about one person and one organization; print the answer as JSON."""
    return asyncio.run(_get(given))


@command.command()
@click.option("--openid", help="Ask about this person.  [default: the documentation's example]")
@click.option("--organization-id", metavar="ID", help="Ask about this organization.")
@_settings_options
def check(**given: Any) -> int:  # noqa: ANN401 - what the options above declare
    """Say whether keys, serials, clock, host and permission are in order, and what mends them.

    Sends one query to each host. Ends with 0, or with 77 where something has failed.
    """
    pair = (given["openid"], given["organization_id"])
    if any(pair) and not all(pair):
        raise click.UsageError("--openid and --organization-id go together")
    return asyncio.run(_check(_settings(given), pair if all(pair) else None))


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
    type=Path,
    help="Write keys and settings into this folder: new, empty, or an earlier sandbox's.",
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

    \b
    Faults (each meets so large a share of the requests; all: every one of them):
      throttle     429, or: 429
      system_error 500, or: 500
      bad_gateway  502 with a page of HTML, or: 502
      drop         the connection is closed without an answer
      stall        nothing comes, or half of the body
      altered      the body is not the one that was signed
      probe        the signature is one of WeChat Pay's deliberate wrong ones
      missing      no signature
      serial       signed with a key that nobody knows
      stale        signed ten minutes ago
      other        about another openid
      nostate      no state
      newstate     a state that is not documented
      truncated    the JSON ends in the middle
      unnamed      without openid, organization_id or both
      duplicate    the answer once more, a few milliseconds later
    """  # noqa: D301 - click's mark of a paragraph that it is not to wrap
    with tempfile.TemporaryDirectory(prefix="palm-sandbox-") as made:
        asyncio.run(_serve(given, given["folder"] or Path(made)))


def main() -> NoReturn:
    """Run the command of the process's arguments."""
    run_command(command, _NAME, exit_code_of)


async def _get(given: dict[str, Any]) -> int:
    from palm.client import AsyncPalm  # noqa: PLC0415 - not needed for --help
    from palm.doctor.remedies import diagnose  # noqa: PLC0415

    settings = _settings(given)
    async with AsyncPalm.from_settings(settings) as palm:
        try:
            answer = await palm.authorizations.get(given["openid"], given["organization_id"])
        except CertificateRefusedError as error:
            say(_NAME, diagnose(error))
            return exit_code_of(error)
    members = {
        "openid": answer.openid,
        "organization_id": answer.organization_id,
        "state": answer.state.name,
        "authorize_time": answer.authorize_time and answer.authorize_time.isoformat(),
        "request_id": answer.request_id,
        "verified_by": answer.verified_by,
        "attempts": answer.attempts,
        "echoed": answer.echoed,
    }
    show(json_text(members, indent=2))
    return 0


async def _check(settings: Settings, pair: tuple[str, str] | None) -> int:
    from palm.doctor import checks  # noqa: PLC0415 - not needed for --help

    fail = checks.Level.FAIL
    colours = {checks.Level.OK: "green", checks.Level.WARN: "yellow", fail: "red"}
    worst = 0
    async for finding in checks.check(settings, pair=pair):
        level = click.style(f"{finding.level:4}", fg=colours[finding.level])
        show(f"{level}  {printable(finding.what)}: {printable(finding.detail)}")
        worst = _CHECK_FAILED if finding.level is fail else worst
    return worst


async def _serve(given: dict[str, Any], folder: Path) -> None:
    from palm.sandbox import Faults, Population, SandboxGateway, SandboxKeys  # noqa: PLC0415 - a server

    keys = SandboxKeys.generate()
    gateway = SandboxGateway(
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
        show(f"# The sandbox answers at {gateway.base_url} until it is stopped (Ctrl-C).")
        config = printable(str(folder / CONFIG_NAME))
        show(f"# Use it with: palm-reconcile ... --config {config}, or with:")
        for name, value in Settings(**read_config(folder / CONFIG_NAME)).as_environment().items():
            show(f"export {name}={shlex.quote(value)}")
        await stop.wait()
    stats = gateway.stats
    say(_NAME, f"{stats.requests:,} requests, {stats.answered:,} answered, "
               f"{stats.throttled:,} throttled, {stats.rejected:,} rejected")  # fmt: skip


if __name__ == "__main__":
    main()
