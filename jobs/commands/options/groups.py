"""The options of ``palm-reconcile``, in the groups in which ``--help`` shows them.

Each is declared here once. Its default stands in the options of the stage that it is for.
"""

from __future__ import annotations

from typing import Final

import click

from jobs.commands.grouped_help import OptionGroup
from jobs.commands.options.config_defaults import read_defaults
from jobs.commands.options.observe_options import OBSERVE
from jobs.commands.options.option_types import Number, default_of, file_path
from jobs.commands.options.scale_options import SCALE
from jobs.compare.options import CompareOptions
from jobs.evidence.options import EvidenceOptions, EvidenceScope
from jobs.input.content.size_limit import size_text
from jobs.input.options import InputOptions
from jobs.render import FORMATS
from jobs.render.language import Language, RenderOptions
from jobs.run.options import RunOptions
from jobs.store.options import StoreOptions
from jobs.sweep import options as sweep

__all__ = ["GROUPS"]


_MOST_NEEDED: Final = (
    click.Option(
        ["-o", "--output"],
        metavar="PATH",
        multiple=True,
        help="The report: .parquet .csv .xlsx .html .json; repeatable; - is standard output. A "
        "folder (ends in /) keeps one a day. The first Parquet file is what the next run compares "
        "with.  [required]",
    ),
    click.Option(["--baseline"], metavar="PATH", type=file_path, help="Compare with this report."),
    click.Option(
        ["--run-date"],
        metavar="DATE",
        help="Business date, YYYY-MM-DD, not after today.  [default: today]",
    ),
    click.Option(
        ["--rate"],
        metavar="N",
        type=Number(min=0, min_open=True),
        help="Requests per second that WeChat Pay allows this job.  "
        f"[default: {sweep.LIVE_RATE:g}; with --sandbox {sweep.SANDBOX_RATE:g}]",
    ),
    click.Option(
        ["--deadline"],
        metavar="TIME",
        help="Take no more pairs from then on: 06:00, or 2026-11-22T06:00; in --timezone.",
    ),
    click.Option(
        ["--retry-unanswered"],
        is_flag=True,
        help="Ask only the pairs that the report of this date has no answer for, and correct it.",
    ),
    click.Option(
        ["--keep"],
        metavar="DAYS",
        type=click.IntRange(min=1),
        help="Remove this merchant's reports in the folder that are older.  [default: keep all]",
    ),
    click.Option(
        ["--plan"], is_flag=True, help="Say what would be done and how long it takes; send nothing."
    ),
    click.Option(
        ["--sandbox"],
        is_flag=True,
        help="Ask a gateway inside this process, with keys made for the run.",
    ),
    click.Option(
        ["--config"],
        metavar="FILE",
        type=file_path,
        is_eager=True,
        callback=lambda context, _, path: read_defaults(context, path),
        help="Settings.  [default: palm.toml in the current folder, where there is one]",
    ),
)
_INPUT: Final = (
    click.Option(
        ["--openid-column"],
        metavar="NAME",
        default=default_of(InputOptions, "openid_column"),
        show_default=True,
        help="Column of the openid.",
    ),
    click.Option(
        ["--organization-column"],
        metavar="NAME",
        default=default_of(InputOptions, "organization_column"),
        show_default=True,
        help="Column of the organization.",
    ),
    click.Option(
        ["--encoding"], metavar="NAME", help="Of the input.  [default: UTF-8, else GB18030]"
    ),
    click.Option(
        ["--max-input-size"],
        metavar="SIZE",
        default=size_text(default_of(InputOptions, "max_size")),
        show_default=True,
        help="Refuse an input that holds more, unpacked: 500MB, 8GiB.",
    ),
)
_ASKING: Final = (
    click.Option(
        ["--quota-share"],
        metavar="SHARE",
        type=Number(min=0, max=1, min_open=True),
        default=default_of(sweep.SweepOptions, "quota_share"),
        show_default=True,
        help="Part of --rate that this job may take: live payments share the quota.",
    ),
    click.Option(
        ["--concurrency"],
        metavar="N",
        type=click.IntRange(min=1),
        help="Requests in flight at most.  [default: the rate, from "
        f"{sweep.FEWEST_IN_FLIGHT} to {sweep.MOST_IN_FLIGHT}]",
    ),
    click.Option(
        ["--fresh"], is_flag=True, help="Start over.  [default: go on from a killed run's journal]"
    ),
    click.Option(
        ["--accept-unnamed"],
        is_flag=True,
        help="Accept answers that do not name the pair they are about: nothing ties such an answer "
        "to the question.  [default: refuse them]",
    ),
    click.Option(
        ["--require-echo"],
        is_flag=True,
        help="Refuse answers that do not name the pair they are about: the default.",
    ),
    click.Option(
        ["--base-url"],
        metavar="URL",
        multiple=True,
        allow_from_autoenv=False,
        help="The gateway; repeated: main, then backup.  [default: WeChat Pay's]",
    ),
    # Without the variables: PALM_BASE_URL and PALM_PROXY are settings, which hold what is not
    # shown.
    click.Option(
        ["--proxy"],
        metavar="URL",
        allow_from_autoenv=False,
        help="An HTTP proxy.  [default: PALM_PROXY, HTTPS_PROXY]",
    ),
    click.Option(
        ["--ca-file"],
        metavar="FILE",
        type=file_path,
        allow_from_autoenv=False,
        help="Trust these certificate authorities, too.  [default: PALM_CA_FILE]",
    ),
)
_TIME: Final = (
    click.Option(
        ["--timezone"],
        default=default_of(RunOptions, "timezone"),
        show_default=True,
        help="Where --run-date is today.",
    ),
    click.Option(
        ["--max-duration"],
        metavar="DURATION",
        help="Take no more pairs after so long: 7h, 90m, 30s.",
    ),
    click.Option(
        ["--patience"],
        metavar="DURATION",
        help="Stop when no answer was accepted for so long.  [default: until the deadline; "
        f"where there is none, {sweep.PATIENCE_S // 60:g}m]",
    ),
)
_REPORT: Final = (
    click.Option(
        ["--format", "stdout_format"],
        type=click.Choice(list(FORMATS)),
        help="Of standard output, with -o -.",
    ),
    click.Option(["--no-baseline"], is_flag=True, help="Compare with nothing."),
    click.Option(
        ["--require-baseline"],
        is_flag=True,
        help="Stop where there is no earlier report to compare with.",
    ),
    click.Option(
        ["--max-dropped"],
        metavar="SHARE",
        type=Number(0, 1),
        default=default_of(StoreOptions, "max_dropped"),
        show_default=True,
        help="Stop where more of the last report's pairs are missing from the input; more than a "
        "tenth is warned of, also with -q.",
    ),
    click.Option(
        ["--max-unknown"],
        metavar="SHARE",
        type=Number(0, 1),
        default=default_of(CompareOptions, "max_unknown"),
        show_default=True,
        help="(unknown pairs + invalid lines) / (pairs + invalid lines) that is a success.",
    ),
    click.Option(
        ["--forget-after"],
        metavar="DAYS",
        type=click.IntRange(min=0),
        default=default_of(CompareOptions, "forget_after_days"),
        show_default=True,
        help="Remember pairs that left the input for so long.",
    ),
    click.Option(
        ["--replace"],
        is_flag=True,
        help="Replace a report of the same date that shares under half of its pairs.",
    ),
    click.Option(
        ["--evidence"],
        metavar="FOLDER",
        type=file_path,
        help="Keep what WeChat Pay signed in this folder, so that palm-report --verify, or anybody "
        "with openssl, can check the report: 320 bytes a pair and night.",
    ),
    click.Option(
        ["--evidence-of"],
        type=click.Choice([scope.value for scope in EvidenceScope]),
        default=default_of(EvidenceOptions, "scope").value,
        show_default=True,
        help="Of all states, or only of those that are not UNCHANGED.",
    ),
    click.Option(
        ["--keep-evidence"],
        metavar="DAYS",
        type=click.IntRange(min=1),
        help="Remove evidence that is older.  [default: --keep]",
    ),
    click.Option(
        ["--fail-on"],
        metavar="RULE",
        multiple=True,
        help="End with 10 where it holds: closed>1%, cleared>0, on<1000; repeatable.",
    ),
    click.Option(
        ["--lang"],
        type=click.Choice([language.value for language in Language]),
        default=default_of(RenderOptions, "language").value,
        show_default=True,
        help="Of labels in HTML, in Excel and on a terminal, and of messages; logs are English.",
    ),
    click.Option(
        ["--by"],
        metavar="COLUMN",
        multiple=True,
        help="Count, too, by the values of this column of the input; repeatable.",
    ),
    click.Option(
        ["--show"],
        metavar="COLUMN",
        multiple=True,
        help="Show this column of the input beside the openid, in HTML and Excel; repeatable.",
    ),
    click.Option(
        ["--redact"],
        is_flag=True,
        help="Hashes instead of openids in HTML and Excel; never in Parquet and CSV, which stay "
        "whole.",
    ),
)
GROUPS: Final = (
    OptionGroup("Most needed", _MOST_NEEDED),
    OptionGroup("Input", _INPUT),
    OptionGroup("Asking", _ASKING),
    OptionGroup("Time", _TIME),
    OptionGroup("Report", _REPORT),
    OptionGroup("Large inputs", SCALE),
    OptionGroup("Telling", OBSERVE),
)
