"""The client of a run, and how it asks about a pair."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

import structlog

from jobs.sweep.asking import Query
from jobs.sweep.stats import RequestStats
from palm import AsyncPalm, PalmAuthorization, PalmError

if TYPE_CHECKING:
    from jobs.run.asking.session import Session

__all__ = ["client_of", "query_of"]


def client_of(session: Session, stats: RequestStats) -> AsyncPalm:
    """Return the client of a run; it counts its requests in ``stats``."""
    endpoint, waits = session.endpoint, session.waits
    return AsyncPalm(
        merchant=endpoint.signer(session.sweep.quota),
        keys=endpoint.keys,
        base_url=endpoint.base_url,
        proxy=endpoint.proxy,
        ca_file=endpoint.ca_file,
        rate=session.sweep.quota,
        connections=session.sweep.in_flight,
        retry=waits.retry,
        timeouts=waits.timeouts,
        adaptation=waits.adaptation,
        hosts=waits.hosts,
        breaker=waits.breaker,
        accept_unnamed=session.sweep.accept_unnamed,
        on_attempt=stats.attempted,
        clock=session.run.clock,
    )


def query_of(palm: AsyncPalm, session: Session) -> Query:
    """Return what asks about a pair; with ``-v`` it logs each failure."""
    log, person = structlog.get_logger("palm.pair"), session.person
    get: Query = palm.authorizations.get
    if session.evidence is not None:
        get = partial(palm.authorizations.get, keep_signed=True)
    if not logging.getLogger("palm.pair").isEnabledFor(logging.DEBUG):
        return get

    async def ask(openid: str, organization_id: str) -> PalmAuthorization:
        try:
            return await get(openid, organization_id)
        except PalmError as error:
            log.debug(
                "no answer",
                person=person.of(openid),
                organization_id=organization_id,
                error=str(error),
                attempts=error.attempts,
                request_id=error.request_id,
            )
            raise

    return ask
