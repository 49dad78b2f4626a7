"""What a report says about how the gateway was asked. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, ClassVar, Self, TypeAlias

from jobs.compare.freshness import Freshness
from jobs.json_part import Count, Defined, JsonPart, JsonSchema, Readers
from jobs.report.refusals import RefusedPairs
from jobs.sweep.stats import RequestStats

__all__ = ["RequestInfo", "RequestPace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPace:
    """How fast the gateway was asked, and what held the run back.

    Attributes:
        rate: Requests per second that WeChat Pay allows this job.
        concurrency: Requests in flight at most.
        seconds: How long the asking took; the others in the same unit.
    """

    rate: float
    concurrency: int
    seconds: float
    achieved_rate: float
    worst_second: int
    throttled_seconds: float
    outage_seconds: float
    starved_seconds: float
    pauses: int
    outages: int
    host_switches: int


_Seconds: TypeAlias = Annotated[float, JsonSchema(minimum=0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestInfo(JsonPart):
    """How the gateway was asked."""

    requests: Count
    """Requests sent, retries included."""
    retries: Count
    """Those that asked again."""
    throttles: Count
    """Those that were throttled."""
    probes: Count
    """Answers with one of WeChat Pay's deliberately wrong signatures."""
    replays: Count | None = None
    """Answers that had been given before; they were refused and asked for again."""
    answers_unnamed: Count | None = None
    """Answers refused because openid or organization_id is missing in them."""
    answers_without_echo: Count
    """Good answers accepted although openid or organization_id is missing in them."""
    outcomes: Annotated[dict[str, int], Defined("outcomes")]
    """Requests by the name of the error, or ok."""
    latency_ms: Annotated[dict[str, int], Defined("latency_ms")]
    """Milliseconds to a good answer, right within 5 %; empty where there was none."""
    rate: Annotated[float, JsonSchema(exclusiveMinimum=0)]
    """Requests per second that WeChat Pay allows this job."""
    concurrency: Annotated[int, JsonSchema(minimum=1)]
    """Requests in flight at most."""
    seconds: _Seconds
    """How long the asking took."""
    achieved_rate: _Seconds
    """Requests per second over the whole of it."""
    worst_second: Count
    """Most requests in any one second."""
    resumed: Count
    """Pairs whose answer an earlier, unfinished run had found."""
    throttled_seconds: _Seconds
    """Seconds for which throttling paused everybody, all in all."""
    outage_seconds: _Seconds
    """Seconds for which the gateway was down and asked with one probe at a time."""
    starved_seconds: _Seconds
    """What is left of the time once each request has had its slot: too few were in flight."""
    pauses: Count
    """How often throttling paused everybody."""
    outages: Count
    """How often the gateway was down."""
    host_switches: Count
    """How often the host was switched, from main to backup or back."""
    refusals: Annotated[tuple[RefusedPairs, ...], JsonSchema(maxItems=20)] | None = None
    """Pairs that were refused, by status and code, the most frequent first; 20 kinds at most."""
    knowledge: Freshness
    """How much is known, and how old what is known is."""

    _READ: ClassVar[Readers] = {
        "refusals": lambda each: tuple(map(RefusedPairs.from_json, each)),
        "knowledge": Freshness.from_json,
    }

    @classmethod
    def of(
        cls,
        stats: RequestStats,
        pace: RequestPace,
        refusals: tuple[RefusedPairs, ...],
        knowledge: Freshness,
    ) -> Self:
        """Return what is said of a run.

        Args:
            stats: What was sent.
            pace: How fast.
            refusals: As :func:`jobs.report.refusals.count_refused` returns them.
            knowledge: At its end.
        """
        return cls(
            requests=stats.requests,
            retries=stats.retries,
            throttles=stats.throttles,
            probes=stats.probes,
            replays=stats.replays,
            answers_unnamed=stats.unnamed,
            answers_without_echo=stats.without_echo,
            outcomes=dict(sorted(stats.outcomes.items())),
            latency_ms=stats.latency.percentiles_ms(),
            resumed=stats.resumed,
            refusals=refusals,
            knowledge=knowledge,
            **asdict(pace),
        )
