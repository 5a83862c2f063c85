"""Salesforce as a destination: upserts by external id, so nothing is there twice whatever was lost on the way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import httpx

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.exports.calls import Call
from zcc_pipeline.exports.destination import (
    JSON_HEADERS,
    Addressed,
    Check,
    Customer,
    CustomerKeys,
    InFlight,
    MappingProblem,
    Outgoing,
    PreparedRequest,
    SetupStep,
    Usage,
    WriteLog,
)
from zcc_pipeline.exports.mapping import CrmMapping
from zcc_pipeline.exports.outcomes import Outcome, RemoteRef, Status
from zcc_pipeline.exports.salesforce import examining
from zcc_pipeline.exports.salesforce.client import SalesforceClient
from zcc_pipeline.exports.salesforce.config import SalesforceConfig
from zcc_pipeline.exports.salesforce.jobs import Jobs
from zcc_pipeline.exports.salesforce.options import SalesforceOptions
from zcc_pipeline.exports.salesforce.people import People
from zcc_pipeline.exports.salesforce.queries import any_of
from zcc_pipeline.exports.salesforce.rows import enriching_row, record_row
from zcc_pipeline.exports.salesforce.writing import Writer
from zcc_pipeline.exports.session import OverSession


class SalesforceDestination(OverSession):
    """One org. An async context manager; all calls within one event loop."""

    name = "salesforce"

    def __init__(
        self,
        config: SalesforceConfig,
        mapping: CrmMapping,
        *,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """``transport`` is for tests only. ``ConfigurationError`` where credentials cannot be used or options in the
        mapping are wrong."""
        self.batch_size = config.rows_per_write
        self._mapping = mapping
        self._options = {name: mapping.options(name, SalesforceOptions) for name in mapping.section.targets}
        self._client = SalesforceClient(config, clock=clock, transport=transport)
        self.session = self._client.session
        self._jobs = Jobs(self._client, clock=clock)
        self._people = People(
            self._client, with_leads=any(each.lead_field is not None for each in self._options.values())
        )
        self._writer = Writer(self._client, options=self._options, clock=clock)

    async def examine(self) -> Sequence[Check]:
        """Credentials, permissions, the unique key field, limits left. Writes nothing."""
        return await examining.examine(self._client, self._mapping, self._options)

    async def validate(self) -> Sequence[MappingProblem]:
        """The mapping against ``describe`` of each object that it touches."""
        return await examining.find_problems(self._client, self._mapping, self._options)

    async def set_up(self) -> Sequence[SetupStep]:
        """What an administrator has to do; nothing of it can be done through this API."""
        return await examining.describe_set_up(self._client, self._mapping, self._options)

    async def find_customers(self, wanted: Sequence[CustomerKeys]) -> Mapping[CustomerKeys, Sequence[Customer]]:
        """Contacts, then leads that are not converted; by e-mail address, then by phone."""
        return await self._people.find_customers(wanted)

    async def create_customer(self, keys: CustomerKeys, name: str | None) -> Customer:
        """A new contact without an account."""
        return await self._people.create_customer(keys, name)

    async def find_owners(self, emails: Sequence[str]) -> Mapping[str, str]:
        """Active standard users."""
        return await self._people.find_owners(emails)

    async def find_logged(self, wanted: Sequence[Outgoing]) -> Mapping[str, RemoteRef]:
        """Records of another program that hold the engagement's value in the look-up field, letter by letter: the
        query itself does not tell cases apart. Of several the oldest."""
        lookup = self._mapping.section.coexistence.lookup
        if lookup is None:
            return {}
        by_value: dict[str, list[str]] = defaultdict(list)
        for outgoing in wanted:
            if outgoing.logged_as is not None:
                by_value[outgoing.logged_as].append(outgoing.engagement_id)
        found: dict[str, str] = {}
        for condition in any_of({lookup.field: by_value}):
            for record in await self._client.query(("Id", lookup.field), lookup.object, condition):
                value, record_id = str(record.get(lookup.field)), str(record["Id"])
                found[value] = min(found.get(value, record_id), record_id)
        return {
            engagement_id: RemoteRef(lookup.object, record_id)
            for value, record_id in found.items()
            for engagement_id in by_value.get(value, ())
        }

    async def resolve(self, flights: Sequence[InFlight]) -> Mapping[str, Outcome]:
        """From their job where they had one, else by key. A record that the ledger knows is there: an upsert by key
        may be sent again whatever became of the last one."""
        outcomes: dict[str, Outcome] = {}
        carried: dict[str, list[InFlight]] = defaultdict(list)
        for flight in flights:
            if flight.remote is not None:
                outcomes[flight.engagement_id] = Outcome(flight.engagement_id, Status.CREATED, flight.remote)
            elif flight.job_id is not None:
                carried[flight.job_id].append(flight)
        for job_id, group in carried.items():
            outcomes |= await self._resolve_job(job_id, group)
        rest = [flight for flight in flights if flight.engagement_id not in outcomes]
        return outcomes | await self._resolve_by_key(rest)

    async def write(self, batch: Sequence[Addressed], log: WriteLog) -> Sequence[Outcome]:
        """Collections of 200, or a Bulk job for 2,000 rows and more; then tasks and files."""
        return await self._writer.write(batch, log)

    def preview(self, one: Addressed) -> Sequence[PreparedRequest]:
        """The upsert of this one record, and its files. (In company a record may travel in a Bulk job instead.)"""
        outgoing = one.outgoing
        info = self._client.described(outgoing.object)
        if one.is_enriching and one.remote is not None:
            return [self._shown(self._client.update_call(one.remote.object, [enriching_row(one, one.remote.id, info)]))]
        row = record_row(one, self._options[outgoing.target], info)
        requests = [self._shown(self._client.upsert_call(outgoing.object, outgoing.key_field, [row]))]
        record_id = one.remote.id if one.remote is not None else "<id of the record>"
        for attachment in outgoing.attachments:
            if attachment.key not in one.written:
                size = f"<{attachment.file_name}, {attachment.size_bytes:,} bytes>"
                requests.append(self._shown(self._client.upload_call(attachment, record_id), size))
        return requests

    def usage(self) -> Usage:
        """Calls of this run, and of the org within 24 hours."""
        return self._client.usage()

    async def _resolve_job(self, job_id: str, flights: Sequence[InFlight]) -> dict[str, Outcome]:
        keys = tuple({target.key for target in self._mapping.section.targets.values()})
        results = await self._jobs.results(job_id, keys) or {}
        outcomes = {}
        for flight in flights:
            result = results.get(flight.engagement_id)
            if result is None:
                continue  # asked for by key
            if result.id is not None:
                remote = RemoteRef(self._object_of(flight), result.id)
                outcomes[flight.engagement_id] = Outcome(flight.engagement_id, Status.CREATED, remote)
            elif result.problem is not None:
                code = result.problem.code
                outcomes[flight.engagement_id] = Outcome(flight.engagement_id, Status.FAILED_RETRYABLE, code=code)
        return outcomes

    async def _resolve_by_key(self, flights: Sequence[InFlight]) -> dict[str, Outcome]:
        places: dict[tuple[str, str], list[str]] = defaultdict(list)
        for flight in flights:
            for place in self._places_of(flight):
                places[place].append(flight.engagement_id)
        there: dict[str, RemoteRef] = {}
        for (source, key), ids in places.items():
            for condition in any_of({key: ids}):
                for record in await self._client.query(("Id", key), source, condition):
                    there[str(record.get(key))] = RemoteRef(source, str(record["Id"]))
        return {
            flight.engagement_id: Outcome(flight.engagement_id, Status.CREATED, there[flight.engagement_id])
            if flight.engagement_id in there
            else Outcome(flight.engagement_id, Status.FAILED_RETRYABLE, code="NOT_FOUND")
            for flight in flights
        }

    def _places_of(self, flight: InFlight) -> set[tuple[str, str]]:
        if flight.outgoing is not None:
            return {(flight.outgoing.object, flight.outgoing.key_field)}
        return {(target.object, target.key) for target in self._mapping.section.targets.values()}

    def _object_of(self, flight: InFlight) -> str:
        return next(iter(sorted(self._places_of(flight))))[0]

    def _shown(self, call: Call, file: str = "") -> PreparedRequest:
        url, headers = self.session.address(call.path), {**JSON_HEADERS, **call.headers}
        if call.json is None:
            return PreparedRequest(call.method, url, headers, file)
        return PreparedRequest.of_json(call.method, url, call.json, headers)
