"""The made-up people, but for the pairs whose state a test has chosen."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from palm.sandbox.people.population import CHINA, Event, PairState, PairStatus, Population

__all__ = ["ChosenPopulation"]

_AUTHORIZED_AT: Final = datetime(2025, 1, 2, 3, 4, 5, tzinfo=CHINA)


class ChosenPopulation(Population):
    """All pairs, some of which have a state that was chosen, the same on every day.

    Args:
        seed: Of the other pairs; another seed is another population.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._chosen: dict[tuple[str, str], PairStatus] = {}

    def set_state(
        self,
        openid: str,
        organization_id: str,
        state: PairState | str,
        authorize_time: datetime | None = None,
    ) -> None:
        """Choose the state of a pair; see :meth:`palm.testing.PalmSandbox.set_state`.

        Raises:
            ValueError: There is no such state, or the time is not aware.
        """
        chosen = PairState(state)
        if authorize_time is None:
            authorize_time = None if chosen is PairState.NONE else _AUTHORIZED_AT
        elif authorize_time.tzinfo is None:
            raise ValueError("authorize_time must have a time zone")
        else:
            authorize_time = authorize_time.astimezone(CHINA)
        self._chosen[openid, organization_id] = PairStatus(chosen, authorize_time)

    def state_on(self, openid: str, organization_id: str, date: date) -> PairStatus:
        """Return the chosen state of a pair, else the made-up one."""
        chosen = self._chosen.get((openid, organization_id))
        return chosen or super().state_on(openid, organization_id, date)

    def events(
        self, openid: str, organization_id: str, after: date, until: date
    ) -> tuple[Event, ...]:
        """Return the made-up events of a pair; a pair whose state was chosen has none."""
        if (openid, organization_id) in self._chosen:
            return ()
        return super().events(openid, organization_id, after, until)
