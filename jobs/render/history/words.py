"""What is said about a history in words: its sentences, and what each word means. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from jobs.history.model import Gap, History, Night
from jobs.plurals import filled
from jobs.render.history.chinese import HISTORY_CHINESE
from jobs.render.language import Language, Translate
from jobs.render.numbers import share

__all__ = [
    "DEFINITIONS",
    "arrived_sentence",
    "duration_sentence",
    "gap_note",
    "gap_text",
    "headline",
    "history_translator",
    "lost_sentence",
    "night_note",
    "turns_sentence",
    "warnings",
]

DEFINITIONS: Final[Mapping[str, str]] = {
    "ON": "Pairs of that night's input that are last known to be ON: answered that night or, where "
    "there is no good answer, the last good one before. So a night of errors moves nothing.",
    "gained": "OPENED and REOPENED.",
    "lost": "CLOSED, and CLEARED from ON.",
    "hidden": "REAUTHORIZED and CYCLED: closed and opened, or opened and closed, between two "
    "nights.",
    "no report": "A night without a report, or with one that cannot be read. What happened on it "
    "is in the next night's changes, if that was compared with the report before it.",
    "turns": "A turn is one gain or one loss of ON. REAUTHORIZED and CYCLED are two turns each. "
    "Three turns or more are often.",
    "never back": "Lost at least once, and since the last loss no night shows ON, nor CYCLED.",
    "lasts": "From the night that shows OPENED, REOPENED or REAUTHORIZED to the night that shows "
    "CLOSED, CLEARED from ON or REAUTHORIZED, in days between run dates. CYCLED is one day. Those "
    "already ON on the first night are left out, for nobody saw them begin; so are those that were "
    "ON when they were first seen.",
    "still ON": "An authorization that has not ended counts for as long as it was observed: to the "
    "last night that answered ON (it is censored there). So does one whose end fell on a night "
    "without a report.",
    "median": "The Kaplan-Meier median: after so many days half of all authorizations have ended, "
    "with those that are still ON taken into account.",
    "arrived": "First answered (first_seen_at) after the first night's run had ended; the week is "
    "that of this date, from Monday.",
    "ON within 28 days": "A night up to 28 days after the arrival answers ON, or shows CYCLED. A "
    "week says “so far” until everybody in it has been observed for 28 days.",
}
"""What each word means; the order is that of the page."""
_GAPS_NAMED: Final = 5


def history_translator(language: Language) -> Translate:
    """Return the function that puts an English label of a history into ``language``.

    Raises:
        KeyError: (on use) A label has no translation.
    """
    return (lambda text: text) if language is Language.EN else HISTORY_CHINESE.__getitem__


def headline(history: History, translate: Translate = str) -> str:
    """Return the history in two sentences."""
    last = history.last
    sentence = filled(
        translate("{date}: {on:,} of {pairs:,} {pairs:pair|pairs} {on:is|are} ON ({share})."),
        date=last.run_date,
        on=last.on,
        pairs=last.pairs,
        share=share(last.on, last.pairs),
    )
    if len(history.nights) == 1:
        more = translate("There is only one night: nothing to compare yet.")
    else:
        more = filled(
            translate(
                "In {nights:,} {nights:night|nights} since {first} {lost:,} lost, {gained:,} "
                "gained."
            ),
            nights=len(history.nights),
            first=history.first.run_date,
            gained=sum(night.gained for night in history.nights),
            lost=sum(night.lost for night in history.nights),
        )
    return translate("{first} {second}").format(first=sentence, second=more)


def warnings(history: History, translate: Translate = str) -> list[str]:
    """Return what a reader must know before the numbers, the gravest first."""
    said = [
        translate("{reason}; this night is left out.").format(reason=each.reason)
        for each in history.unreadable
    ]
    if history.missing:
        named = [gap_text(gap) for gap in history.missing[:_GAPS_NAMED]]
        if more := len(history.missing) - len(named):
            named.append(translate("and {count} more").format(count=more))
        said.append(
            filled(
                translate("{count:,} {count:night has|nights have} no report: {gaps}."),
                count=sum(gap.days for gap in history.missing),
                gaps=", ".join(named),
            )
        )
    if broken := sum(not night.follows for night in history.nights):
        said.append(
            filled(
                translate(
                    "{count:,} {count:night was|nights were} compared with another report than the "
                    "one before {count:it|them} here: changes in between are missing, or are "
                    "counted twice."
                ),
                count=broken,
            )
        )
    return said


def gap_text(gap: Gap) -> str:
    """Return the dates of nights without a report."""
    return f"{gap.first}" if gap.days == 1 else f"{gap.first} – {gap.last}"


def gap_note(gap: Gap, translate: Translate = str) -> str:
    """Return what is said of nights without a report."""
    if gap.days == 1:
        return translate("no report")
    return filled(translate("no report ({days:,} {days:night|nights})"), days=gap.days)


def night_note(night: Night, translate: Translate = str) -> str:
    """Return what is said of a night beside its numbers; empty where all is as usual."""
    if night.follows:
        return ""
    if night.compared_with is None:
        return translate("compared with no report")
    return translate("compared with {date}").format(date=night.compared_with)


def turns_sentence(history: History, translate: Translate = str) -> str:
    """Return how many turn often."""
    if not history.turns.often:
        return translate("Nobody turned three times or more.")
    return filled(
        translate("{often:,} {often:pair|pairs} turned three times or more."),
        often=history.turns.often,
    )


def lost_sentence(history: History, translate: Translate = str) -> str:
    """Return how many were lost, and how many of them never came back."""
    turns = history.turns
    if not turns.lost:
        return translate("Nobody was lost in these nights.")
    return filled(
        translate(
            "{lost:,} {lost:pair was|pairs were} lost at least once; {back:,} {back:is|are} back, "
            "{never:,} never came back ({gone:,} of them {gone:is|are} no longer in the input)."
        ),
        lost=turns.lost,
        back=turns.lost - turns.never_back,
        never=turns.never_back,
        gone=turns.never_back_gone,
    )


def duration_sentence(history: History, translate: Translate = str) -> str:
    """Return how long an authorization lasts."""
    found = history.durations
    if not found.ended + found.censored:
        return translate("Nothing was opened after the first night.")
    if found.median_days is None:
        sentence = translate(
            "More than half of the authorizations last longer than the {days:,} "
            "{days:day that was|days that were} observed; {ended:,} ended, {censored:,} "
            "{censored:is|are} still ON."
        )
    else:
        sentence = translate(
            "Half of the authorizations last {days:,} {days:day|days} or less; {ended:,} ended, "
            "{censored:,} {censored:is|are} still ON."
        )
    days = found.longest_days if found.median_days is None else found.median_days
    return filled(sentence, days=days, ended=found.ended, censored=found.censored)


def arrived_sentence(history: History, translate: Translate = str) -> str:
    """Return how many arrived, and how many of them converted."""
    found = history.arrivals
    if not found.arrived:
        return translate("Nobody arrived after the first night.")
    return filled(
        translate(
            "{arrived:,} {arrived:pair|pairs} arrived; {converted:,} of them "
            "{converted:was|were} ON within 28 days ({share})."
        ),
        arrived=found.arrived,
        converted=found.converted,
        share=share(found.converted, found.arrived),
    )
