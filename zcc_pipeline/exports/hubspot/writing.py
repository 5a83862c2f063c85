"""Writes a batch: files first, then the records, then their links; and the outcome of each record from all three."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from zcc_pipeline.domain.errors import NotFound, QuotaExhausted, TransientError
from zcc_pipeline.exports.destination import Addressed, WriteLog
from zcc_pipeline.exports.hubspot.attachments import IDS_PROPERTY, Uploaded, Uploader, attached, merged
from zcc_pipeline.exports.hubspot.batches import BatchWriter, Input, NotWritten, Result, Written
from zcc_pipeline.exports.hubspot.client import HubSpotClient
from zcc_pipeline.exports.hubspot.metadata import Property, lacks_required, looks_wrong
from zcc_pipeline.exports.hubspot.values import as_texts
from zcc_pipeline.exports.outcomes import Outcome, RemoteRef, Status
from zcc_pipeline.exports.session import CrmRefused

_OWNER = "hubspot_owner_id"
_FROM, _TO, _DIRECTION = "hs_call_from_number", "hs_call_to_number", "hs_call_direction"

Load = Callable[[str], Awaitable[Mapping[str, Property] | None]]


@dataclass(slots=True)
class Job:
    """One record on its way through a write."""

    one: Addressed
    uploaded: Uploaded = field(default_factory=lambda: Uploaded({}))
    properties: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The engagement id."""
        return self.one.outgoing.engagement_id


class Writer:
    """Writes into one account."""

    def __init__(self, client: HubSpotClient, load: Load) -> None:
        """``load`` gives the property definitions of an object type."""
        self._client = client
        self._load = load
        self._uploader = Uploader(client)

    async def write(self, batch: Sequence[Addressed], log: WriteLog) -> Sequence[Outcome]:
        """Upload files, upsert by object type, link contacts, and answer for each."""
        outcomes: list[Outcome] = []
        groups: dict[tuple[str, str, bool], list[Job]] = {}
        for one in batch:
            if one.remote is not None and one.remote.object != one.outgoing.object and not one.is_enriching:
                outcomes.append(_moved(one, one.remote))
            else:
                object_type = one.remote.object if one.is_enriching and one.remote else one.outgoing.object
                groups.setdefault((object_type, one.outgoing.key_field, one.is_enriching), []).append(Job(one))
        for (object_type, _, is_enriching), jobs in groups.items():
            outcomes += await self._write_group(object_type, jobs, log, is_enriching=is_enriching)
        return outcomes

    async def _write_group(
        self, object_type: str, jobs: Sequence[Job], log: WriteLog, *, is_enriching: bool
    ) -> list[Outcome]:
        for job in jobs:
            job.uploaded = await self._uploader.upload(job.one, log)
        try:
            there = await self._attachments_of(object_type, jobs)
            known = await self._load(object_type) or {}
        except QuotaExhausted:
            raise
        except TransientError:
            # Nothing was sent; files that were uploaded are found again by their names.
            return [Outcome(job.key, Status.FAILED_RETRYABLE, job.one.remote, "unavailable") for job in jobs]
        for job in jobs:
            job.properties = properties_of(job, there.get(job.key))
        wanted = frozenset(job.key for job in jobs)
        if is_enriching:
            writer = BatchWriter(
                lambda inputs: self._client.update(object_type, inputs), id_property=None, wanted=wanted
            )
        else:
            key = jobs[0].one.outgoing.key_field
            writer = BatchWriter(
                lambda inputs: self._client.upsert(object_type, inputs), id_property=key, wanted=wanted
            )
        results = await writer.write([input_of(job, known, is_enriching=is_enriching) for job in jobs])
        links = await self._link(object_type, jobs, results)
        return [self._outcome(object_type, job, results.get(job.key), links.get(job.key), log) for job in jobs]

    async def _attachments_of(self, object_type: str, jobs: Sequence[Job]) -> dict[str, str | None]:
        """What is attached already to records that get another file: read, so that nothing is taken off."""
        wanted = [job for job in jobs if job.uploaded.ids and (job.one.remote is not None or job.one.unsure)]
        if not wanted:
            return {}
        key = wanted[0].one.outgoing.key_field
        records = await self._client.read(
            object_type, [job.key for job in wanted], id_property=key, properties=[key, IDS_PROPERTY]
        )
        return {str((record.get("properties") or {}).get(key)): attached(record) for record in records}

    async def _link(
        self, object_type: str, jobs: Sequence[Job], results: Mapping[str, Result]
    ) -> dict[str, NotWritten]:
        """Link what was written to its contact. Returns the links that failed."""
        pairs = {
            job.key: (result.id, job.one.customer.id)
            for job in jobs
            if isinstance(result := results.get(job.key), Written)
            and job.one.customer is not None
            and not job.one.is_enriching
        }
        if not pairs:
            return {}
        try:
            answer = await self._client.associate(object_type, list(pairs.values()))
        except (CrmRefused, NotFound) as refused:
            if len(pairs) == 1:
                words = refused.message if isinstance(refused, CrmRefused) else "not found"
                return {next(iter(pairs)): NotWritten(Status.FAILED_PERMANENT, "link_refused", words)}
            failed: dict[str, NotWritten] = {}
            for job in (job for job in jobs if job.key in pairs):
                failed |= await self._link(object_type, [job], results)
            return failed
        except QuotaExhausted:
            raise
        except TransientError:
            # Linking twice does no harm: it comes again with the record.
            return {key: NotWritten(Status.FAILED_RETRYABLE, "link_not_sent") for key in pairs}
        errors = [each for each in answer.get("errors") or () if isinstance(each, dict)]
        if not errors:
            return {}
        made = {(_end(each, "from"), _end(each, "to")) for each in answer.get("results") or ()}
        words = "; ".join(str(each.get("message")) for each in errors)
        return {
            key: NotWritten(Status.FAILED_PERMANENT, "link_refused", words)
            for key, pair in pairs.items()
            if pair not in made
        }

    def _outcome(
        self, object_type: str, job: Job, result: Result | None, link: NotWritten | None, log: WriteLog
    ) -> Outcome:
        if not isinstance(result, Written):
            failed = result or NotWritten(Status.UNKNOWN, "not_mentioned")
            return Outcome(job.key, failed.status, job.one.remote, failed.code, failed.message)
        remote = RemoteRef(object_type, result.id)
        for key, file_id in job.uploaded.ids.items():
            log.done(job.key, key, file_id)
        problem = job.uploaded.problem or link
        if problem is not None:
            return Outcome(job.key, problem.status, remote, problem.code, problem.message)
        return Outcome(job.key, Status.CREATED if result.is_new else Status.UPDATED, remote)


def properties_of(job: Job, there: str | None) -> dict[str, str]:
    """What is sent for a record; ``there`` are the files that it has already."""
    one = job.one
    is_new = one.remote is None and not one.unsure
    properties = as_texts(one.fields, is_new=is_new)
    if one.is_enriching:
        return properties
    properties[one.outgoing.key_field] = job.key
    if one.owner_id is not None:
        properties[_OWNER] = one.owner_id
    if job.uploaded.ids:
        properties[IDS_PROPERTY] = merged(there, job.uploaded.ids)
    if one.outgoing.options.get("numbers_follow_direction") and properties.get(_DIRECTION) == "OUTBOUND":
        swapped = {_FROM: properties.pop(_TO, None), _TO: properties.pop(_FROM, None)}
        properties |= {name: value for name, value in swapped.items() if value is not None}
    return properties


def input_of(job: Job, known: Mapping[str, Property], *, is_enriching: bool) -> Input:
    """The record as one input of a batch."""
    one = job.one
    if is_enriching and one.remote:
        return Input(job.key, one.remote.id, job.properties, looks_wrong(job.properties, known))
    is_new = one.remote is None and not one.unsure
    is_suspect = looks_wrong(job.properties, known) or lacks_required(
        one.outgoing.object, job.properties, is_new=is_new
    )
    return Input(job.key, job.key, job.properties, is_suspect)


def _moved(one: Addressed, remote: RemoteRef) -> Outcome:
    """An engagement stays the record it is: a second one under another object type would be a duplicate."""
    words = f"it is one of {remote.object} in HubSpot; the mapping now says {one.outgoing.object}"
    return Outcome(one.outgoing.engagement_id, Status.FAILED_PERMANENT, remote, "other_object", words)


def _end(link: Any, name: str) -> str:  # noqa: ANN401 JSON
    end = link.get(name) if isinstance(link, dict) else None
    return str(end.get("id")) if isinstance(end, dict) else ""
