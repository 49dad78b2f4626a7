"""One run of the job, in the order in which things happen."""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
from rich.console import Console

from jobs.baseline import Baseline, check_replaced, find_baseline
from jobs.changes import classify
from jobs.exits import Exit, Stop
from jobs.frames import ANSWERS, ROWS, State, conform
from jobs.matching import match
from jobs.outputs import Outputs
from jobs.pairs import Input, InputError, read_pairs
from jobs.progress import showing_progress
from jobs.publish import check_outputs, forget_old, publish
from jobs.render.language import Language
from jobs.report import Gateway, Report, Run, compose
from jobs.rules import Rule
from jobs.summary import summarize
from jobs.sweep import SweepRules, sweep
from jobs.tally import Tally
from jobs.verdict import judge
from palm import (
    BASE_URLS,
    AsyncPalm,
    DownloadedKeys,
    Merchant,
    PlatformKeys,
    Retry,
    Timeouts,
    sandbox,
)
from palm.settings import Settings
from palm.transport import checked_base_url

__all__ = ["Options", "run"]

_LIVE_RATE: Final = 50.0
_SANDBOX_RATE: Final = 1000.0
_LEAST_CONCURRENCY: Final = 64
_MOST_CONCURRENCY: Final = 1024


@dataclass(frozen=True, slots=True)
class Options:
    """What the command was asked to do; each is described by its ``--help``."""

    source: str
    outputs: Outputs
    run_date: date
    timezone: str
    settings: Settings | None
    baseline: Path | None = None
    compare: bool = True
    rate: float | None = None
    concurrency: int | None = None
    max_unknown: float = 0.01
    forget_after_days: int = 90
    replace: bool = False
    retry_unanswered: bool = False
    fail_on: tuple[Rule, ...] = ()
    keep_days: int | None = None
    language: Language = Language.EN
    require_echo: bool = False
    openid_column: str = "openid"
    organization_column: str = "organization_id"
    encoding: str | None = None
    progress: bool | None = None
    retry: Retry = field(default_factory=Retry)
    timeouts: Timeouts = field(default_factory=Timeouts)
    rules: SweepRules = field(default_factory=SweepRules)


@dataclass(frozen=True, slots=True)
class _Peer:
    """Whom to ask, and with which keys."""

    gateway: Gateway
    merchant: Merchant
    keys: PlatformKeys | DownloadedKeys
    base_url: Sequence[str]
    proxy: str | None = None


def run(options: Options, console: Console) -> Report:
    """Ask about every pair of the input, compare, and publish the report.

    Raises:
        Stop: The run ended before it had a verdict; nothing was published.
        palm.SettingsError: A setting is wrong; nothing was sent.
    """
    check_outputs(options.outputs)
    try:
        source = read_pairs(
            options.source,
            openid_column=options.openid_column,
            organization_column=options.organization_column,
            encoding=options.encoding,
        )
    except InputError as error:
        raise Stop(Exit.INPUT, str(error)) from None
    return asyncio.run(_run(options, source, console))


async def _run(options: Options, source: Input, console: Console) -> Report:
    async with _peer(options) as peer:
        found = _find_baseline(options, peer.gateway, source)
        started = datetime.now(UTC)
        tally = Tally()
        kept = _kept_answers(options, found.replaced, source)
        to_ask = source.pairs.drop(kept.index)
        asked, asking = await _ask(options, peer, to_ask, tally, console)
    answers = pd.concat([kept, asked]) if len(kept) else asked
    rows = classify(
        source.pairs,
        answers,
        _rows(found.report),
        run_date=options.run_date,
        baseline_run_date=found.report.run_date if found.report else None,
        forget_after_days=options.forget_after_days,
    )
    summary = summarize(rows, baseline_run_date=found.report.run_date if found.report else None)
    exit_code, verdict = judge(
        summary, source.invalid, max_unknown=options.max_unknown, fail_on=options.fail_on
    )
    report = compose(
        rows,
        summary,
        run=Run(
            id=f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}",
            date=options.run_date,
            timezone=options.timezone,
            started=started,
            finished=datetime.now(UTC),
            exit_code=exit_code,
            verdict=verdict,
            parent=found.replaced.run_id if options.retry_unanswered and found.replaced else None,
        ),
        gateway=peer.gateway,
        source=source,
        baseline=found.report,
        baseline_file=found.path,
        tally=tally,
        asking=asking,
    )
    publish(
        report,
        options.outputs,
        baseline=found.report,
        replaced=found.replaced,
        language=options.language,
        stdout=sys.stdout.buffer if options.outputs.stdout else None,
    )
    if options.outputs.folder is not None and options.keep_days is not None:
        for path in forget_old(options.outputs.folder, report, options.keep_days):
            console.print(f"Removed: {path}", markup=False, soft_wrap=True)
    return report


def _find_baseline(options: Options, gateway: Gateway, source: Input) -> Baseline:
    found = find_baseline(
        options.outputs.counts,
        run_date=options.run_date,
        gateway=gateway,
        named=options.baseline,
        wanted=options.compare,
        folder=options.outputs.folder,
    )
    if not options.replace:
        check_replaced(found.replaced, options.run_date, source.pairs)
    return found


def _kept_answers(options: Options, replaced: Report | None, source: Input) -> pd.DataFrame:
    """Return the answers that a correcting run keeps: the good ones of the report it corrects."""
    if not options.retry_unanswered:
        return conform(pd.DataFrame(), ANSWERS)
    if replaced is None or replaced.run_date != options.run_date:
        raise Stop(
            Exit.USAGE,
            f"--retry-unanswered: there is no report of {options.run_date} to correct; "
            "run without it, or set --run-date",
        )
    found = match(source.pairs, replaced.rows).found
    good = replaced.rows["state"].isin([State.ON, State.OFF, State.NONE]).to_numpy()
    places = np.flatnonzero((found >= 0) & good[found])
    kept = replaced.rows.iloc[found[places]].set_axis(source.pairs.index[places])
    return conform(kept[list(ANSWERS)], ANSWERS)


async def _ask(
    options: Options, peer: _Peer, pairs: pd.DataFrame, tally: Tally, console: Console
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the answers, columns ``ANSWERS``, and what asking took."""
    default = _SANDBOX_RATE if options.settings is None else _LIVE_RATE
    rate = options.rate if options.rate is not None else default
    concurrency = options.concurrency or int(min(max(rate, _LEAST_CONCURRENCY), _MOST_CONCURRENCY))
    rules = replace(options.rules, concurrency=concurrency)
    started = time.monotonic()
    async with (
        AsyncPalm(
            merchant=peer.merchant,
            keys=peer.keys,
            base_url=peer.base_url,
            proxy=peer.proxy,
            rate=rate,
            retry=options.retry,
            timeouts=options.timeouts,
            require_echo=options.require_echo,
            on_attempt=tally.attempted,
        ) as palm,
        showing_progress(tally, console, bar=options.progress),
    ):
        answers = await sweep(palm.authorizations.get, pairs, tally=tally, rules=rules)
    seconds = time.monotonic() - started
    return answers, {
        "rate": rate,
        "concurrency": concurrency,
        "seconds": round(seconds, 3),
        "achieved_rate": round(tally.requests / seconds, 3),
        "worst_second": palm.pacer.worst_second if palm.pacer else 0,
        "pauses": palm.adaptation.pauses if palm.adaptation else 0,
    }


def _rows(baseline: Report | None) -> pd.DataFrame:
    return conform(pd.DataFrame(), ROWS) if baseline is None else baseline.rows


@asynccontextmanager
async def _peer(options: Options) -> AsyncIterator[_Peer]:
    """Yield the gateway to ask: the one of the settings, or a sandbox that lives as long."""
    if options.settings is not None:
        yield _peer_of(options.settings)
        return
    keys = sandbox.SandboxKeys.generate()
    async with sandbox.Gateway(keys, date=options.run_date) as gateway:
        yield _Peer(
            Gateway("sandbox", keys.mchid),
            keys.merchant(),
            keys.platform_keys(),
            [gateway.base_url],
        )


def _peer_of(settings: Settings) -> _Peer:
    merchant, keys = settings.merchant(), settings.verifying_keys()
    urls = settings.base_url or BASE_URLS
    host = urlsplit(checked_base_url(urls[0])).hostname or ""
    kind = "wechatpay" if host.endswith(".mch.weixin.qq.com") else "other"
    if merchant.mchid == sandbox.SANDBOX_MCHID:
        kind = "sandbox"
    return _Peer(Gateway(kind, merchant.mchid), merchant, keys, urls, settings.proxy)
