"""The command ``palm``."""

from __future__ import annotations

import asyncio
import shlex
import signal
import tempfile
from collections.abc import AsyncIterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, Unpack

import click

from palm import __version__
from palm.commands.exit_codes import EXIT_CODES, epilog, exit_code_of
from palm.commands.options import (
    CheckOptions,
    GetOptions,
    SandboxOptions,
    ca_setting,
    settings_of,
    settings_options,
)
from palm.commands.runner import print_error, run_command
from palm.commands.streams import show
from palm.errors import CertificateRefusedError
from palm.settings import CONFIG_NAME, Settings, read_config
from palm.text.printable import json_text, printable

if TYPE_CHECKING:
    from palm.doctor.checks import Finding

__all__ = ["command", "main"]

_NAME: Final = "palm"
_CHECK_FAILED: Final = 77
_CHECKS: Final = "palm.checks"
"""The entry points of further checks."""


@click.group(no_args_is_help=False, epilog=epilog(EXIT_CODES))
@click.version_option(__version__, prog_name=_NAME)
def command() -> None:
    """Use WeChat Pay's palm service (微信刷掌), or run a sandbox of it."""


@command.command(epilog=epilog(EXIT_CODES))
@click.argument("openid")
@click.option(
    "--organization-id", metavar="ID", required=True, help="The organization to ask about."
)
@click.option(
    "--accept-unnamed",
    is_flag=True,
    default=None,
    help="Also accept an answer that does not name the person or the organization.",
)
@click.option(
    "--require-echo", is_flag=True, default=None, help="The default; accepted for older scripts."
)
@settings_options
def get(**options: Unpack[GetOptions]) -> int:
    """Ask about one person and one organization; print the answer as JSON."""
    return asyncio.run(_get(options))


@command.command()
@click.option("--openid", help="The person to ask about.  [default: the documentation's example]")
@click.option("--organization-id", metavar="ID", help="The organization to ask about.")
@click.option(
    "--cluster",
    metavar="TARGET",
    help="Check the workers of palm-reconcile --cluster, too: local:8, tls://host:8786.",
)
@click.option(
    "--cluster-plain", is_flag=True, help="Allow tcp:// beyond this machine, which is not safe."
)
@click.option(
    "--work",
    metavar="FOLDER",
    type=Path,
    help="Check, too, that each worker can write into this folder.",
)
@settings_options
def check(**options: Unpack[CheckOptions]) -> int:
    """Check keys, serial numbers, clock, host and permission, and say how to fix them.

    Sends one query to each host. The exit code is 0, or 77 if a check has failed.
    """
    openid, organization_id = options["openid"], options["organization_id"]
    pair = (openid, organization_id) if openid and organization_id else None
    if pair is None and (openid or organization_id):
        raise click.UsageError("--openid and --organization-id go together")
    if options["cluster"] is None and (options["cluster_plain"] or options["work"]):
        raise click.UsageError("--cluster-plain and --work go with --cluster")
    return asyncio.run(_check(options, pair))


@command.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Port on 127.0.0.1; 0: any free port.",
)
@click.option(
    "--keys",
    "folder",
    metavar="DIR",
    type=Path,
    help="Write keys and settings into this folder: new, empty, or written by a sandbox.",
)
@click.option(
    "--mode",
    type=click.Choice(["public_key", "certificate", "grey"]),
    default="public_key",
    show_default=True,
    help="The key that signs answers; grey: the one that the request names.",
)
@click.option(
    "--faults",
    metavar="SHARES",
    default="",
    help="Faults and their shares, e.g. 500=0.02,stall=0.01 or all=0.02.",
)
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(min=1),
    help="Answer 429 beyond this number of requests in any second.",
)
@click.option(
    "--latency",
    "latency_s",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Delay each answer by this time.",
)
@click.option(
    "--date",
    "day",
    metavar="DATE",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Business date of the population.  [default: today]",
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="Seed of the population and of the faults.",
)
def sandbox(**options: Unpack[SandboxOptions]) -> None:
    """Run a gateway that behaves as WeChat Pay's does, on this machine only.

    It verifies each request and signs each answer with keys made when it starts. Any SDK can use
    it; no answer is about a real person.

    \b
    Faults (the share of requests that meet each; all sets every fault):
      throttle     429, or: 429
      system_error 500, or: 500
      bad_gateway  502 with a page of HTML, or: 502
      drop         the connection is closed without an answer
      stall        nothing is sent, or half of the body
      altered      the body is not the one that was signed
      probe        a deliberately wrong signature, as WeChat Pay sends now and then
      missing      no signature
      serial       the serial number of an unknown key
      stale        signed ten minutes ago
      other        about another openid
      nostate      no state
      newstate     a state that is not documented
      truncated    the JSON ends in the middle
      unnamed      without openid, organization_id or both
      duplicate    the answer twice, the second a few milliseconds later
    """  # noqa: D301 - click does not wrap a paragraph after this mark
    with tempfile.TemporaryDirectory(prefix="palm-sandbox-") as made:
        asyncio.run(_serve(options, options["folder"] or Path(made)))


def main() -> NoReturn:
    """Run the command with the arguments of the process."""
    run_command(command, _NAME, exit_code_of)


async def _get(options: GetOptions) -> int:
    from palm.client import AsyncPalm  # noqa: PLC0415 - not needed for --help
    from palm.errors.remedies import diagnose  # noqa: PLC0415
    from palm.http.tls import tls_context  # noqa: PLC0415

    settings = settings_of(
        options,
        accept_unnamed=options["accept_unnamed"],
        require_echo=options["require_echo"],
    )
    tls_context(settings.ca_file, ca_setting(options))  # an error names the option as it was typed
    async with AsyncPalm.from_settings(settings) as palm:
        try:
            answer = await palm.authorizations.get(options["openid"], options["organization_id"])
        except CertificateRefusedError as error:
            print_error(_NAME, diagnose(error))
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


async def _check(options: CheckOptions, pair: tuple[str, str] | None) -> int:
    from palm.doctor import checks  # noqa: PLC0415 - not needed for --help

    fail = checks.Level.FAIL
    colours = {checks.Level.OK: "green", checks.Level.WARN: "yellow", fail: "red"}
    worst, settings = 0, settings_of(options)
    found = [checks.check(settings, pair=pair, ca_setting=ca_setting(options))]
    if options["cluster"] is not None:
        found.append(_checks_of_workers(settings, options))
    for findings in found:
        async for finding in findings:
            level = click.style(f"{finding.level:4}", fg=colours[finding.level])
            show(f"{level}  {printable(finding.what)}: {printable(finding.detail)}")
            worst = _CHECK_FAILED if finding.level is fail else worst
    return worst


def _checks_of_workers(settings: Settings, options: CheckOptions) -> AsyncIterator[Finding]:
    """Return what is found on the workers; the package that has workers says how."""
    found = entry_points(group=_CHECKS, name="cluster")
    if not found:
        raise click.UsageError("--cluster: palm-reconcile is not installed")
    check_workers = next(iter(found)).load()
    findings: AsyncIterator[Finding] = check_workers(
        settings,
        config=options["config"],
        base_url=options["base_url"],
        target=options["cluster"],
        plain=options["cluster_plain"],
        work=options["work"] and options["work"].resolve(),
    )
    return findings


async def _serve(options: SandboxOptions, folder: Path) -> None:
    from palm.sandbox import Faults, Population, SandboxGateway, SandboxKeys  # noqa: PLC0415 - a server

    keys = SandboxKeys.generate()
    gateway = SandboxGateway(
        keys,
        Population(seed=options["seed"]),
        date=options["day"].date() if options["day"] else None,
        mode=options["mode"],
        limit=options["limit"],
        latency_s=options["latency_s"],
        faults=Faults.parse(options["faults"], seed=options["seed"]),
        port=options["port"],
        record_pairs=False,
    )
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with gateway:
        keys.write(folder, gateway.base_url, mode=options["mode"])
        show(f"# The sandbox runs at {gateway.base_url} until it is stopped (Ctrl-C).")
        config = printable(str(folder / CONFIG_NAME))
        show(f"# Use it with: palm-reconcile ... --config {config}, or with:")
        settings = Settings.model_validate(read_config(folder / CONFIG_NAME))
        for name, value in settings.as_environment().items():
            show(f"export {name}={shlex.quote(value)}")
        await stop.wait()
    stats = gateway.stats
    print_error(_NAME, f"{stats.requests:,} requests, {stats.answered:,} answered, "
               f"{stats.throttled:,} throttled, {stats.rejected:,} rejected")  # fmt: skip


if __name__ == "__main__":
    main()
