"""The command ``palm-reconcile``: options in, exit code out."""

from __future__ import annotations

import sys
from datetime import date, datetime, tzinfo
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click
from click.core import ParameterSource

from jobs.commands.exit_codes import EXIT_CODES, exit_code_of
from jobs.commands.options import GROUPS
from jobs.commands.reconcile_command import ReconcileCommand
from jobs.commands.telling_options import notify_options
from jobs.compare.options import CompareOptions
from jobs.errors import NotNowError, RunError, UsageError
from jobs.input.options import InputOptions
from jobs.observe.options import LogFormat, ObserveOptions, ProgressMode
from jobs.observe.report_name import report_name
from jobs.parsed_options import ParsedOptions
from jobs.render.language import Language, RenderOptions
from jobs.run.options import RunOptions
from jobs.store.options import StoreOptions
from jobs.sweep.options import LIVE_RATE, SANDBOX_RATE, SweepOptions
from palm import __version__
from palm.commands.exit_codes import epilog
from palm.commands.runner import run_command
from palm.commands.streams import show
from palm.text.printable import printable, shown_value

if TYPE_CHECKING:
    from jobs.compare.fail_on import Rule
    from jobs.deadline import TimeLimit
    from jobs.observe.notifier import Outcome, RunNotifier
    from jobs.run.config import Options
    from jobs.run.endpoint import EndpointProvider
    from palm.settings import Settings

__all__ = ["command", "main"]

_NAME: Final = "palm-reconcile"
_MAX_DAYS: Final = date.max.toordinal()


@click.command(
    cls=ReconcileCommand,
    groups=GROUPS,
    epilog=epilog(EXIT_CODES),
    context_settings={"auto_envvar_prefix": "PALM"},
)
@click.argument("source", metavar="INPUT", type=str, required=False)
@click.version_option(__version__, prog_name=_NAME)
def command(**given: Any) -> int:  # noqa: ANN401 - what the options declare
    """Ask WeChat Pay who has authorized palm payment, and write what changed.

    INPUT is a CSV file with the columns openid and organization_id (.gz and .zst too), or - for
    standard input. Options win over PALM_* variables, and those over palm.toml: its keys for
    credentials, its table [reconcile] for the options below.
    """
    import logging  # noqa: PLC0415 - --help does not wait for it

    from jobs.observe.log.setup import set_up_logging  # noqa: PLC0415

    given["name"] = report_name(given["name"], given["output"])
    level = logging.ERROR if given["quiet"] else logging.INFO
    set_up_logging(given["log_format"], level=logging.DEBUG if given["verbose"] else level)
    return _send_trial(given) if given["notify_test"] else _run(given)


def main() -> NoReturn:
    """Run the command of the process's arguments."""
    try:
        run_command(command, _NAME, exit_code_of, report=_report_error)
    finally:
        if "jobs.observe.log.setup" in sys.modules:
            sys.modules["jobs.observe.log.setup"].close_logs()


def _report_error(line: str, exit_code: int) -> None:
    from jobs.observe.log.messages import report_error  # noqa: PLC0415 - --help does not wait for it

    report_error(line, exit_code)


def _run(given: ParsedOptions) -> int:
    from jobs.observe.notifier import Outcome, noting_consequence  # noqa: PLC0415 - not for --help

    if given["plan"]:
        return _show_plan(given)
    outcome = Outcome(_expected_run_date(given))
    with noting_consequence(outcome):
        return _reconcile(given, outcome)


def _show_plan(given: ParsedOptions) -> int:
    from jobs.run.pipeline import plan  # noqa: PLC0415 - pandas and all

    for line in plan(_options(given)).lines_of_text():
        show(printable(line))
    return 0


def _reconcile(given: ParsedOptions, outcome: Outcome) -> int:
    from jobs.commands.result_lines import say_result, what_to_do  # noqa: PLC0415
    from jobs.observe.log.log_file import open_log_file  # noqa: PLC0415
    from jobs.observe.notifier import announced, heedless  # noqa: PLC0415 - not needed for --help
    from jobs.render.terminal import SummaryConsole  # noqa: PLC0415
    from jobs.run.pipeline import run  # noqa: PLC0415 - pandas and all

    console = SummaryConsole(stderr=True, highlight=False)
    with announced(_announcer(given), outcome, exit_code_of):
        if given["log_file"] is not None:
            open_log_file(
                given["log_file"],
                given["log_format"],
                verbose=given["verbose"],
                others=[
                    ("the input", given["source"]),
                    *(("an output", output) for output in given["output"]),
                    ("the file of --metrics", given["metrics"]),
                    ("the file of --baseline", given["baseline"]),
                ],
            )
        options = _options(given)
        outcome.run_date = str(options.run.run_date)
        published = run(options, console, outcome)
        outcome.command = what_to_do(published.report, options)
    with heedless(outcome):
        say_result(published, options, given, console)
    return published.exit_code


def _send_trial(given: ParsedOptions) -> int:
    """Send the test message of ``--notify-test``."""
    from jobs.observe.notify.messenger import send_trial  # noqa: PLC0415 - not needed for --help
    from palm.errors import SettingsError  # noqa: PLC0415

    delivered = send_trial(notify_options(given), given["name"])
    if delivered.unusable:
        raise SettingsError("; ".join([*delivered.unusable, *delivered.faults]))
    if delivered.faults:
        raise NotNowError("; ".join(delivered.faults))
    show(f"The test message was sent to {', '.join(delivered.services)}")
    return 0


def _announcer(given: ParsedOptions) -> RunNotifier:
    """Return what tells the dead man's switch and Prometheus how the run goes."""
    from jobs.observe.notifier import RunNotifier  # noqa: PLC0415 - not needed for --help

    metrics, read = given["metrics"], [given["source"], given["baseline"]]
    return RunNotifier(
        metrics,
        given["ping_url"],
        given["name"],
        given["output"],
        read,
        notify=notify_options(given),
    )


def _expected_run_date(given: ParsedOptions) -> str:
    """Return the run date as far as it is known before the options are read."""
    try:
        return str(_run_date(given["run_date"], _zone(given["timezone"])))
    except RunError:
        return given["run_date"] or "unknown"


def _options(given: ParsedOptions) -> Options:
    from jobs.commands.typed_options import typed_options  # noqa: PLC0415 - pandas and all
    from jobs.observe.log.person import Person  # noqa: PLC0415
    from jobs.run.config import Options, Waits  # noqa: PLC0415
    from jobs.store.outputs import parse_outputs  # noqa: PLC0415

    zone = _zone(given["timezone"])
    run_date = _run_date(given["run_date"], zone)
    source, stdout_format = given["source"], given["stdout_format"]
    outputs = parse_outputs(given["output"], stdout_format, run_date, source=source)
    _check_together(given, folder=outputs.folder is not None)
    settings = None if given["sandbox"] else _settings(given)
    time = _time_limit(given, zone)
    return Options(
        input=InputOptions(
            source=source,
            openid_column=given["openid_column"],
            organization_column=given["organization_column"],
            encoding=given["encoding"],
            max_size=_size(given["max_input_size"]),
        ),
        store=StoreOptions(
            outputs=outputs,
            baseline=given["baseline"],
            compare=not given["no_baseline"],
            require_baseline=given["require_baseline"],
            max_dropped=given["max_dropped"],
            replace=given["replace"],
            keep_days=given["keep"],
        ),
        run=RunOptions(
            run_date=run_date,
            timezone=given["timezone"],
            date_given=given["run_date"] is not None,
            time=time,
            fresh=given["fresh"],
            retry_unanswered=given["retry_unanswered"],
        ),
        sweep=SweepOptions(
            rate=given["rate"],
            default_rate=SANDBOX_RATE if settings is None else LIVE_RATE,
            quota_share=given["quota_share"],
            concurrency=given["concurrency"],
            accept_unnamed=settings.accept_unnamed if settings else given["accept_unnamed"],
        ),
        compare=CompareOptions(
            forget_after_days=min(given["forget_after"], _MAX_DAYS),
            max_unknown=given["max_unknown"],
            fail_on=tuple(_rule(text) for text in given["fail_on"]),
        ),
        render=RenderOptions(language=Language(given["lang"])),
        observe=ObserveOptions(
            progress=ProgressMode(given["progress"]),
            log_format=LogFormat(given["log_format"]),
            quiet=given["quiet"],
        ),
        endpoint=_endpoint(settings),
        person=Person.from_env(),
        waits=Waits.patient(_duration(given["patience"], "--patience"), is_timed=time.is_set),
        typed=tuple(typed_options(sys.argv[1:])),
    )


def _endpoint(settings: Settings | None) -> EndpointProvider:
    """Return what opens the gateway: that of the settings, or a sandbox without settings."""
    if settings is None:
        from jobs.run.sandbox_endpoint import SandboxEndpoint  # noqa: PLC0415 - an HTTP server

        return SandboxEndpoint()
    from jobs.run.endpoint import ConfiguredEndpoint  # noqa: PLC0415 - not needed for --help

    return ConfiguredEndpoint(settings)


def _check_together(given: ParsedOptions, *, folder: bool) -> None:
    """Refuse options that contradict each other."""
    if given["baseline"] is not None and given["no_baseline"]:
        raise UsageError("--baseline and --no-baseline contradict each other")
    if given["require_baseline"] and given["no_baseline"]:
        raise UsageError("--require-baseline and --no-baseline contradict each other")
    if given["accept_unnamed"] and given["require_echo"]:
        raise UsageError("--accept-unnamed and --require-echo contradict each other")
    if given["sandbox"] and (given["base_url"] or given["ca_file"]):
        name = "--base-url" if given["base_url"] else "--ca-file"
        raise UsageError(f"--sandbox asks a gateway of its own; leave {name} out")
    if given["deadline"] is not None and given["max_duration"] is not None:
        raise UsageError("--deadline and --max-duration: give one of them")
    if given["keep"] is not None and not folder:
        raise UsageError("--keep goes with an output folder: -o reports/ --keep 400")


def _settings(given: ParsedOptions) -> Settings:
    from palm.http.url import proxy_option  # noqa: PLC0415
    from palm.settings import load_settings  # noqa: PLC0415 - not for --help

    typed = click.get_current_context().get_parameter_source("proxy") is ParameterSource.COMMANDLINE
    return load_settings(
        given["config"],
        base_url=given["base_url"] or None,
        # Only there can everybody read it; palm.toml may hold a password.
        proxy=proxy_option(given["proxy"]) if typed else given["proxy"],
        ca_file=given["ca_file"],
        # A flag that is not given says nothing: the settings' own holds, and must not contradict.
        accept_unnamed=given["accept_unnamed"] or None,
        require_echo=given["require_echo"] or None,
    )


def _time_limit(given: ParsedOptions, zone: tzinfo) -> TimeLimit:
    from jobs.deadline import TimeLimit, parse_deadline  # noqa: PLC0415 - not needed for --help

    if given["deadline"] is not None:
        return TimeLimit(parse_deadline(given["deadline"], datetime.now(zone)))
    seconds = _duration(given["max_duration"], "--max-duration")
    return TimeLimit() if seconds is None else TimeLimit.of_duration(seconds)


def _size(text: str) -> int:
    from jobs.input.size_limit import parse_size  # noqa: PLC0415 - not needed for --help

    return parse_size(text, "--max-input-size")


def _duration(text: str | None, option: str) -> float | None:
    from jobs.deadline import parse_duration  # noqa: PLC0415 - not needed for --help

    return None if text is None else parse_duration(text, option)


def _rule(text: str) -> Rule:
    from jobs.compare.fail_on import RuleError, parse_rule  # noqa: PLC0415 - not needed for --help

    try:
        return parse_rule(text)
    except RuleError as error:
        raise UsageError(f"--fail-on: {error}") from None


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - not needed for --help

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(
            f"--timezone: no time zone is called {shown_value(name)}; e.g. Asia/Shanghai",
        ) from None


def _run_date(text: str | None, zone: tzinfo) -> date:
    if text is None:
        return datetime.now(zone).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--run-date: {shown_value(text)} is not a date such as 2026-11-21"
        ) from None
