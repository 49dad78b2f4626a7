"""The command ``palm-reconcile``: options in, exit code out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from jobs.commands.exit_codes import EXIT_CODES, exit_code_of
from jobs.commands.options.groups import GROUPS
from jobs.commands.options.observe_options import notify_options
from jobs.commands.options.option_values import parse_run_date, parse_timezone
from jobs.commands.reconcile_command import ReconcileCommand
from jobs.errors import NotNowError, RunError
from jobs.observe.report_name import report_name
from jobs.parsed_options import ParsedOptions
from palm import __version__
from palm.commands.exit_codes import epilog
from palm.commands.runner import run_command
from palm.commands.streams import show
from palm.text.printable import printable

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.observe.notifier import Outcome, RunNotifier

__all__ = ["command", "main"]

_NAME: Final = "palm-reconcile"


@click.command(
    cls=ReconcileCommand,
    groups=GROUPS,
    epilog=epilog(EXIT_CODES),
    context_settings={"auto_envvar_prefix": "PALM"},
)
@click.argument("source", metavar="INPUT", type=str, required=False)
@click.version_option(__version__, prog_name=_NAME)
def command(**params: Any) -> int:  # noqa: ANN401 - what the options declare
    """Ask WeChat Pay who has authorized palm payment, and write what changed.

    INPUT is a CSV file with the columns openid and organization_id (.gz and .zst too), or - for
    standard input. Options win over PALM_* variables, and those over palm.toml: its keys for
    credentials, its table [reconcile] for the options below.
    """
    import logging  # noqa: PLC0415 - --help does not wait for it

    from jobs.observe.log.setup import set_up_logging  # noqa: PLC0415

    params["name"] = report_name(params["name"], params["output"])
    level = logging.ERROR if params["quiet"] else logging.INFO
    set_up_logging(params["log_format"], level=logging.DEBUG if params["verbose"] else level)
    return _send_trial(params) if params["notify_test"] else _run(params)


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


def _run(params: ParsedOptions) -> int:
    from jobs.observe.notifier import Outcome, noting_consequence  # noqa: PLC0415 - not for --help

    if params["plan"]:
        return _show_plan(params)
    outcome = Outcome(_expected_run_date(params))
    with noting_consequence(outcome):
        return _reconcile(params, outcome)


def _show_plan(params: ParsedOptions) -> int:
    from jobs.commands.options.run_options import run_options  # noqa: PLC0415 - pandas and all
    from jobs.run.pipeline import plan  # noqa: PLC0415 - pandas and all

    for line in plan(run_options(params)).lines_of_text():
        show(printable(line))
    return 0


def _reconcile(params: ParsedOptions, outcome: Outcome) -> int:
    from jobs.commands.options.run_options import run_options  # noqa: PLC0415 - pandas and all
    from jobs.commands.result_lines import say_result, what_to_do  # noqa: PLC0415
    from jobs.observe.log.log_file import open_log_file  # noqa: PLC0415
    from jobs.observe.notifier import announced, heedless  # noqa: PLC0415 - not needed for --help
    from jobs.render.terminal import SummaryConsole  # noqa: PLC0415
    from jobs.run.pipeline import run  # noqa: PLC0415 - pandas and all

    console = SummaryConsole(stderr=True, highlight=False)
    with announced(_announcer(params), outcome, exit_code_of):
        if params["log_file"] is not None:
            open_log_file(
                params["log_file"],
                params["log_format"],
                verbose=params["verbose"],
                others=[
                    ("the input", params["source"]),
                    *(("an output", output) for output in params["output"]),
                    ("the file of --metrics", params["metrics"]),
                    ("the file of --baseline", params["baseline"]),
                    *(("a file of settings or keys", path) for path in _settings_files(params)),
                ],
            )
        options = run_options(params)
        outcome.run_date = str(options.run.run_date)
        published = run(options, console, outcome)
        outcome.command = what_to_do(published.report, options)
    with heedless(outcome):
        say_result(published, options, params, console)
    return published.exit_code


def _send_trial(params: ParsedOptions) -> int:
    """Send the test message of ``--notify-test``."""
    from jobs.observe.notify.messenger import send_trial  # noqa: PLC0415 - not needed for --help
    from palm.errors import SettingsError  # noqa: PLC0415

    delivered = send_trial(notify_options(params), params["name"])
    if delivered.unusable:
        raise SettingsError("; ".join([*delivered.unusable, *delivered.faults]))
    if delivered.faults:
        raise NotNowError("; ".join(delivered.faults))
    show(f"The test message was sent to {', '.join(delivered.services)}")
    return 0


def _announcer(params: ParsedOptions) -> RunNotifier:
    """Return the notifier of the dead man's switch, of Prometheus and of messages."""
    from jobs.observe.notifier import RunNotifier  # noqa: PLC0415 - not needed for --help

    metrics, read = params["metrics"], [params["source"], params["baseline"]]
    if metrics is not None:
        read += _settings_files(params)
    return RunNotifier(
        metrics,
        params["ping_url"],
        params["name"],
        params["output"],
        read,
        notify=notify_options(params),
    )


def _settings_files(params: ParsedOptions) -> list[Path]:
    from jobs.commands.options.files_read import settings_files  # noqa: PLC0415 - not for --help

    return list(settings_files(click.get_current_context(), params))


def _expected_run_date(params: ParsedOptions) -> str:
    """Return the run date as far as it is known before the options are read."""
    try:
        return str(parse_run_date(params["run_date"], parse_timezone(params["timezone"])))
    except RunError:
        return params["run_date"] or "unknown"
