"""Whether the outcomes of all members together show that the run must be stopped."""

from __future__ import annotations

from jobs.cluster.joint.error_json import error_from_json
from jobs.cluster.joint.outcomes import Failure, Outcomes
from jobs.sweep.abort.monitor import AbortMonitor
from palm import Pair, PalmError, VerificationError

__all__ = ["JointAbort"]


class JointAbort:
    """Tells the monitor of a sweep what all members counted, as if it had seen every outcome.

    In which order outcomes of different members came is unknown. What ends a row of unverified
    answers comes before those that the member counted after it.

    Args:
        monitor: Judges the outcomes; its canary has been judged.
    """

    def __init__(self, monitor: AbortMonitor) -> None:
        self._monitor = monitor
        self._outcomes: dict[str, Outcomes] = {}
        self._pairs = 0

    def add(self, member: str, outcomes: Outcomes) -> None:
        """Judge what a member counted since its last question.

        Raises:
            CredentialsError: The merchant is refused, or the answers are signed by unknown keys.
            AbortedError: Too many answers could not be verified, or do not name their pair.
        """
        before = self._outcomes.get(member, Outcomes())
        self._outcomes[member] = outcomes
        unverified: list[tuple[Pair, PalmError]] = []
        others: list[tuple[Pair, PalmError]] = []
        for failure, count in _new_failures(before, outcomes):
            error = error_from_json(failure.error)
            failed = unverified if isinstance(error, VerificationError) else others
            failed += [(self._pair(failure.organization_id), error) for _ in range(count)]
        trailing = max(0, len(unverified) - outcomes.unverified_in_a_row)
        for pair, error in unverified[:trailing] + others:
            self._monitor.failed(pair, error)
        if outcomes.good > before.good and outcomes.organization_id is not None:
            self._monitor.answered(outcomes.organization_id)
        for pair, error in unverified[trailing:]:
            self._monitor.failed(pair, error)
        self._check_named()

    def check_patience(
        self, latest: PalmError | None = None, refused_certificate: PalmError | None = None
    ) -> None:
        """Stop where no member had an accepted answer for too long.

        Args:
            latest: The error of the request that failed last.
            refused_certificate: The error of a refused TLS certificate, if no host has answered in
                this run.

        Raises:
            CredentialsError: No answer was accepted, and a certificate is refused.
            ShortageError: No answer was accepted, and the machine lacks what a connection needs.
            AbortedError: No answer was accepted, for any other reason.
        """
        self._monitor.check_patience(latest, refused_certificate)

    def _check_named(self) -> None:
        if unnamed := sum(each.unnamed for each in self._outcomes.values()):
            answers = sum(each.answers for each in self._outcomes.values())
            self._monitor.check_named(unnamed, answers)

    def _pair(self, organization_id: str) -> Pair:
        """Return a name for another pair that failed; the members do not tell which it was."""
        self._pairs += 1
        return Pair(f"failed-{self._pairs}", organization_id)


def _new_failures(before: Outcomes, outcomes: Outcomes) -> list[tuple[Failure, int]]:
    """Return each kind of failure with how many are new; kinds keep their place in the list."""
    counted = [each.pairs for each in before.failures]
    counted += [0] * (len(outcomes.failures) - len(counted))
    return [
        (failure, failure.pairs - earlier)
        for failure, earlier in zip(outcomes.failures, counted, strict=True)
        if failure.pairs > earlier
    ]
