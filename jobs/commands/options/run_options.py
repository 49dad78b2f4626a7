"""Makes the options of the stages from those that click parsed; refuses contradictions."""

from __future__ import annotations

import sys
from datetime import date
from typing import Final

import click
from click.core import ParameterSource

from jobs.commands.options.option_values import (
    parse_fail_on,
    parse_run_date,
    parse_timezone,
    patience_s,
    time_limit,
)
from jobs.commands.options.typed_options import typed_options
from jobs.compare.options import CompareOptions
from jobs.errors import UsageError
from jobs.input.options import InputOptions
from jobs.input.size_limit import parse_size
from jobs.observe.options import LogFormat, ObserveOptions, ProgressMode
from jobs.parsed_options import ParsedOptions
from jobs.person import Person
from jobs.render.language import Language, RenderOptions
from jobs.run.config import Options, Waits
from jobs.run.endpoint import ConfiguredEndpoint, EndpointProvider
from jobs.run.options import RunOptions
from jobs.store.options import StoreOptions
from jobs.store.outputs import Outputs, parse_outputs
from jobs.sweep.options import LIVE_RATE, SANDBOX_RATE, SweepOptions
from palm.http.tls import tls_context
from palm.http.url import proxy_option
from palm.settings import Settings, load_settings

__all__ = ["run_options"]

_LONGEST_DAYS: Final = date.max.toordinal()


def run_options(given: ParsedOptions) -> Options:
    """Return the options of a run, a part for each stage.

    Raises:
        UsageError: An option cannot be read, or two contradict each other.
        OutputError: An output cannot be used.
        SettingsError: A setting is missing or cannot be used.
    """
    timezone = parse_timezone(given["timezone"])
    run_date = parse_run_date(given["run_date"], timezone)
    outputs = parse_outputs(
        given["output"], given["stdout_format"], run_date, source=given["source"]
    )
    _check_together(given, folder=outputs.folder is not None)
    settings = None if given["sandbox"] else _settings(given)
    time = time_limit(given, timezone)
    return Options(
        input=_input_options(given),
        store=_store_options(given, outputs),
        run=RunOptions(
            run_date=run_date,
            timezone=given["timezone"],
            date_given=given["run_date"] is not None,
            time=time,
            fresh=given["fresh"],
            retry_unanswered=given["retry_unanswered"],
        ),
        sweep=_sweep_options(given, settings),
        compare=CompareOptions(
            forget_after_days=min(given["forget_after"], _LONGEST_DAYS),
            max_unknown=given["max_unknown"],
            fail_on=tuple(parse_fail_on(text) for text in given["fail_on"]),
        ),
        render=RenderOptions(
            language=Language(given["lang"]),
            by=given["by"],
            show=given["show"],
            redact=given["redact"],
        ),
        observe=ObserveOptions(
            progress=ProgressMode(given["progress"]),
            log_format=LogFormat(given["log_format"]),
            quiet=given["quiet"],
        ),
        endpoint=_endpoint(settings),
        person=Person.from_env(),
        waits=Waits.patient(patience_s(given), is_timed=time.is_set),
        typed=tuple(typed_options(sys.argv[1:])),
    )


def _input_options(given: ParsedOptions) -> InputOptions:
    return InputOptions(
        source=given["source"],
        openid_column=given["openid_column"],
        organization_column=given["organization_column"],
        encoding=given["encoding"],
        max_size=parse_size(given["max_input_size"], "--max-input-size"),
    )


def _store_options(given: ParsedOptions, outputs: Outputs) -> StoreOptions:
    return StoreOptions(
        outputs=outputs,
        baseline=given["baseline"],
        compare=not given["no_baseline"],
        require_baseline=given["require_baseline"],
        max_dropped=given["max_dropped"],
        replace=given["replace"],
        keep_days=given["keep"],
    )


def _sweep_options(given: ParsedOptions, settings: Settings | None) -> SweepOptions:
    return SweepOptions(
        rate=given["rate"],
        default_rate=SANDBOX_RATE if settings is None else LIVE_RATE,
        quota_share=given["quota_share"],
        concurrency=given["concurrency"],
        accept_unnamed=settings.accept_unnamed if settings else given["accept_unnamed"],
    )


def _endpoint(settings: Settings | None) -> EndpointProvider:
    """Return what opens the gateway: that of the settings, or a sandbox without settings."""
    if settings is None:
        from jobs.run.sandbox_endpoint import SandboxEndpoint  # noqa: PLC0415 - an HTTP server

        return SandboxEndpoint()
    return ConfiguredEndpoint(settings)


def _check_together(given: ParsedOptions, *, folder: bool) -> None:
    """Refuse options that contradict each other."""
    if given["baseline"] is not None and given["no_baseline"]:
        raise UsageError("--baseline and --no-baseline contradict each other")
    if given["require_baseline"] and given["no_baseline"]:
        raise UsageError("--require-baseline and --no-baseline contradict each other")
    if given["accept_unnamed"] and given["require_echo"]:
        raise UsageError("--accept-unnamed and --require-echo contradict each other")
    if given["redact"] and given["show"]:
        raise UsageError("--redact and --show contradict each other")
    if given["sandbox"] and (given["base_url"] or given["ca_file"]):
        name = "--base-url" if given["base_url"] else "--ca-file"
        raise UsageError(f"--sandbox asks a gateway of its own; leave {name} out")
    if given["deadline"] is not None and given["max_duration"] is not None:
        raise UsageError("--deadline and --max-duration: give one of them")
    if given["keep"] is not None and not folder:
        raise UsageError("--keep goes with an output folder: -o reports/ --keep 400")


def _settings(given: ParsedOptions) -> Settings:
    if _is_typed("ca_file"):
        tls_context(given["ca_file"], "--ca-file")  # an error names the option as it was typed
    return load_settings(
        given["config"],
        base_url=given["base_url"] or None,
        # Everybody can read a command line, but not palm.toml, which may hold a password.
        proxy=proxy_option(given["proxy"]) if _is_typed("proxy") else given["proxy"],
        ca_file=given["ca_file"],
        # A flag that is not given is None; then the value in the settings counts.
        accept_unnamed=given["accept_unnamed"] or None,
        require_echo=given["require_echo"] or None,
    )


def _is_typed(name: str) -> bool:
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE
