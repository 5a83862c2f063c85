"""Until when archived engagements are kept, told to the archive's ledger.

What decides about an engagement (its queues, channels, dispositions, its end) is read from the analysts' copy. A day
that was once promised is never taken back: where a file that was changed would now say less, that is only reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zcc_pipeline.archive.holds import Standing, Standings
from zcc_pipeline.archive.ledger import Action, Entry
from zcc_pipeline.archive.naming import object_id_of
from zcc_pipeline.archive.retention import Retention, RetentionFacts, RetentionRules, renew
from zcc_pipeline.domain.window import day_of
from zcc_pipeline.pipeline.runtime import Runtime

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

BATCH = 1_000
"""Entries between two checkpoints."""

_MART = "engagements"
_COLUMNS = (
    "engagement_id, started_date, ended_at, list_append(coalesce(channels, []), channel) as channels, "
    "list_concat(coalesce(queue_ids, []), coalesce(queue_names, [])) as queues, coalesce(disposition_names, []) as said"
)


@dataclass(slots=True)
class PromiseReport:
    """What the ledger was told about how long things are kept."""

    is_told: bool = False
    """There is a retention file, and something to read what decides from."""
    engagements: int = 0
    """Archived ones that were looked at."""
    promised: int = 0
    """For the first time."""
    extended: int = 0
    shorter_now: int = 0
    """The file would say less than what was promised; nothing was shortened."""
    unwitnessed: set[str] = field(default_factory=set)


def read_standings(runtime: Runtime) -> Standings:
    """What the ledger says of keeping, as it is now; also what a crash has kept from being seen."""
    runtime.archive.ledger.settle()
    return Standings.read(runtime.archive.ledger.entries())


def promise_retention(
    runtime: Runtime,
    *,
    days: tuple[date, date] | None = None,
    before: Callable[[Sequence[Entry]], None] = lambda _: None,
) -> PromiseReport:
    """Tell the ledger until when archived engagements are kept, where that is new or later than it was.

    Of those that started on the days (both included; all if None). Does nothing without a retention file, or before
    the analysts' copy was published for the first time: what has no promise never expires. ``before`` hears of entries
    before the ledger does. ``ConfigurationError`` where the file is wrong.
    """
    report = PromiseReport()
    rules, analytics = runtime.archive.retention, runtime.config.warehouse.analytics_path
    if rules is None or not analytics.is_file():
        return report
    report.is_told = True
    standings, run_id = read_standings(runtime), runtime.new_id()
    entries: list[Entry] = []
    for engagement_id, facts in _facts(analytics, runtime.config.timezone, days):
        object_id = object_id_of(runtime.archive.account, engagement_id)
        standing = standings.of(object_id)
        if standing is None or not standings.is_archived(object_id):
            continue
        entry = _promise(standing, facts, rules, report, actor=runtime.archive.actor, run_id=run_id)
        if entry is not None:
            entries.append(entry)
        if len(entries) == BATCH:
            _append(runtime, entries, report, before)
    _append(runtime, entries, report, before)
    return report


def expected_last_days(runtime: Runtime, day: date) -> dict[str, date]:
    """What the file would promise engagements that started on a day, as far as the analysts' copy knows them."""
    rules, analytics = runtime.archive.retention, runtime.config.warehouse.analytics_path
    if rules is None or not analytics.is_file():
        return {}
    facts = _facts(analytics, runtime.config.timezone, (day, day))
    return {engagement_id: rules.retention_of(each).retain_until for engagement_id, each in facts}


def _promise(
    standing: Standing, facts: RetentionFacts, rules: RetentionRules, report: PromiseReport, *, actor: str, run_id: str
) -> Entry | None:
    before = None
    if standing.retain_until is not None:
        before = Retention(standing.retain_until, standing.retention_class or "", "")
    renewed = renew(before, rules.retention_of(facts))
    report.engagements += 1
    report.promised += before is None
    report.extended += before is not None and renewed.is_extended
    report.shorter_now += renewed.shorter is not None
    if not renewed.is_extended:
        return None
    found = renewed.retention
    return Entry(
        Action.EXTEND,
        actor,
        run_id,
        object_id=standing.object_id,
        day=facts.started_on,
        retain_until=found.retain_until,
        retention_class=found.class_name,
    )


def _append(
    runtime: Runtime, entries: list[Entry], report: PromiseReport, before: Callable[[Sequence[Entry]], None]
) -> None:
    if entries:
        before(entries)
        report.unwitnessed |= set(runtime.archive.ledger.append(entries).unwitnessed)
        entries.clear()


def _facts(analytics: Path, timezone: ZoneInfo, days: tuple[date, date] | None) -> Iterator[tuple[str, RetentionFacts]]:
    import duckdb

    first, last = days or (date.min, date.max)
    with duckdb.connect(str(analytics), read_only=True) as connection:
        found = connection.execute(
            f"select {_COLUMNS} from {_MART} where started_date between ? and ? order by started_date, engagement_id",
            [first, last],
        )
        while rows := found.fetchmany(BATCH):
            for row in rows:
                yield row[0], _fact(row, timezone)


def _fact(row: Sequence[Any], timezone: ZoneInfo) -> RetentionFacts:
    _, started_on, ended_at, channels, queues, dispositions = row
    return RetentionFacts(
        started_on=started_on,
        ended_on=None if ended_at is None else day_of(ended_at.replace(tzinfo=UTC), timezone),
        queues=frozenset(each for each in queues if each),
        channels=frozenset(each for each in channels if each),
        dispositions=frozenset(each for each in dispositions if each),
    )
