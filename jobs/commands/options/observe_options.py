"""The options of ``palm-reconcile`` for metrics, pings, messages, logs and progress."""

from __future__ import annotations

from typing import Final

import click
from click.core import ParameterSource

from jobs.commands.options.option_types import Name, default_of, file_path
from jobs.observe.notify.options import NotifyOn, NotifyOptions
from jobs.observe.options import LogFormat, ObserveOptions, ProgressMode
from jobs.parsed_options import ParsedOptions
from jobs.render.language import Language

__all__ = ["OBSERVE", "notify_options"]


def _without_secret(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> str | None:
    """Return where messages go; URLs that are typed are refused, for everybody can read them."""
    typed = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
    if value is not None and typed and "://" in value:
        raise click.BadParameter(
            "name a file: everybody on this machine can read a command line; URLs go into "
            "PALM_NOTIFY"
        )
    return value


OBSERVE: Final = (
    click.Option(
        ["--metrics"],
        metavar="FILE.prom",
        type=file_path,
        help="Write numbers for Prometheus' textfile collector.",
    ),
    click.Option(
        ["--name"],
        metavar="NAME",
        type=Name(),
        help="Of this job, in metrics, JSON summary, pings and messages.  [default: the output's]",
    ),
    click.Option(
        ["--ping-url"],
        metavar="URL",
        help="Tell a dead man's switch of start, success and failure; better as PALM_PING_URL.",
    ),
    click.Option(
        ["--notify"],
        metavar="FILE",
        callback=_without_secret,
        help="Send a message about how the run ended to the services in this file, in Apprise's "
        "format; URLs only as PALM_NOTIFY.",
    ),
    click.Option(
        ["--notify-on"],
        metavar="WHEN",
        type=click.Choice([each.value for each in NotifyOn]),
        default=default_of(NotifyOptions, "on").value,
        show_default=True,
        help="problem: any exit code but 0, and 0 with a warning; change: also if a pair changed, "
        "came or went; or always.",
    ),
    click.Option(
        ["--notify-attach"],
        is_flag=True,
        help="Attach the report as HTML, redacted: hashes instead of openids, no column of the "
        "input.",
    ),
    click.Option(
        ["--notify-test"],
        is_flag=True,
        help="Send a test message, and do nothing else; needs neither INPUT nor -o.",
    ),
    click.Option(
        ["--log-file"],
        metavar="PATH",
        type=file_path,
        help="Append what is logged to this file, too, which may be rotated; standard error then "
        "shows errors only, but on a terminal.",
    ),
    click.Option(
        ["--log-format"],
        type=click.Choice([each.value for each in LogFormat]),
        default=default_of(ObserveOptions, "log_format").value,
        show_default=True,
        help="auto: text on a terminal, else JSON lines; the summary, and errors, are text but "
        "with json.",
    ),
    click.Option(
        ["--progress"],
        type=click.Choice([each.value for each in ProgressMode]),
        default=default_of(ObserveOptions, "progress").value,
        show_default=True,
        help="A bar; auto: on a terminal. Without one a line a minute is logged.",
    ),
    click.Option(["-q", "--quiet"], is_flag=True, help="Print errors only."),
    click.Option(
        ["-v", "--verbose"],
        is_flag=True,
        help="Log every pair without an answer, list every input line that holds none.",
    ),
)


def notify_options(params: ParsedOptions) -> NotifyOptions:
    """Return the options of messages, from all parsed options."""
    return NotifyOptions(
        target=params["notify"],
        on=NotifyOn(params["notify_on"]),
        attach=params["notify_attach"],
        language=Language(params["lang"]),
    )
