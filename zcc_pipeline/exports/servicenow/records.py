"""Records into the instance: by import set, or row by row where there is none; and where a record is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import ConfigurationError, PermanentError, QuotaExhausted, TransientError
from zcc_pipeline.exports.destination import Addressed, WriteLog
from zcc_pipeline.exports.mapping import SETTING
from zcc_pipeline.exports.outcomes import Outcome, RemoteRef, Status
from zcc_pipeline.exports.servicenow.client import Client, Item, Reply, Row, listing, table_path
from zcc_pipeline.exports.servicenow.queries import is_searchable, is_sys_id, one_of, packed
from zcc_pipeline.exports.servicenow.values import Shape
from zcc_pipeline.exports.session import OutcomeUnknown, Safety

IMPORTED = {"inserted": Status.CREATED, "updated": Status.UPDATED, "ignored": Status.UNCHANGED}
_FIRST_LOOK_SECONDS = 0.5
_LONGEST_LOOK_SECONDS = 15.0
_STATE_FIELDS = ("sys_import_state", "sys_import_state_comment", "sys_target_sys_id", "sys_target_table")


@dataclass(frozen=True, slots=True)
class Job:
    """Record and how it is written."""

    one: Addressed
    shape: Shape

    @property
    def id(self) -> str:
        """The engagement's."""
        return self.one.outgoing.engagement_id


class Records:
    """Writes records and finds them."""

    def __init__(self, client: Client, clock: Clock, *, import_wait_seconds: float) -> None:
        self._client = client
        self._clock = clock
        self._wait_seconds = import_wait_seconds

    async def write(self, jobs: Sequence[Job], log: WriteLog) -> list[Outcome]:
        """An outcome for each; those that succeeded say where the record is."""
        many, rows, tables, enriching = [], [], [], []
        for job in jobs:
            if job.one.is_enriching:
                enriching.append(job)
            elif job.shape.options.write == "table":
                tables.append(job)
            elif job.shape.options.rows == "insert_multiple" and len(jobs) > 1:
                many.append(job)
            else:
                rows.append(job)
        outcomes = [
            *await self._import_rows(rows),
            *await self._import_sets(many, log),
            *await self._write_tables(tables),
            *await self._enrich(enriching),
        ]
        return await self._with_places(jobs, outcomes)

    async def find(self, wanted: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str], RemoteRef]:
        """Records by object, key column and key; the oldest where several hold the same. Compared to the letter:
        the database does not tell upper from lower case."""
        items, asked = [], []
        for object_, column in dict.fromkeys((object_, column) for object_, column, _ in wanted):
            keys = [key for table, name, key in wanted if (table, name) == (object_, column)]
            for query in packed(one_of(column, keys), extra="^ORDERBYsys_created_on"):
                items.append(listing(object_, query, ("sys_id", column, "sys_class_name")))
                asked.append((object_, column))
        found: dict[tuple[str, str], RemoteRef] = {}
        replies = await self._client.read_all(items, "look records up") if items else []
        for (object_, column), reply in zip(asked, replies, strict=True):
            _raise_if_refused(reply, "look records up")
            for row in reply.rows:
                key, sys_id = row.get(column), row.get("sys_id")
                if isinstance(key, str) and is_sys_id(sys_id):
                    found.setdefault((object_, key), RemoteRef(object_, str(sys_id)))
        return found

    async def staged(self, job_id: str, shape: Shape) -> list[Row]:
        """Rows of an import set, with the engagement's id under ``key``."""
        column = shape.staging_column(shape.key)
        rows = await self._client.rows(
            shape.options.staging, f"sys_import_set={job_id}", (column, *_STATE_FIELDS), limit=1_000
        )
        return [{**row, "key": row.get(column, "")} for row in rows]

    async def _import_rows(self, jobs: Sequence[Job]) -> list[Outcome]:
        if not jobs:
            return []
        replies = await self._client.write_all([import_item(job) for job in jobs], "import rows", Safety.REPEATABLE)
        return [_row_outcome(job, reply) for job, reply in zip(jobs, replies, strict=True)]

    async def _import_sets(self, jobs: Sequence[Job], log: WriteLog) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for staging in dict.fromkeys(job.shape.options.staging for job in jobs):
            some = [job for job in jobs if job.shape.options.staging == staging]
            try:
                outcomes += await self._import_set(staging, some, log)
            except QuotaExhausted:
                raise
            except OutcomeUnknown:
                outcomes += [Outcome(job.id, Status.UNKNOWN, code="no_answer") for job in some]
            except TransientError:
                outcomes += [Outcome(job.id, Status.FAILED_RETRYABLE, code="not_reached") for job in some]
        return outcomes

    async def _import_set(self, staging: str, jobs: Sequence[Job], log: WriteLog) -> list[Outcome]:
        job_id = await self._client.import_many(staging, [job.shape.staged(job.one) for job in jobs])
        if not is_sys_id(job_id):
            raise OutcomeUnknown("import rows: an answer without the import set's id")
        log.job([job.id for job in jobs], job_id)
        rows = await self._await_rows(job_id, jobs[0].shape)
        if rows and not any(row["key"] for row in rows):
            raise ConfigurationError(
                SETTING,
                f"rows: insert_multiple needs a sys_rest_insert_multiple record for {staging} whose column mapping is "
                "'Column name': the rows arrived without their values",
            )
        by_key = {str(row["key"]): row for row in rows}
        return [staged_outcome(job.id, job.shape.object, by_key.get(job.id)) for job in jobs]

    async def _await_rows(self, job_id: str, shape: Shape) -> list[Row]:
        """Transformed later, by default: looked at until nothing is pending or the time is over."""
        ends_at, pause = self._clock.monotonic() + self._wait_seconds, _FIRST_LOOK_SECONDS
        while True:
            rows = await self.staged(job_id, shape)
            is_done = bool(rows) and all(row.get("sys_import_state") not in ("", "pending") for row in rows)
            if is_done or self._clock.monotonic() + pause > ends_at:
                return rows
            await self._clock.sleep(pause)
            pause = min(pause * 2, _LONGEST_LOOK_SECONDS)

    async def _write_tables(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Look-up first; what the ledger knows is trusted until the instance says that it is not there."""
        if not jobs:
            return []
        lost = [job.id for job in jobs if job.one.remote is None and not is_searchable(job.id)]
        jobs = [job for job in jobs if job.id not in lost]
        unplaced = [job for job in jobs if job.one.remote is None]
        places = await self._places(unplaced)
        known = {job.id: job.one.remote or places.get(job.id) for job in jobs}
        outcomes = await self._patch([job for job in jobs if known[job.id]], known)
        gone = {outcome.engagement_id for outcome in outcomes if outcome.code == "no_record"}
        new = [job for job in jobs if known[job.id] is None or job.id in gone]
        inserted = await self._insert(new)
        unsafe = [Outcome(each, Status.FAILED_PERMANENT, code="id_not_searchable") for each in lost]
        return [outcome for outcome in outcomes if outcome.engagement_id not in gone] + inserted + unsafe

    async def _places(self, jobs: Sequence[Job]) -> dict[str, RemoteRef]:
        found = await self.find([(job.shape.object, job.shape.key, job.id) for job in jobs])
        return {job.id: found[job.shape.object, job.id] for job in jobs if (job.shape.object, job.id) in found}

    async def _patch(self, jobs: Sequence[Job], known: Mapping[str, RemoteRef | None]) -> list[Outcome]:
        items, refs = [], []
        for job in jobs:
            ref = known[job.id]
            if ref is not None:
                items.append(update_item(job, ref))
                refs.append((job, ref))
        replies = await self._client.write_all(items, "update records", Safety.REPEATABLE) if items else []
        return [
            Outcome(job.id, Status.UPDATED, ref) if reply.is_success else failed(job.id, reply, ref)
            for (job, ref), reply in zip(refs, replies, strict=True)
        ]

    async def _insert(self, jobs: Sequence[Job]) -> list[Outcome]:
        """An insert that the unique index refuses was overtaken by another one: the record is there, and updated."""
        if not jobs:
            return []
        replies = await self._client.write_all([insert_item(job) for job in jobs], "insert records", Safety.ONCE)
        outcomes = {job.id: _inserted(job, reply) for job, reply in zip(jobs, replies, strict=True)}
        refused = [job for job in jobs if outcomes[job.id].status is Status.FAILED_PERMANENT]
        places = await self._places(refused)
        again = await self._patch([job for job in refused if job.id in places], dict(places))
        return list({**outcomes, **{outcome.engagement_id: outcome for outcome in again}}.values())

    async def _enrich(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Another program's records: if one is gone, it is not ours to make it again."""
        return await self._patch(jobs, {job.id: job.one.remote for job in jobs})

    async def _with_places(self, jobs: Sequence[Job], outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Successes of which the instance did not say where the record is are looked up."""
        lost = {outcome.engagement_id for outcome in outcomes if outcome.status in _DONE and outcome.remote is None}
        if not lost:
            return list(outcomes)
        places = await self._places([job for job in jobs if job.id in lost])
        return [_placed(outcome, places) if outcome.engagement_id in lost else outcome for outcome in outcomes]


_DONE = frozenset({Status.CREATED, Status.UPDATED, Status.UNCHANGED})


def import_item(job: Job) -> Item:
    """One row into the staging table, transformed while we wait."""
    return Item("POST", f"/api/now/import/{job.shape.options.staging}", job.shape.staged(job.one))


def insert_item(job: Job) -> Item:
    """A new row."""
    return Item("POST", table_path(job.shape.object, sysparm_fields="sys_id"), job.shape.values(job.one))


def update_item(job: Job, ref: RemoteRef) -> Item:
    """Columns of a row that is there."""
    return Item("PATCH", table_path(ref.object, ref.id, sysparm_fields="sys_id"), job.shape.values(job.one))


def failed(engagement_id: str, reply: Reply, ref: RemoteRef | None = None) -> Outcome:
    """The outcome of a request that did not succeed; raises where it concerns all of them."""
    if reply.is_unknown:
        return Outcome(engagement_id, Status.UNKNOWN, ref, code="no_answer")
    if reply.may_come_later:
        return Outcome(engagement_id, Status.FAILED_RETRYABLE, ref, code="not_reached")
    error = reply.error
    if error.code == "not_authorized":
        raise PermanentError("servicenow: the integration user may not write there (not_authorized)")
    status = Status.FAILED_RETRYABLE if error.code == "no_record" else Status.FAILED_PERMANENT
    return Outcome(engagement_id, status, ref, error.code, error.message)


def staged_outcome(engagement_id: str, object_: str, row: Row | None) -> Outcome:
    """By a row of the staging table."""
    state = str(row.get("sys_import_state") or "") if row is not None else ""
    if row is None or state in ("", "pending"):
        return Outcome(engagement_id, Status.UNKNOWN, code="import_running")
    return _by_state(
        engagement_id,
        state,
        str(row.get("sys_target_table") or object_),
        row.get("sys_target_sys_id"),
        str(row.get("sys_import_state_comment") or ""),
    )


def _row_outcome(job: Job, reply: Reply) -> Outcome:
    """A row that failed comes with a 2xx as well: what counts is ``result[].status``."""
    if not reply.is_success:
        return failed(job.id, reply)
    results = [each for each in reply.rows if each.get("table") == job.shape.object] or reply.rows
    if not results:
        return Outcome(job.id, Status.UNKNOWN, code="no_result")
    result: Mapping[str, Any] = next((each for each in results if each.get("status") == "error"), results[0])
    message = str(result.get("error_message") or result.get("status_message") or "")
    table = str(result.get("table") or job.shape.object)
    return _by_state(job.id, str(result.get("status") or ""), table, result.get("sys_id"), message)


def _by_state(engagement_id: str, state: str, table: str, sys_id: object, message: str) -> Outcome:
    ref = RemoteRef(table, str(sys_id)) if is_sys_id(sys_id) else None
    status = IMPORTED.get(state)
    if status is not None:
        return Outcome(engagement_id, status, ref, message=message if ref is None else "")
    if "unique key violation" in message.lower():
        return Outcome(engagement_id, Status.FAILED_RETRYABLE, code="unique_violation", message=message)
    code = f"import_{state}" if state in ("error", "skipped") else "import_failed"
    return Outcome(engagement_id, Status.FAILED_PERMANENT, code=code, message=message)


def _inserted(job: Job, reply: Reply) -> Outcome:
    if not reply.is_success:
        return failed(job.id, reply)
    result = reply.body.get("result") if isinstance(reply.body, dict) else None
    sys_id = result.get("sys_id") if isinstance(result, dict) else None
    ref = RemoteRef(job.shape.object, str(sys_id)) if is_sys_id(sys_id) else None
    return Outcome(job.id, Status.CREATED, ref)


def _placed(outcome: Outcome, places: Mapping[str, RemoteRef]) -> Outcome:
    ref = places.get(outcome.engagement_id)
    if ref is not None:
        return Outcome(outcome.engagement_id, outcome.status, ref)
    if not is_searchable(outcome.engagement_id):
        return Outcome(outcome.engagement_id, Status.FAILED_PERMANENT, code="id_not_searchable")
    if outcome.status is Status.UNCHANGED:  # ignored by a script of the transform map, not because it was the same
        return Outcome(outcome.engagement_id, Status.FAILED_PERMANENT, code="import_ignored", message=outcome.message)
    return Outcome(outcome.engagement_id, Status.UNKNOWN, code="not_found_after_write")


def _raise_if_refused(reply: Reply, what: str) -> None:
    if not reply.is_success:
        if reply.may_come_later or reply.is_unknown:
            raise TransientError(f"{what}: {reply.status}")
        raise PermanentError(f"{what}: {reply.status} {reply.error.code}")
