"""The command ``palm-reconcile``: options in, exit code out."""

from __future__ import annotations

import math
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from jobs.exits import Exit, Stop
from jobs.outputs import parse_outputs
from jobs.render import FORMATS
from jobs.render.language import Language
from palm._version import __version__
from palm.shell import run_command, say

if TYPE_CHECKING:
    from jobs.night import Options
    from jobs.rules import Rule
    from palm.settings import Settings

__all__ = ["command", "main"]

_NAME: Final = "palm-reconcile"
_EXIT_CODES: Final = """\b
Exit codes:
  0    done, within --max-unknown
  1    a defect of this program
  2    bad options or settings, or a report that is another merchant's
  3    done, but more is unknown than --max-unknown allows
  4    stopped: too many answers were not believed; nothing is written
  5    the controls do not balance; nothing is written
  10   done, and a --fail-on rule holds
  65   the input, or the baseline, cannot be read
  73   the output cannot be written
  75   the gateway could not be reached; try again later
  77   credentials refused, or no key for the gateway's signatures
  130  interrupted; nothing is written
"""


class _Number(click.FloatRange):
    """A float in a range; ``nan`` and ``inf`` are none."""

    def convert(self, *given: Any) -> float:  # noqa: ANN401 - click's (value, param, ctx)
        """Return the number."""
        number = float(super().convert(*given))
        if not math.isfinite(number):
            self.fail(f"{number} is no number here", *given[1:])
        return number


@click.command(epilog=_EXIT_CODES, context_settings={"auto_envvar_prefix": "PALM"})
@click.argument("source", metavar="INPUT", type=str)
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    multiple=True,
    required=True,
    help="The report: .parquet .csv .xlsx .html .json; repeatable; - is standard output. A folder "
    "(ends in /) keeps one a day. The first Parquet file is what the next run compares with.",
)
@click.option(
    "--format",
    "stdout_format",
    type=click.Choice(list(FORMATS)),
    help="Of standard output, with -o -.",
)
@click.option(
    "--keep",
    metavar="DAYS",
    type=click.IntRange(min=1),
    help="Remove the folder's reports that are older.  [default: keep all]",
)
@click.option(
    "--baseline", metavar="PATH", type=click.Path(path_type=Path), help="Compare with this report."
)
@click.option("--no-baseline", is_flag=True, help="Compare with nothing.")
@click.option("--run-date", metavar="DATE", help="Business date, YYYY-MM-DD.  [default: today]")
@click.option(
    "--timezone", default="Asia/Shanghai", show_default=True, help="Where --run-date is today."
)
@click.option(
    "--rate",
    metavar="N",
    type=_Number(min=0, min_open=True),
    help="Requests per second that WeChat Pay allows this job.  [default: 50; with --sandbox 1000]",
)
@click.option(
    "--concurrency",
    metavar="N",
    type=click.IntRange(min=1),
    help="Requests in flight at most.  [default: the rate, from 64 to 1024]",
)
@click.option(
    "--max-unknown",
    metavar="SHARE",
    type=_Number(0, 1),
    default=0.01,
    show_default=True,
    help="(unknown pairs + invalid lines) / (pairs + invalid lines) that is a success.",
)
@click.option(
    "--forget-after",
    metavar="DAYS",
    type=click.IntRange(min=0),
    default=90,
    show_default=True,
    help="Remember pairs that left the input for so long.",
)
@click.option(
    "--replace",
    is_flag=True,
    help="Replace a report of the same date that shares under half of its pairs.",
)
@click.option(
    "--require-echo", is_flag=True, help="Refuse answers that do not name the pair they are about."
)
@click.option(
    "--fail-on",
    metavar="RULE",
    multiple=True,
    help="End with 10 where it holds: closed>1%, cleared>0, on<1000; repeatable.",
)
@click.option(
    "--retry-unanswered",
    is_flag=True,
    help="Ask only the pairs that the report of this date has no answer for, and correct it.",
)
@click.option(
    "--lang",
    type=click.Choice([language.value for language in Language]),
    default=Language.EN.value,
    show_default=True,
    help="Of labels, in HTML and Excel.",
)
@click.option(
    "--openid-column",
    metavar="NAME",
    default="openid",
    show_default=True,
    help="Column of the openid.",
)
@click.option(
    "--organization-column",
    metavar="NAME",
    default="organization_id",
    show_default=True,
    help="Column of the organization.",
)
@click.option("--encoding", metavar="NAME", help="Of the input.  [default: UTF-8, else GB18030]")
@click.option(
    "--sandbox", is_flag=True, help="Ask a gateway inside this process, with keys made for the run."
)
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(path_type=Path),
    is_eager=True,
    callback=lambda context, _, path: _read_config(context, path),
    help="Settings.  [default: palm.toml in the current folder, where there is one]",
)
@click.option(
    "--base-url",
    metavar="URL",
    multiple=True,
    help="The gateway; repeated: main, then backup.  [default: WeChat Pay's]",
)
@click.option("--proxy", metavar="URL", help="An HTTP proxy.  [default: HTTPS_PROXY]")
@click.option(
    "--progress",
    type=click.Choice(["auto", "on", "off"]),
    default="auto",
    show_default=True,
    help="A bar; auto: on a terminal.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
@click.option("-v", "--verbose", is_flag=True, help="List every input line that holds no pair.")
@click.version_option(__version__, prog_name="palm-reconcile")
def command(**given: Any) -> int:  # noqa: ANN401 - what the options above declare
    """Ask WeChat Pay who has authorized palm payment, and write what changed.

    INPUT is a CSV file with the columns openid and organization_id (.gz and .zst too), or - for
    standard input. Options win over PALM_* variables, and those over palm.toml: its keys for
    credentials, its table [reconcile] for the options above.
    """
    from jobs.night import run  # noqa: PLC0415 - pandas and all: --help does not wait
    from jobs.render.terminal import SummaryConsole, print_summary  # noqa: PLC0415

    console = SummaryConsole(stderr=True, highlight=False)
    options = _options(given, terminal=console.is_terminal)
    report = run(options, console)
    if not given["quiet"]:
        with suppress(OSError):  # the report is published, whether anybody reads this or not
            print_summary(report, console, every_line=given["verbose"])
            for path in options.outputs.files:
                console.print(f"Written: {path}", markup=False, soft_wrap=True)
    for sentence in report.about["run"]["verdict"]:
        say(_NAME, sentence)
    code: int = report.about["run"]["exit_code"]
    return code


def _options(given: dict[str, Any], *, terminal: bool) -> Options:
    from jobs.night import Options  # noqa: PLC0415 - pandas and all: --help does not wait

    run_date = _run_date(given["run_date"], given["timezone"])
    outputs = parse_outputs(given["output"], given["stdout_format"], run_date)
    if given["baseline"] is not None and given["no_baseline"]:
        raise Stop(Exit.USAGE, "--baseline and --no-baseline contradict each other")
    if given["sandbox"] and given["base_url"]:
        raise Stop(Exit.USAGE, "--sandbox asks a gateway of its own; leave --base-url out")
    if given["keep"] is not None and outputs.folder is None:
        raise Stop(Exit.USAGE, "--keep goes with an output folder: -o reports/ --keep 400")
    bar = given["progress"] == "on" or (given["progress"] == "auto" and terminal)
    return Options(
        source=given["source"],
        outputs=outputs,
        run_date=run_date,
        timezone=given["timezone"],
        settings=None if given["sandbox"] else _settings(given),
        baseline=given["baseline"],
        compare=not given["no_baseline"],
        rate=given["rate"],
        concurrency=given["concurrency"],
        max_unknown=given["max_unknown"],
        forget_after_days=given["forget_after"],
        keep_days=given["keep"],
        replace=given["replace"],
        retry_unanswered=given["retry_unanswered"],
        fail_on=tuple(_rule(text) for text in given["fail_on"]),
        language=Language(given["lang"]),
        require_echo=given["require_echo"],
        openid_column=given["openid_column"],
        organization_column=given["organization_column"],
        encoding=given["encoding"],
        progress=None if given["quiet"] or given["progress"] == "off" else bar,
    )


def _rule(text: str) -> Rule:
    from jobs.rules import RuleError, parse_rule  # noqa: PLC0415 - not needed for --help

    try:
        return parse_rule(text)
    except RuleError as error:
        raise Stop(Exit.USAGE, f"--fail-on: {error}") from None


def main() -> NoReturn:
    """Run the command of the process's arguments."""
    run_command(command, _NAME, _exit_code)


def _exit_code(error: Exception) -> int | None:
    from palm.errors import SettingsError  # noqa: PLC0415 - not needed for --help

    if isinstance(error, Stop):
        return error.code
    return Exit.USAGE if isinstance(error, SettingsError) else None


def _read_config(context: click.Context, path: Path | None) -> dict[str, Any]:
    """Read palm.toml; its table [reconcile] becomes the options' defaults."""
    from palm.settings import read_config  # noqa: PLC0415 - not needed for --help

    if context.resilient_parsing:
        return {}
    config = read_config(path)
    table = config.pop("reconcile", {})
    defaults = {name.replace("-", "_"): value for name, value in table.items()}
    known = {parameter.name: parameter for parameter in context.command.params}
    if unknown := sorted(defaults.keys() - known.keys()):
        raise Stop(Exit.USAGE, f"palm.toml: [reconcile] knows no option {unknown[0]!r}")
    for name, value in defaults.items():
        if isinstance(value, dict) or (isinstance(value, list) and not known[name].multiple):
            raise Stop(Exit.USAGE, f"palm.toml: [reconcile]: {name} takes one value")
    context.default_map = defaults
    return config


def _settings(given: dict[str, Any]) -> Settings:
    from palm.settings import load_settings, proxy_option  # noqa: PLC0415 - not for --help

    return load_settings(
        given["config"],
        base_url=given["base_url"] or None,
        proxy=proxy_option(given["proxy"]),
    )


def _run_date(text: str | None, timezone: str) -> date:
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Stop(
            Exit.USAGE, f"--timezone: no time zone is called {timezone!r}; e.g. Asia/Shanghai"
        ) from None
    if text is None:
        return datetime.now(zone).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Stop(Exit.USAGE, f"--run-date: {text!r} is no date like 2026-11-21") from None
