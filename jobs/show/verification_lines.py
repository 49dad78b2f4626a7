"""What ``palm-report --verify`` prints."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from jobs.evidence.options import EvidenceScope
from jobs.evidence.outcomes import MEANINGS, Outcome
from jobs.evidence.verify.files import Fault
from jobs.plurals import filled
from jobs.render.language import Language, Translate
from jobs.render.terminal.console import plain_table

if TYPE_CHECKING:
    from rich.console import Console

    from jobs.evidence.verify.verification import Verification

__all__ = ["print_verification"]

_MOST_SHOWN: Final = 20
_FAULTS: Final = {
    Fault.NOT_PUBLISHED: "not the published file: {name} was filtered or converted",
    Fault.OTHER_REPORT: "{name} is not the report that the manifest names",
    Fault.OTHER_EVIDENCE: "{name} is not the evidence that the manifest names, or is missing",
    Fault.OTHER_BASELINE: "{name} is not the report that this one was compared with",
    Fault.OTHER_BEFORE: "a previous_state is not the known_state in {name}",
}


def print_verification(
    found: Verification, console: Console, translate: Translate, language: Language
) -> None:
    """Print the headline, what is wrong with files, the outcomes, and states that are not backed.

    Args:
        found: What the check found.
        console: Where to print it.
        translate: Puts a label into the language.
        language: The language.
    """
    for fault, name in found.faults.items():
        console.print(Text(f"! {translate(_FAULTS[fault]).format(name=name)}", style="bold yellow"))
    console.print(Text(_headline(found, translate), style="bold"))
    for line in _notes(found, translate):
        console.print(Text(line))
    console.print(_outcomes(found, translate, language))
    if listed := list(islice(found.checked.listed(), _MOST_SHOWN)):
        table = plain_table(translate("organization"))
        table.add_column("openid", no_wrap=True)
        table.add_column(translate("evidence"), no_wrap=True)
        for finding in listed:
            table.add_row(
                Text(finding.pair.organization_id), Text(finding.pair.openid), finding.outcome.value
            )
        console.print(table)
    backed = found.checked.counts[Outcome.BACKED] + found.checked.counts[Outcome.NOT_KEPT]
    if more := found.checked.states - backed - len(listed):
        console.print(Text(translate("{count:,} more").format(count=more)))


def _headline(found: Verification, translate: Translate) -> str:
    return filled(
        translate(
            "{date}: {backed:,} of {states:,} {states:state is|states are} backed by WeChat Pay's "
            "signature."
        ),
        date=found.manifest.run_date,
        backed=found.backed,
        states=found.checked.states,
    )


def _notes(found: Verification, translate: Translate) -> Iterator[str]:
    if not found.is_trusted:
        for fingerprint in sorted(set(found.keys.values())):
            yield translate(
                "Consistent with key sha256:{fingerprint}: compare it with the merchant console, "
                "or name a key of your own with --key."
            ).format(fingerprint=fingerprint)
    for fingerprint in sorted(found.issued or ()):
        yield translate("Key sha256:{fingerprint} was issued under your root certificate.").format(
            fingerprint=fingerprint
        )
    if found.issued is not None and not found.issued:
        yield translate(
            "The evidence has no platform certificate under your root: name the key with --key."
        )
    if found.manifest.scope is EvidenceScope.CHANGES:
        yield translate(
            "Only the evidence of changes was kept: a change that was edited into UNCHANGED is not "
            "found."
        )
    if found.checked.unused:
        yield filled(
            translate("{count:,} {count:answer|answers} in the evidence belong to no state here."),
            count=found.checked.unused,
        )
    if found.chain is not None:
        yield filled(
            translate("Chain: {count:,} {count:night holds|nights hold} together."),
            count=found.chain.nights,
        )
        if found.chain.broken_at is not None:
            yield translate(
                "Chain broken at {folder}: none of its manifests is the one that the next night "
                "names."
            ).format(folder=found.chain.broken_at)


def _outcomes(found: Verification, translate: Translate, language: Language) -> Table:
    table = plain_table(translate("Evidence"), translate("pairs"))
    table.add_column(translate("meaning"))
    for outcome, meaning in MEANINGS.items():
        if count := found.checked.counts[outcome]:
            text = meaning.en if language is Language.EN else meaning.zh
            table.add_row(outcome.value, f"{count:,}", text)
    return table
