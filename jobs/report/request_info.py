"""What a report says about how the gateway was asked. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, ClassVar, Self, TypeAlias

from jobs.compare.freshness import Freshness
from jobs.json_dataclass import Count, Defined, JsonDataclass, JsonSchema, Readers
from jobs.report.refusals import RefusedPairs
from jobs.sweep.stats import RequestStats

__all__ = ["ClusterInfo", "RequestInfo", "RequestPace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPace:
    """How fast the gateway was asked, and what slowed the run down.

    Attributes:
        rate: Requests per second that WeChat Pay allows this job.
        concurrency: Requests in flight at most.
        seconds: Duration of the sweep, in seconds like all further durations.
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
class RequestInfo(JsonDataclass):
    """The requests to the gateway."""

    requests: Count
    """Requests sent, including retries; of a worker that was lost, only those that it had heard the
    end of (in its last half second: a good answer), see ``asked_twice``."""
    retries: Count
    """Requests that were retries."""
    throttles: Count
    """Requests that were throttled."""
    probes: Count
    """Answers with one of WeChat Pay's deliberately wrong signatures."""
    replays: Count | None = None
    """Answers that were received before; they were refused and asked for again."""
    answers_unnamed: Count | None = None
    """Answers refused because they lack openid or organization_id."""
    answers_without_echo: Count
    """Valid answers accepted although they lack openid or organization_id."""
    outcomes: Annotated[dict[str, int], Defined("outcomes")]
    """Requests by outcome: the name of the error, or ok."""
    latency_ms: Annotated[dict[str, int], Defined("latency_ms")]
    """Milliseconds to a valid answer, exact to 5 %; empty if there was none."""
    rate: Annotated[float, JsonSchema(exclusiveMinimum=0)]
    """Requests per second that WeChat Pay allows this job."""
    concurrency: Annotated[int, JsonSchema(minimum=1)]
    """Requests in flight at most."""
    seconds: _Seconds
    """Duration of the sweep."""
    achieved_rate: _Seconds
    """Requests per second on average over the sweep."""
    worst_second: Count
    """Requests in the busiest second."""
    resumed: Count
    """Pairs whose answer came from an earlier, unfinished run."""
    throttled_seconds: _Seconds
    """Seconds for which throttling paused all requests."""
    outage_seconds: _Seconds
    """Seconds for which the gateway was down and only single probes were sent."""
    starved_seconds: _Seconds
    """Seconds in which request slots stayed unused because too few requests were in flight."""
    pauses: Count
    """How often throttling paused all requests."""
    outages: Count
    """How often the gateway was down."""
    host_switches: Count
    """How often the host was switched from main to backup or back."""
    refusals: Annotated[tuple[RefusedPairs, ...], JsonSchema(maxItems=20)] | None = None
    """Pairs that were refused, by status and code, the most frequent first; 20 kinds at most."""
    knowledge: Freshness
    """How many pairs have an answer, and how old the known states are."""

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
        """Return the metadata of a run's requests.

        Args:
            stats: Counts of the requests.
            pace: Speed of the requests.
            refusals: As :func:`jobs.report.refusals.count_refused` returns them.
            knowledge: Freshness at the end of the run.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterInfo(JsonDataclass):
    """The workers that asked (--cluster)."""

    workers: Count
    """Workers that were there at the end."""
    joined: Count
    """Workers that were used."""
    lost: Count
    """Of them, those that went away during the run."""
    most_promised: Count
    """Requests a second that all workers together were ever lent, at most."""
    asked_twice: Count
    """Pairs that were asked about again because a worker went away before they were answered, or
    with their answers; it is taken to have had as many in flight then as half a second before."""
