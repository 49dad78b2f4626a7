"""The text of a message: how a run ended, what is wrong, and the command that helps. Pure.

It is short, because chat services cut or refuse what is long, WeCom what has more than 2,048 bytes
(https://developer.work.weixin.qq.com/document/path/91770), and holds no openid and no secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from jobs.compare.verdict import Verdict
from jobs.observe.notify.options import NotifyOn
from jobs.observe.notify.wording import ENDINGS, TRIAL, wording
from jobs.plurals import filled
from jobs.render.language import Language, Translate
from jobs.render.text import headline
from jobs.render.warnings import warnings
from jobs.report.model import Report
from jobs.schema import NO_CHANGE, State
from palm.text.printable import printable, without_keys
from palm.text.scrub import scrub

__all__ = ["Ending", "Message", "Severity", "compose", "first_line", "is_due", "trial_message"]

_MOST_LINES: Final = 10
_MOST_BYTES: Final = 2000
_MAX_LINE_LENGTH: Final = 360
_MAX_COMMAND_LENGTH: Final = 800
_MAX_NAME_LENGTH: Final = 96
"""Bytes, as the others; subject, headline and command always fit into a message together."""
_ORGANIZATIONS: Final = 3
_ENDED: Final = "The run ended with exit code {code}: {ending}."
_ENDED_ON: Final = "{date}: the run ended with exit code {code}: {ending}."
_COMMAND: Final = re.compile(r"[.;] ([^.;:]+): (palm-reconcile .+)$")
"""The end of an error's line: the command that helps."""


class Severity(StrEnum):
    """How a run ended, in Apprise's words: many services show each in a colour of its own."""

    SUCCESS = "success"
    WARNING = "warning"
    FAILURE = "failure"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Message:
    """A message.

    Attributes:
        subject: One line.
        body: Lines of text.
        severity: How bad it is.
    """

    subject: str
    body: str
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ended.

    Attributes:
        name: The name of the job, as ``--name`` has it; empty if it is not known.
        run_date: The run date, as far as it is known; empty if it is not.
        exit_code: The exit code of the command.
        report: The published report; None if there is none.
        verdict: Why the exit code is not 0, formats that could not be written included; None if
            there is no report.
        error: The line that the command ends with; None if there is none.
        command: The command that asks again about pairs without an answer; None if there is none.
        place: Where the report is; None if it is nowhere that has a name.
        host: The name of the machine; None if it is not known.
    """

    name: str
    run_date: str
    exit_code: int
    report: Report | None = None
    verdict: Verdict | None = None
    error: str | None = None
    command: str | None = None
    place: str | None = None
    host: str | None = None


def is_due(ending: Ending, on: NotifyOn) -> bool:
    """Return True if a message is to be sent.

    A problem is any exit code but 0, and a report with a warning. A change is a problem, too, a
    report in which a pair changed, came or went, and a first report.
    """
    if on is NotifyOn.ALWAYS or ending.exit_code != 0:
        return True
    report = ending.report
    if report is None:
        return False
    if warnings(report):
        return True
    counts = report.summary.changes
    changed = any(count for change, count in counts.items() if change not in NO_CHANGE)
    return on is NotifyOn.CHANGE and (changed or report.metadata.baseline is None)


def first_line(ending: Ending, language: Language = Language.EN) -> str:
    """Return how a run ended, in one sentence: the headline, where there is a report."""
    translate = wording(language)
    if ending.report is not None:
        return _shown(headline(ending.report, translate))
    text = _ENDED_ON if ending.run_date else _ENDED
    label = _label(ending, translate)
    return _shown(translate(text).format(date=ending.run_date, code=ending.exit_code, ending=label))


def compose(ending: Ending, language: Language = Language.EN) -> Message:
    """Return the message about a run that ended: subject, headline, ten lines, the command."""
    translate = wording(language)
    warned = warnings(ending.report, translate=translate) if ending.report else []
    job = f"palm-reconcile {_shown(ending.name, _MAX_NAME_LENGTH)}".strip()
    subject = translate("{job}: {ending}").format(
        job=f"{job} {_shown(ending.run_date, _MAX_NAME_LENGTH)}".strip(),
        ending=_subject_ending(ending, len(warned), translate),
    )
    why, command = _split(ending)
    lines = [_shown(line) for line in _lines(ending, why, warned, translate)]
    last = [_command(command, translate)] if command else []
    body = _fitting(subject, first_line(ending, language), lines, last, translate)
    return Message(subject, body, _severity(ending, warned))


def trial_message(name: str, host: str, language: Language = Language.EN) -> Message:
    """Return the message of ``--notify-test``."""
    translate = wording(language)
    subject = translate("palm-reconcile {name}: test message")
    lines = (TRIAL, "Machine: {host}")
    return Message(
        subject.format(name=_shown(name, _MAX_NAME_LENGTH)),
        "\n".join(translate(line).format(host=_shown(host)) for line in lines),
        Severity.INFO,
    )


def _label(ending: Ending, translate: Translate) -> str:
    return translate(ENDINGS.get(ending.exit_code, "ended"))


def _subject_ending(ending: Ending, warned: int, translate: Translate) -> str:
    if ending.exit_code != 0:
        return translate("{ending} (exit {code})").format(
            ending=_label(ending, translate), code=ending.exit_code
        )
    if warned:
        return filled(translate("done, with {count:,} {count:warning|warnings}"), count=warned)
    return _label(ending, translate)


def _severity(ending: Ending, warned: list[str]) -> Severity:
    if ending.exit_code != 0:
        return Severity.FAILURE
    return Severity.WARNING if warned else Severity.SUCCESS


def _split(ending: Ending) -> tuple[str, str]:
    """Return why the run ended, and the command that helps; each may be empty."""
    error, command = ending.error or "", ending.command or ""
    if match := _COMMAND.search(error):
        return error[: match.start()], match[2]
    return error, command.partition(": ")[2] if ": palm-reconcile " in command else command


def _lines(ending: Ending, why: str, warned: list[str], translate: Translate) -> Iterator[str]:
    """Yield the lines between headline and command, what matters most first."""
    if why:
        yield translate("Reason: {why}").format(why=why)
    for reason in ending.verdict.reasons if ending.verdict else ():
        yield translate("Reason: {why}").format(why=reason.sentence(translate))
    for warning in warned:
        yield translate("Warning: {what}").format(what=warning)
    if ending.place and ending.host:
        yield translate("Report: {path} on {host}").format(path=ending.place, host=ending.host)
    elif ending.host:
        yield translate("Machine: {host}").format(host=ending.host)
    if ending.report is not None:
        yield from _losers(ending.report, translate)


def _losers(report: Report, translate: Translate) -> Iterator[str]:
    """Yield a line for each of the organizations that lost most, and one for the others."""
    losers = [(name, own) for name, own in report.summary.by_organization.items() if own.lost]
    ranked = sorted(losers, key=lambda each: (-(each[1].lost or 0), each[0]))
    for organization, own in ranked[:_ORGANIZATIONS]:
        yield translate(
            "Organization {organization}: {lost:,} lost, {on:,} of {pairs:,} ON"
        ).format(
            organization=_shown(organization, _MAX_NAME_LENGTH),
            lost=own.lost,
            on=own.states[State.ON],
            pairs=own.pairs,
        )
    if others := ranked[_ORGANIZATIONS:]:
        yield filled(
            translate("{count:,} more {count:organization|organizations} lost {lost:,}"),
            count=len(others),
            lost=sum(own.lost or 0 for _, own in others),
        )


def _fitting(
    subject: str, first: str, lines: list[str], last: list[str], translate: Translate
) -> str:
    """Return the body with as many lines as fit into a message; the first and last are kept."""
    kept = lines[: _MOST_LINES if len(lines) <= _MOST_LINES else _MOST_LINES - 1]
    while True:
        left = len(lines) - len(kept)
        more = filled(
            translate("{count:,} more {count:line is|lines are} in the report or in the log"),
            count=left,
        )
        body = "\n".join([first, *kept, *([more] if left else []), *last])
        if not kept or len(f"{subject}\n{body}".encode()) <= _MOST_BYTES:
            return body
        kept.pop()


def _command(command: str, translate: Translate) -> str:
    """Return the line with the command that helps; one that is cut must not be pasted."""
    if len(command.encode(errors="replace")) > _MAX_COMMAND_LENGTH:
        return translate("The command that helps is in the log.")
    return translate("Run: {command}").format(command=_shown(command, _MAX_COMMAND_LENGTH))


def _shown(text: str, longest: int = _MAX_LINE_LENGTH) -> str:
    """Return one line of text without keys and openids, cut where it has more bytes."""
    line = printable(scrub(without_keys(text), ()))
    cut = line.encode(errors="replace")[:longest].decode(errors="ignore")
    return line if len(cut) >= len(line) else f"{cut}…"
