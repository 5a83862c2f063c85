"""HubSpot as a destination: calls, communications and notes by channel, upserted by a unique property.

```
files ─► upsert (≤100, by engagement id) ─► associate with contacts ─► outcomes
private, once     results in any order,          default kind,
                  207, halving on 400            may be repeated
```

Every step may be repeated: the upsert goes by key, associations stay as they are, files are looked up before they are
sent again. So a record whose fate is unknown is simply read by its key in the next run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import httpx

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import ConfigurationError, RecordRejected
from zcc_pipeline.exports.destination import (
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
from zcc_pipeline.exports.hubspot.checking import find_problems, make_missing
from zcc_pipeline.exports.hubspot.client import MOST_INPUTS, HubSpotClient
from zcc_pipeline.exports.hubspot.config import HubSpotConfig
from zcc_pipeline.exports.hubspot.examination import examine, first_line
from zcc_pipeline.exports.hubspot.metadata import Property, read_properties
from zcc_pipeline.exports.hubspot.preview import prepare
from zcc_pipeline.exports.hubspot.queries import CONTACTS, ContactFinder, find_by_value
from zcc_pipeline.exports.hubspot.writing import Writer
from zcc_pipeline.exports.mapping import CrmMapping
from zcc_pipeline.exports.outcomes import Outcome, RemoteRef, Status
from zcc_pipeline.exports.session import CrmRefused, OutcomeUnknown, OverSession


class HubSpotDestination(OverSession):
    """One account. Use as an async context manager."""

    name = "hubspot"
    batch_size = MOST_INPUTS

    def __init__(
        self,
        config: HubSpotConfig,
        mapping: CrmMapping,
        *,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """``transport`` is for tests only."""
        self._mapping = mapping
        self._clock = clock
        self._client = HubSpotClient(config, clock=clock, transport=transport)
        self.session = self._client.session
        self._writer = Writer(self._client, self._load)
        self._metadata: dict[str, dict[str, Property] | None] = {}
        self._owners: dict[str, str] | None = None

    # Before anything is written

    async def examine(self) -> Sequence[Check]:
        """The key and its scopes, the version, the unique properties, the day's limit."""
        keys = {target.object: target.key for target in self._mapping.section.targets.values()}
        return [check async for check in examine(self._client, keys, self._load_all, self._clock.now())]

    async def validate(self) -> Sequence[MappingProblem]:
        """The mapping against the property definitions of every object that it names."""
        return list(find_problems(self._mapping, await self._load_all()))

    async def set_up(self) -> Sequence[SetupStep]:
        """Make the property group, the unique keys and the other properties of our own."""
        steps: list[SetupStep] = []
        for target in self._mapping.section.targets.values():
            self._metadata.pop(target.object, None)
            known = await self._load(target.object)
            if known is None:
                steps.append(SetupStep(target.object, False, "HubSpot has no such object type: correct the mapping"))
                continue
            try:
                steps += await make_missing(self._client, target, known)
            except ConfigurationError as error:
                steps.append(
                    SetupStep(
                        f"{target.object}: properties", False, f"{first_line(error)}; needs crm.schemas.contacts.write"
                    )
                )
            except CrmRefused as refused:
                steps.append(SetupStep(f"{target.object}: properties", False, f"HubSpot refuses: {refused.message}"))
            self._metadata.pop(target.object, None)
        return steps

    # Whom it belongs to

    async def find_customers(self, wanted: Sequence[CustomerKeys]) -> Mapping[CustomerKeys, Sequence[Customer]]:
        """Contacts, by e-mail at once, by phone within the search's own limit."""
        known = await self._load(CONTACTS)
        finder = ContactFinder(self._client, contact_properties=frozenset(known or ()))
        return await finder.find(wanted)

    async def create_customer(self, keys: CustomerKeys, name: str | None) -> Customer:
        """A contact: by e-mail as an upsert, which may be repeated; without one, sent once."""
        first, _, last = (name or "").strip().rpartition(" ")
        found = {"email": keys.email, "phone": keys.phone, "firstname": first, "lastname": last}
        properties = {name: value for name, value in found.items() if value}
        try:
            if keys.email:
                one = {"id": keys.email, "idProperty": "email", "properties": properties}
                results = (await self._client.upsert(CONTACTS, [one])).get("results")
                made = results[0] if isinstance(results, list) and results else {}
            else:
                made = await self._client.create(CONTACTS, properties)
        except CrmRefused as refused:
            raise RecordRejected(refused.message or str(refused)) from None
        if not isinstance(made, dict) or not isinstance(made.get("id"), str):
            raise OutcomeUnknown("create a contact: no id in the answer")
        return Customer(CONTACTS, made["id"])

    async def find_owners(self, emails: Sequence[str]) -> Mapping[str, str]:
        """Ids of owners; the list is read once a run."""
        if not emails:
            return {}
        if self._owners is None:
            owners = [owner async for owner in self._client.owners()]
            self._owners = {str(each["email"]).lower(): str(each["id"]) for each in owners if each.get("email")}
        found = {email: self._owners.get(email.lower()) for email in emails}
        return {email: owner for email, owner in found.items() if owner is not None}

    async def find_logged(self, wanted: Sequence[Outgoing]) -> Mapping[str, RemoteRef]:
        """Records of which the look-up property holds what the mapping says, unless they are our own."""
        lookup = self._mapping.section.coexistence.lookup
        by_value: dict[str, list[str]] = {}
        for one in wanted:
            if one.logged_as:
                by_value.setdefault(one.logged_as.lower(), []).append(one.engagement_id)
        if lookup is None or not by_value:
            return {}
        known = await self._load(lookup.object) or {}
        targets = self._mapping.section.targets.values()
        own = [target.key for target in targets if target.object == lookup.object and target.key in known]
        is_unique = lookup.field in known and known[lookup.field].is_unique
        values = [one.logged_as for one in wanted if one.logged_as]
        found: dict[str, RemoteRef] = {}
        for record in await find_by_value(
            self._client, lookup.object, lookup.field, values, is_unique=is_unique, also=own
        ):
            properties = record.get("properties") or {}
            if record.get("id") and not any(properties.get(name) for name in own):
                for engagement_id in by_value.get(str(properties.get(lookup.field) or "").lower(), ()):
                    found.setdefault(engagement_id, RemoteRef(lookup.object, str(record["id"])))
        return found

    # Writing

    async def resolve(self, flights: Sequence[InFlight]) -> Mapping[str, Outcome]:
        """Read the records themselves by their key; the search index would lag behind."""
        found: dict[str, RemoteRef] = {}
        for object_type, key in {
            target.object: target.key for target in self._mapping.section.targets.values()
        }.items():
            ids = [each.engagement_id for each in flights if _may_be_in(each, object_type)]
            if ids and key in (await self._load(object_type) or {}):
                for record in await self._client.read(object_type, ids, id_property=key, properties=[key]):
                    engagement_id = (record.get("properties") or {}).get(key)
                    if isinstance(engagement_id, str):
                        found[engagement_id] = RemoteRef(object_type, str(record.get("id")))
        return {each.engagement_id: _resolved(each, found.get(each.engagement_id)) for each in flights}

    async def write(self, batch: Sequence[Addressed], log: WriteLog) -> Sequence[Outcome]:
        """Upload files, upsert by object type, link contacts, and answer for each."""
        return await self._writer.write(batch, log)

    def preview(self, one: Addressed) -> Sequence[PreparedRequest]:
        """Uploads, the upsert, and the association, as they would be sent for this record alone."""
        return prepare(self._client, one)

    def usage(self) -> Usage:
        """Calls, and what the day's headers said last."""
        quota = self._client.quota
        used = quota.limit - quota.left if quota.limit is not None and quota.left is not None else None
        return self.session.usage(used, quota.limit)

    # What HubSpot says of its properties

    async def _load_all(self) -> dict[str, dict[str, Property] | None]:
        section = self._mapping.section
        lookup = section.coexistence.lookup
        wanted = [target.object for target in section.targets.values()] + ([lookup.object] if lookup else [])
        return {object_type: await self._load(object_type) for object_type in dict.fromkeys(wanted)}

    async def _load(self, object_type: str) -> dict[str, Property] | None:
        if object_type not in self._metadata:
            found = await self._client.properties(object_type)
            self._metadata[object_type] = None if found is None else read_properties(found)
        return self._metadata[object_type]


def _may_be_in(flight: InFlight, object_type: str) -> bool:
    if flight.remote is not None:
        return flight.remote.object == object_type
    return flight.outgoing is None or flight.outgoing.object == object_type


def _resolved(flight: InFlight, remote: RemoteRef | None) -> Outcome:
    if remote is not None:
        return Outcome(flight.engagement_id, Status.CREATED, remote)
    return Outcome(flight.engagement_id, Status.FAILED_RETRYABLE, None, "not_there")
