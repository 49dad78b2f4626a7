"""Makes the options of the stages from those that click parsed; refuses contradictions."""

from __future__ import annotations

import sys
from datetime import date, tzinfo
from typing import Final

import click
from click.core import ParameterSource

from jobs.cluster.options import ClusterOptions
from jobs.cluster.tasks.job import WorkerSettings
from jobs.commands.options.config_defaults import config_path
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
from jobs.evidence.options import EvidenceOptions, EvidenceScope
from jobs.input.content.size_limit import parse_size
from jobs.input.options import InputOptions
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
from palm.crypto.thread_signer import usable_cores
from palm.http.tls import tls_context
from palm.http.url import proxy_option
from palm.settings import Settings, load_settings

__all__ = ["run_options"]

_LONGEST_DAYS: Final = date.max.toordinal()


def run_options(params: ParsedOptions) -> Options:
    """Return the options of a run, a part for each stage.

    Raises:
        UsageError: An option cannot be read, or two contradict each other.
        OutputError: An output cannot be used.
        SettingsError: A setting is missing or cannot be used.
    """
    timezone = parse_timezone(params["timezone"])
    run_date = parse_run_date(params["run_date"], timezone)
    outputs = parse_outputs(
        params["output"],
        params["stdout_format"],
        run_date,
        source=params["source"],
        in_parts=(params["partitions"] or 1) > 1 or params["cluster"] is not None,
        work=params["work"],
    )
    _check_together(params, folder=outputs.folder is not None)
    settings = None if params["sandbox"] else _settings(params)
    run = _night_options(params, run_date, timezone)
    return Options(
        input=_input_options(params),
        store=_store_options(params, outputs),
        run=run,
        sweep=_sweep_options(params, settings),
        cluster=ClusterOptions.of(
            params["cluster"], cores=usable_cores(), plain=params["cluster_plain"]
        ),
        compare=CompareOptions(
            forget_after_days=min(params["forget_after"], _LONGEST_DAYS),
            max_unknown=params["max_unknown"],
            fail_on=tuple(parse_fail_on(text) for text in params["fail_on"]),
        ),
        evidence=EvidenceOptions(
            folder=params["evidence"],
            scope=EvidenceScope(params["evidence_of"]),
            keep_days=params["keep_evidence"] or params["keep"],
        ),
        render=RenderOptions(
            language=Language(params["lang"]),
            by=params["by"],
            show=params["show"],
            redact=params["redact"],
        ),
        observe=ObserveOptions(
            progress=ProgressMode(params["progress"]),
            log_format=LogFormat(params["log_format"]),
            quiet=params["quiet"],
        ),
        endpoint=_endpoint(settings, params),
        person=Person.from_env(),
        waits=Waits.patient(patience_s(params), is_timed=run.time.is_set),
        typed=tuple(typed_options(sys.argv[1:])),
    )


def _night_options(params: ParsedOptions, run_date: date, timezone: tzinfo) -> RunOptions:
    return RunOptions(
        run_date=run_date,
        timezone=params["timezone"],
        date_given=params["run_date"] is not None,
        time=time_limit(params, timezone),
        fresh=params["fresh"],
        retry_unanswered=params["retry_unanswered"],
        partitions=params["partitions"],
    )


def _input_options(params: ParsedOptions) -> InputOptions:
    return InputOptions(
        source=params["source"],
        openid_column=params["openid_column"],
        organization_column=params["organization_column"],
        encoding=params["encoding"],
        max_size=parse_size(params["max_input_size"], "--max-input-size"),
    )


def _store_options(params: ParsedOptions, outputs: Outputs) -> StoreOptions:
    return StoreOptions(
        outputs=outputs,
        baseline=params["baseline"],
        compare=not params["no_baseline"],
        require_baseline=params["require_baseline"],
        max_dropped=params["max_dropped"],
        replace=params["replace"],
        keep_days=params["keep"],
    )


def _sweep_options(params: ParsedOptions, settings: Settings | None) -> SweepOptions:
    return SweepOptions(
        rate=params["rate"],
        default_rate=SANDBOX_RATE if settings is None else LIVE_RATE,
        quota_share=params["quota_share"],
        concurrency=params["concurrency"],
        accept_unnamed=settings.accept_unnamed if settings else params["accept_unnamed"],
    )


def _endpoint(settings: Settings | None, params: ParsedOptions) -> EndpointProvider:
    """Return what opens the gateway: that of the settings, or a sandbox without settings."""
    if settings is None:
        from jobs.run.sandbox_endpoint import SandboxEndpoint  # noqa: PLC0415 - an HTTP server

        return SandboxEndpoint()
    return ConfiguredEndpoint(settings, found_by=_found_by(params))


def _found_by(params: ParsedOptions) -> WorkerSettings:
    """Return where another process finds the same settings; no value of it is a secret."""
    path = config_path(click.get_current_context())
    options = {
        "base_url": params["base_url"] or None,
        "proxy": params["proxy"] if _is_typed("proxy") else None,
        "ca_file": params["ca_file"] and params["ca_file"].resolve(),
        "accept_unnamed": params["accept_unnamed"] or None,
        "require_echo": params["require_echo"] or None,
    }
    given = {name: value for name, value in options.items() if value is not None}
    return WorkerSettings(path.resolve() if path.exists() else None, given)


def _check_together(params: ParsedOptions, *, folder: bool) -> None:
    """Refuse options that contradict each other."""
    if params["baseline"] is not None and params["no_baseline"]:
        raise UsageError("--baseline and --no-baseline contradict each other")
    if params["require_baseline"] and params["no_baseline"]:
        raise UsageError("--require-baseline and --no-baseline contradict each other")
    if params["accept_unnamed"] and params["require_echo"]:
        raise UsageError("--accept-unnamed and --require-echo contradict each other")
    if params["redact"] and params["show"]:
        raise UsageError("--redact and --show contradict each other")
    if params["sandbox"] and (params["base_url"] or params["ca_file"]):
        name = "--base-url" if params["base_url"] else "--ca-file"
        raise UsageError(f"--sandbox asks a gateway of its own; leave {name} out")
    if params["deadline"] is not None and params["max_duration"] is not None:
        raise UsageError("--deadline and --max-duration: give one of them")
    if params["keep"] is not None and not folder:
        raise UsageError("--keep goes with an output folder: -o reports/ --keep 400")
    if params["cluster"] is not None and not folder:
        raise UsageError("--cluster goes with an output folder: -o reports/ --cluster local:8")
    if params["keep_evidence"] is not None and params["evidence"] is None:
        raise UsageError("--keep-evidence goes with --evidence FOLDER")


def _settings(params: ParsedOptions) -> Settings:
    if _is_typed("ca_file"):
        tls_context(params["ca_file"], "--ca-file")  # an error names the option as it was typed
    return load_settings(
        params["config"],
        base_url=params["base_url"] or None,
        # Everybody can read a command line, but not palm.toml, which may hold a password.
        proxy=proxy_option(params["proxy"]) if _is_typed("proxy") else params["proxy"],
        ca_file=params["ca_file"],
        # A flag that is not given is None; then the value in the settings counts.
        accept_unnamed=params["accept_unnamed"] or None,
        require_echo=params["require_echo"] or None,
    )


def _is_typed(name: str) -> bool:
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE
