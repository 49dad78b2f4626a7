"""The numbers of a history, computed anew by DuckDB from the reports alone."""

from __future__ import annotations

from pathlib import Path

import duckdb

_EVENTS = """
CREATE TABLE rows AS
SELECT run_date::DATE AS day, organization_id::VARCHAR AS org, openid, state::VARCHAR AS state,
    known_state::VARCHAR AS known, previous_state::VARCHAR AS before, change::VARCHAR AS change,
    first_seen_at,
    coalesce(change = 'CLOSED' OR (change = 'CLEARED' AND previous_state = 'ON'), false) AS lost,
    change IN ('OPENED', 'REOPENED') AS gained,
    change IN ('REAUTHORIZED', 'CYCLED') AS hidden,
FROM read_parquet(?, hive_partitioning = true, union_by_name = true)
"""
_NIGHTS = """
SELECT day, count(state), count(*) FILTER (state IS NOT NULL AND known = 'ON'),
    count(*) FILTER (state IS NOT NULL AND known = 'OFF'),
    count(*) FILTER (state IS NOT NULL AND known = 'NONE'), count(*) FILTER (state = 'ON'),
    count(*) FILTER (state = 'UNKNOWN'), count(*) FILTER (gained), count(*) FILTER (lost),
    count(*) FILTER (hidden), count(*) FILTER (change = 'FIRST_SEEN'),
    count(*) FILTER (change = 'DROPPED')
FROM rows GROUP BY day ORDER BY day
"""
_ORGANIZATIONS = """
SELECT org, count(*) FILTER (gained), count(*) FILTER (lost) FROM rows GROUP BY org
"""
_ORGANIZATION_NIGHTS = """
SELECT org, day, count(state), count(*) FILTER (state IS NOT NULL AND known = 'ON')
FROM rows GROUP BY org, day HAVING count(state) > 0 ORDER BY ALL
"""
_TURNS = """
SELECT org, openid, sum(gained::INT + lost::INT + 2 * hidden::INT)::INT AS turns,
    max(day) FILTER (gained OR lost OR hidden) AS last
FROM rows GROUP BY org, openid HAVING turns >= 3 ORDER BY turns DESC, last DESC, org, openid
"""
_LOST = """
SELECT org, openid, max(day) FILTER (lost) AS lost,
    coalesce(max(day) FILTER (state = 'ON' OR change = 'CYCLED') > max(day) FILTER (lost), false),
    coalesce(max(day) FILTER (state IS NOT NULL) < (SELECT max(day) FROM rows), true)
FROM rows GROUP BY org, openid HAVING lost IS NOT NULL ORDER BY lost DESC, org, openid
"""
_DURATIONS = """
WITH later AS (SELECT * FROM rows WHERE day > (SELECT min(day) FROM rows)),
begun AS (SELECT org, openid, day FROM later WHERE gained OR change = 'REAUTHORIZED'),
over AS (
    SELECT begun.*,
        min(later.day) FILTER (later.day > begun.day
            AND (later.lost OR later.change = 'REAUTHORIZED')) AS ended,
        min(later.day) FILTER (later.day > begun.day AND (later.gained OR later.hidden
            OR later.change = 'FIRST_SEEN' OR later.state IN ('OFF', 'NONE'))) AS next
    FROM begun JOIN later USING (org, openid) GROUP BY ALL
),
seen AS (
    SELECT over.*, max(later.day) FILTER (later.state = 'ON' AND later.day >= over.day
        AND later.day < coalesce(over.next, DATE '9999-01-01')) AS last_on
    FROM over JOIN later USING (org, openid) GROUP BY ALL
)
SELECT CASE WHEN ended = next THEN ended - day ELSE last_on - day END, coalesce(ended = next, false)
FROM seen
UNION ALL SELECT 1, true FROM later WHERE change = 'CYCLED'
"""
_ARRIVALS = """
WITH people AS (
    SELECT min(first_seen_at) AS seen,
        min(day) FILTER (state = 'ON' OR change = 'CYCLED') AS converted
    FROM rows GROUP BY org, openid
),
arrived AS (
    SELECT (seen AT TIME ZONE $zone)::DATE AS day, converted FROM people
    WHERE seen > (SELECT $ended::TIMESTAMPTZ)
)
SELECT date_trunc('week', day)::DATE AS monday, count(*),
    count(*) FILTER (converted - day <= 28),
    date_trunc('week', day)::DATE + 6 + 28 > (SELECT max(day) FROM rows)
FROM arrived GROUP BY ALL ORDER BY monday
"""


class Judge:
    """DuckDB over a folder of reports."""

    def __init__(self, folder: Path) -> None:
        self._base = duckdb.connect()
        self._base.execute("SET TimeZone = 'UTC'")
        self.first = min(folder.glob("run_date=*/report.parquet"))
        self._base.execute(_EVENTS, [str(folder / "run_date=*" / "report.parquet")])

    def _all(self, query, parameters=None):
        return self._base.execute(query, parameters).fetchall()

    def agrees(self, history) -> None:
        """Assert that each number of a history is the one that DuckDB finds."""
        self._nights(history)
        self._organizations(history)
        self._turns(history.turns)
        self._durations(history.durations)
        self._arrivals(history)

    def nights(self):
        """Return the counts of each night."""
        return self._all(_NIGHTS)

    def _nights(self, history):
        names = ("run_date", "pairs", "on", "off", "none", "answered_on", "unknown", "gained",
                 "lost", "hidden", "first_seen", "dropped")  # fmt: skip
        own = [tuple(getattr(night, name) for name in names) for night in history.nights]
        assert own == self.nights()

    def _organizations(self, history):
        found = history.organizations
        assert {(o.organization_id, o.gained, o.lost) for o in found} == set(
            self._all(_ORGANIZATIONS)
        )
        own = [(o.organization_id, n.run_date, n.pairs, n.on) for o in found for n in o.nights]
        assert sorted(own) == self._all(_ORGANIZATION_NIGHTS)
        never_back = {}
        for org, _, _, back, _ in self._all(_LOST):
            never_back[org] = never_back.get(org, 0) + (not back)
        assert {o.organization_id: o.never_back for o in found if o.never_back} == {
            org: count for org, count in never_back.items() if count
        }
        losses = [(-o.lost, -o.gained, o.organization_id) for o in found]
        assert losses == sorted(losses)

    def _turns(self, turns):
        often = self._all(_TURNS)
        assert turns.often == len(often)
        own = [(p.organization_id, p.openid, p.turns, p.last) for p in turns.often_pairs]
        assert own == often[:1000]
        lost = self._all(_LOST)
        gone = [each for each in lost if not each[3]]
        assert (turns.lost, turns.never_back) == (len(lost), len(gone))
        assert turns.never_back_gone == sum(away for *_, away in gone)
        own = [(p.organization_id, p.openid, p.lost) for p in turns.never_back_pairs]
        assert own == [each[:3] for each in gone][:1000]

    def lengths(self):
        """Return the days of each authorization: of those that ended, and of the censored ones."""
        found = self._all(_DURATIONS)
        return [n for n, over in found if over], [n for n, over in found if not over]

    def _durations(self, durations):
        ended, censored = self.lengths()
        assert (durations.ended, durations.censored) == (len(ended), len(censored))
        assert durations.longest_days == max([*ended, *censored], default=0)
        at_risk = {
            days: sum(n >= days for n in ended) + sum(n >= days for n in censored)
            for days in set(ended)
        }
        assert {step.days: (step.at_risk, step.ended) for step in durations.steps} == {
            days: (count, ended.count(days)) for days, count in at_risk.items()
        }

    def _arrivals(self, history):
        ended = self._base.execute(
            "SELECT decode(value)::JSON->'run'->>'finished' FROM parquet_kv_metadata(?) "
            "WHERE decode(key) = 'palm_reconcile'",
            [str(self.first)],
        ).fetchone()[0]
        weeks = self._all(_ARRIVALS, {"zone": history.timezone, "ended": ended})
        own = history.arrivals
        assert [(w.monday, w.arrived, w.converted, w.so_far) for w in own.weeks] == weeks
        assert own.arrived == sum(count for _, count, *_ in weeks)
        assert own.converted == sum(count for _, _, count, _ in weeks)
