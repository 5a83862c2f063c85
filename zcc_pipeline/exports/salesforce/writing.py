"""Writes batches: in collections of 200 or, from many rows on, through a Bulk job; then tasks, then files.

```
batch ─► rows ─┬─► many that Bulk carries ─► a job ─────────────────────────────┐
               └─► others ─► collections ─► those in somebody's way once more ──┴─► tasks ─► files ─► outcomes
```
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import NotFound, PermanentError, QuotaExhausted, TransientError
from zcc_pipeline.exports.calls import CrmRefused, OutcomeUnknown
from zcc_pipeline.exports.destination import Addressed, WriteLog
from zcc_pipeline.exports.outcomes import Outcome, RemoteRef, Status
from zcc_pipeline.exports.salesforce.answers import DUPLICATE, Problem, RowResult
from zcc_pipeline.exports.salesforce.attaching import Placed, attach
from zcc_pipeline.exports.salesforce.client import SalesforceClient
from zcc_pipeline.exports.salesforce.jobs import Jobs
from zcc_pipeline.exports.salesforce.options import SalesforceOptions
from zcc_pipeline.exports.salesforce.rows import (
    Row,
    calls_of,
    csv_files,
    enriching_row,
    fits_bulk,
    record_row,
    task_row,
)
from zcc_pipeline.exports.together import together

_ROUNDS = 5
_FIRST_WAIT_SECONDS = 0.5
_FOR_ALL = frozenset(
    {
        "INVALID_FIELD",
        "INVALID_TYPE",
        "INSUFFICIENT_ACCESS",
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "API_DISABLED_FOR_ORG",
        "API_CURRENTLY_DISABLED",
        "METHOD_NOT_ALLOWED",
        "UNSUPPORTED_API_VERSION",
    }
)
"""Refusals of a call that every other call would get too: what the org allows has changed since it was checked."""

Rows = Sequence[tuple[str, Row]]
Results = dict[str, RowResult]
Send = Callable[[Sequence[Row]], Awaitable[list[RowResult]]]


class Writer:
    """One run's writes."""

    def __init__(self, client: SalesforceClient, *, options: Mapping[str, SalesforceOptions], clock: Clock) -> None:
        """``options`` by target."""
        self._client = client
        self._options = options
        self._clock = clock
        self._jobs = Jobs(client, clock=clock)
        self._spent: QuotaExhausted | None = None

    async def write(self, batch: Sequence[Addressed], log: WriteLog) -> list[Outcome]:
        """An outcome for each. The day's limit ends the run with the next batch, so that what was done before it in
        this one is not forgotten."""
        if self._spent is not None:
            raise self._spent
        results = await self._write_records(batch, log)
        results |= await self._write_tasks(batch, results)
        if self._spent is not None and not any(each.id for each in results.values()):
            raise self._spent
        placed = [_placed(one, results[one.outgoing.engagement_id]) for one in batch]
        late = await attach(self._client, [each for each in placed if each is not None], log)
        outcomes = [_outcome(one, results[one.outgoing.engagement_id]) for one in batch]
        return [late.get(each.engagement_id, each) for each in outcomes]

    async def _write_records(self, batch: Sequence[Addressed], log: WriteLog) -> Results:
        groups: dict[tuple[str, str, str], list[Addressed]] = defaultdict(list)
        enriched: dict[str, list[tuple[Addressed, RemoteRef]]] = defaultdict(list)
        for one in batch:
            if one.is_enriching and one.remote is not None:
                enriched[one.remote.object].append((one, one.remote))
            else:
                groups[one.outgoing.target, one.outgoing.object, one.outgoing.key_field].append(one)
        results: Results = {}
        for (target, source, key), group in groups.items():
            results |= await self._upsert(target, source, key, group, log)
        for source, pairs in enriched.items():
            info = await self._client.describe(source)
            rows = [(one.outgoing.engagement_id, enriching_row(one, remote.id, info)) for one, remote in pairs]
            results |= await self._send(rows, lambda part, source=source: self._client.update(source, part))  # type: ignore[misc]
        return results

    async def _upsert(self, target: str, source: str, key: str, group: Sequence[Addressed], log: WriteLog) -> Results:
        info = await self._client.describe(source)
        if info is None:
            raise PermanentError("the object of a target is no longer there, or no longer shown")
        options = self._options[target]
        # Rows of one customer side by side: two calls at once that touch the same contact would lock each other out.
        ordered = sorted(group, key=lambda one: one.customer.id if one.customer else "")
        rows = [(one.outgoing.engagement_id, record_row(one, options, info)) for one in ordered]
        carried = [row for row in rows if fits_bulk(row[1], info)]
        if len(carried) < self._client.config.bulk_from_rows:
            return await self._send_by_key(source, key, rows)
        by_bulk = {engagement_id for engagement_id, _ in carried}
        rest = [row for row in rows if row[0] not in by_bulk]
        found, others = await together(
            (self._send_in_bulk(source, key, carried, log), self._send_by_key(source, key, rest))
        )
        again = [row for row in carried if (problem := found[row[0]].problem) and problem.is_busy]
        return others | found | (await self._send_by_key(source, key, again) if again else {})

    async def _send_by_key(self, source: str, key: str, rows: Rows) -> Results:
        return await self._send(rows, lambda part: self._client.upsert(source, key, part), key)

    async def _send_in_bulk(self, source: str, key: str, rows: Rows, log: WriteLog) -> Results:
        results: Results = {}
        for ids, file in csv_files(rows, key):
            found: Results = {}
            try:
                if self._spent is None:
                    found = await self._jobs.run(source, key, ids, file, log.job)
                unheard = _unknown() if self._spent is None else _not_sent(self._spent)
            except QuotaExhausted as error:
                self._spent, unheard = error, _unknown()
            except TransientError:
                unheard = _unknown()
            except (CrmRefused, NotFound):
                # The org lets nobody run jobs, or not this user: what a job would carry, collections carry as well.
                named = set(ids)
                found, unheard = (
                    await self._send_by_key(source, key, [row for row in rows if row[0] in named]),
                    _unknown(),
                )
            results |= {engagement_id: found.get(engagement_id, unheard) for engagement_id in ids}
        return results

    async def _send(self, rows: Rows, send: Send, key: str = "") -> Results:
        """Results of all rows; those in whose way somebody was are sent again, by themselves and one call at a time."""
        results: Results = {}
        for each in await together(self._collection(part, send) for part in calls_of(rows)):
            results |= each
        for number in range(_ROUNDS):
            again = [row for row in rows if _is_in_the_way(results[row[0]].problem, key, is_first=number == 0)]
            if not again or self._spent is not None:
                break
            await self._clock.sleep(_FIRST_WAIT_SECONDS * 2**number)
            for part in calls_of(again):
                results |= await self._collection(part, send)
        return results

    async def _collection(self, rows: Rows, send: Send) -> Results:
        """One call. Where it is refused whole because of a row that cannot be read, the row is found by halving."""
        if self._spent is not None:
            return dict.fromkeys((engagement_id for engagement_id, _ in rows), _not_sent(self._spent))
        try:
            found = await send([row for _, row in rows])
        except OutcomeUnknown:
            found = [_unknown()] * len(rows)
        except QuotaExhausted as error:
            self._spent = error
            found = [_not_sent(error)] * len(rows)
        except TransientError as error:
            found = [_not_sent(error)] * len(rows)
        except CrmRefused as refused:
            if refused.code in _FOR_ALL:
                raise
            if len(rows) > 1:
                half = len(rows) // 2
                return await self._collection(rows[:half], send) | await self._collection(rows[half:], send)
            found = [RowResult(None, is_created=False, problem=Problem(refused.code, refused.message))]
        return dict(zip((engagement_id for engagement_id, _ in rows), found, strict=True))

    async def _write_tasks(self, batch: Sequence[Addressed], results: Results) -> Results:
        """Results of those records only whose task is not there now; the record itself stays where it is."""
        groups: dict[str, list[tuple[str, Row]]] = defaultdict(list)
        info = None
        for one in batch:
            task, result = self._options[one.outgoing.target].task, results[one.outgoing.engagement_id]
            if task is None or one.is_enriching or result.id is None:
                continue
            info = info or await self._client.describe("Task")
            if info is None:
                raise PermanentError("tasks are no longer there, or no longer shown")
            groups[task.key].append((one.outgoing.engagement_id, task_row(one, task, result.id, info)))
        failed: Results = {}
        for key, rows in groups.items():
            found = await self._send_by_key("Task", key, rows)
            failed |= {
                engagement_id: replace(each, id=results[engagement_id].id)
                for engagement_id, each in found.items()
                if each.id is None
            }
        return failed


def _is_in_the_way(problem: Problem | None, key: str, *, is_first: bool) -> bool:
    """Somebody held the row; or made it in the same moment, so that the second attempt updates it. (A duplicate that
    stays one is a record that the integration user cannot see.)"""
    if problem is None:
        return False
    return problem.is_busy or (is_first and bool(key) and problem.code == DUPLICATE and key in problem.fields)


def _unknown() -> RowResult:
    return RowResult(None, is_created=False, problem=Problem("NO_ANSWER"), is_unknown=True)


def _not_sent(error: TransientError) -> RowResult:
    code = "REQUEST_LIMIT_EXCEEDED" if isinstance(error, QuotaExhausted) else "SERVER_UNAVAILABLE"
    return RowResult(None, is_created=False, problem=Problem(code))


def _placed(one: Addressed, result: RowResult) -> Placed | None:
    if result.id is None or result.problem is not None or one.is_enriching:
        return None
    return Placed(one, RemoteRef(one.outgoing.object, result.id), was_there=not result.is_created)


def _outcome(one: Addressed, result: RowResult) -> Outcome:
    engagement_id, problem = one.outgoing.engagement_id, result.problem
    remote = RemoteRef(one.outgoing.object, result.id) if result.id is not None else one.remote
    if one.is_enriching:
        remote = one.remote
    if problem is None:
        return Outcome(engagement_id, Status.CREATED if result.is_created else Status.UPDATED, remote)
    status = Status.FAILED_PERMANENT
    if result.is_unknown:
        status = Status.UNKNOWN
    elif problem.may_pass_later or problem.code == "REQUEST_LIMIT_EXCEEDED":
        status = Status.FAILED_RETRYABLE
    return Outcome(engagement_id, status, remote, problem.code, problem.message)
