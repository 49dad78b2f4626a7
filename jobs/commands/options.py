"""The options of ``palm-reconcile``, as click takes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from jobs.commands.option_types import Name, Number
from jobs.errors import UsageError
from jobs.render import FORMATS
from jobs.render.translations import Language

__all__ = ["ARGUMENTS", "LOG_FORMATS", "with_arguments"]

F = TypeVar("F", bound=Callable[..., Any])

LOG_FORMATS: Final = ("auto", "text", "json")


ARGUMENTS: Final = (
    click.argument("source", metavar="INPUT", type=str),
    click.option(
        "-o",
        "--output",
        metavar="PATH",
        multiple=True,
        required=True,
        help="The report: .parquet .csv .xlsx .html .json; repeatable; - is standard output. A "
        "folder (ends in /) keeps one a day. The first Parquet file is what the next run compares "
        "with.",
    ),
    click.option(
        "--format",
        "stdout_format",
        type=click.Choice(list(FORMATS)),
        help="Of standard output, with -o -.",
    ),
    click.option(
        "--keep",
        metavar="DAYS",
        type=click.IntRange(min=1),
        help="Remove this merchant's reports in the folder that are older.  [default: keep all]",
    ),
    click.option("--baseline", metavar="PATH", type=Path, help="Compare with this report."),
    click.option("--no-baseline", is_flag=True, help="Compare with nothing."),
    click.option(
        "--require-baseline",
        is_flag=True,
        help="Stop where there is no earlier report to compare with.",
    ),
    click.option(
        "--max-dropped",
        metavar="SHARE",
        type=Number(0, 1),
        default=0.5,
        show_default=True,
        help="Stop where more of the last report's pairs are missing from the input; more than a "
        "tenth is warned of, also with -q.",
    ),
    click.option(
        "--run-date",
        metavar="DATE",
        help="Business date, YYYY-MM-DD, not after today.  [default: today]",
    ),
    click.option(
        "--timezone", default="Asia/Shanghai", show_default=True, help="Where --run-date is today."
    ),
    click.option(
        "--rate",
        metavar="N",
        type=Number(min=0, min_open=True),
        help="Requests per second that WeChat Pay allows this job.  "
        "[default: 50; with --sandbox 1000]",
    ),
    click.option(
        "--quota-share",
        metavar="SHARE",
        type=Number(min=0, max=1, min_open=True),
        default=1.0,
        show_default=True,
        help="Part of --rate that this job may take: live payments share the quota.",
    ),
    click.option(
        "--concurrency",
        metavar="N",
        type=click.IntRange(min=1),
        help="Requests in flight at most.  [default: the rate, from 64 to 1024]",
    ),
    click.option(
        "--deadline",
        metavar="TIME",
        help="Take no more pairs from then on: 06:00, or 2026-11-22T06:00; in --timezone.",
    ),
    click.option(
        "--max-duration", metavar="DURATION", help="Take no more pairs after so long: 7h, 90m, 30s."
    ),
    click.option(
        "--patience",
        metavar="DURATION",
        help="Stop when no answer was accepted for so long.  [default: until the deadline; "
        "where there is none, 15m]",
    ),
    click.option(
        "--max-unknown",
        metavar="SHARE",
        type=Number(0, 1),
        default=0.01,
        show_default=True,
        help="(unknown pairs + invalid lines) / (pairs + invalid lines) that is a success.",
    ),
    click.option(
        "--forget-after",
        metavar="DAYS",
        type=click.IntRange(min=0),
        default=90,
        show_default=True,
        help="Remember pairs that left the input for so long.",
    ),
    click.option(
        "--replace",
        is_flag=True,
        help="Replace a report of the same date that shares under half of its pairs.",
    ),
    click.option(
        "--fresh", is_flag=True, help="Start over.  [default: go on from a killed run's journal]"
    ),
    click.option(
        "--plan", is_flag=True, help="Say what would be done and how long it takes; send nothing."
    ),
    click.option(
        "--accept-unnamed",
        is_flag=True,
        help="Accept answers that do not name the pair they are about: nothing ties such an answer "
        "to the question.  [default: refuse them]",
    ),
    click.option(
        "--require-echo",
        is_flag=True,
        help="Refuse answers that do not name the pair they are about: the default.",
    ),
    click.option(
        "--fail-on",
        metavar="RULE",
        multiple=True,
        help="End with 10 where it holds: closed>1%, cleared>0, on<1000; repeatable.",
    ),
    click.option(
        "--retry-unanswered",
        is_flag=True,
        help="Ask only the pairs that the report of this date has no answer for, and correct it.",
    ),
    click.option(
        "--lang",
        type=click.Choice([language.value for language in Language]),
        default=Language.EN.value,
        show_default=True,
        help="Of labels, in HTML and Excel.",
    ),
    click.option(
        "--openid-column",
        metavar="NAME",
        default="openid",
        show_default=True,
        help="Column of the openid.",
    ),
    click.option(
        "--organization-column",
        metavar="NAME",
        default="organization_id",
        show_default=True,
        help="Column of the organization.",
    ),
    click.option(
        "--encoding", metavar="NAME", help="Of the input.  [default: UTF-8, else GB18030]"
    ),
    click.option(
        "--max-input-size",
        metavar="SIZE",
        default="4GiB",
        show_default=True,
        help="Refuse an input that holds more, unpacked: 500MB, 8GiB.",
    ),
    click.option(
        "--sandbox",
        is_flag=True,
        help="Ask a gateway inside this process, with keys made for the run.",
    ),
    click.option(
        "--config",
        metavar="FILE",
        type=Path,
        is_eager=True,
        callback=lambda context, _, path: read_defaults(context, path),
        help="Settings.  [default: palm.toml in the current folder, where there is one]",
    ),
    click.option(
        "--base-url",
        metavar="URL",
        multiple=True,
        allow_from_autoenv=False,
        help="The gateway; repeated: main, then backup.  [default: WeChat Pay's]",
    ),
    # Without the variables: PALM_BASE_URL and PALM_PROXY are settings, and hold what is not shown.
    click.option(
        "--proxy",
        metavar="URL",
        allow_from_autoenv=False,
        help="An HTTP proxy.  [default: PALM_PROXY, HTTPS_PROXY]",
    ),
    click.option(
        "--ca-file",
        metavar="FILE",
        type=Path,
        allow_from_autoenv=False,
        help="Trust these certificate authorities, too.  [default: PALM_CA_FILE]",
    ),
    click.option(
        "--metrics",
        metavar="FILE.prom",
        type=Path,
        help="Write numbers for Prometheus' textfile collector.",
    ),
    click.option(
        "--name",
        metavar="NAME",
        type=Name(),
        help="Of this job, in metrics, in the JSON summary and in pings.  [default: the output's]",
    ),
    click.option(
        "--ping-url",
        metavar="URL",
        help="Tell a dead man's switch of start, success and failure; better as PALM_PING_URL.",
    ),
    click.option(
        "--log-file",
        metavar="PATH",
        type=Path,
        help="Append what is logged to this file, too, which may be rotated; standard error then "
        "shows errors only, but on a terminal.",
    ),
    click.option(
        "--log-format",
        type=click.Choice(LOG_FORMATS),
        default="auto",
        show_default=True,
        help="auto: text on a terminal, else JSON lines; the summary, and errors, are text but "
        "with json.",
    ),
    click.option(
        "--progress",
        type=click.Choice(["auto", "on", "off"]),
        default="auto",
        show_default=True,
        help="A bar; auto: on a terminal. Without one a line a minute is logged.",
    ),
    click.option("-q", "--quiet", is_flag=True, help="Print errors only."),
    click.option(
        "-v",
        "--verbose",
        is_flag=True,
        help="Log every pair without an answer, list every input line that holds none.",
    ),
)


def with_arguments(function: F) -> F:
    """Add the options to a command, in their order."""
    for add in reversed(ARGUMENTS):
        function = add(function)
    return function


def read_defaults(context: click.Context, path: Path | None) -> dict[str, Any]:
    """Read palm.toml; its table [reconcile] becomes the options' defaults."""
    from palm.settings import read_config, suggestion  # noqa: PLC0415
    from palm.text.printable import shown_value  # noqa: PLC0415 - not needed for --help

    if context.resilient_parsing:
        return {}
    config = read_config(path)
    table = config.pop("reconcile", {})
    defaults = {name.replace("-", "_"): value for name, value in table.items()}
    known = {parameter.name: parameter for parameter in context.command.params}
    if unknown := sorted(defaults.keys() - known.keys()):
        hint = suggestion(unknown[0], filter(None, known))
        named = shown_value(unknown[0])
        raise UsageError(f"palm.toml: [reconcile]: unknown option {named}; {hint}")
    for name, value in defaults.items():
        multiple = getattr(known[name], "multiple", False)
        if isinstance(value, dict) or (isinstance(value, list) and not multiple):
            raise UsageError(f"palm.toml: [reconcile]: {name} takes one value")
        if multiple and not isinstance(value, list):
            defaults[name] = [value]
    context.default_map = defaults
    return config
