"""Zendesk as a destination: who writes a record, what became of those in flight, what can be asked beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import httpx

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import RecordRejected
from zcc_pipeline.domain.parts import in_parts
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
from zcc_pipeline.exports.session import CrmRefused, CrmSession, OverSession
from zcc_pipeline.exports.together import together
from zcc_pipeline.exports.zendesk import api as paths
from zcc_pipeline.exports.zendesk import schema
from zcc_pipeline.exports.zendesk.answers import classify
from zcc_pipeline.exports.zendesk.api import Json, ZendeskApi
from zcc_pipeline.exports.zendesk.batches import ROWS_PER_JOB, JobRunner
from zcc_pipeline.exports.zendesk.checks import examine
from zcc_pipeline.exports.zendesk.comments import missing_pieces, pieces_of
from zcc_pipeline.exports.zendesk.config import ZendeskConfig
from zcc_pipeline.exports.zendesk.jobs import JobWatch
from zcc_pipeline.exports.zendesk.lookups import USER, PeopleLookup, TicketLookup
from zcc_pipeline.exports.zendesk.options import TICKET, CustomObjectOptions, TicketOptions
from zcc_pipeline.exports.zendesk.queries import custom_field_query, is_plain_value
from zcc_pipeline.exports.zendesk.records import RecordWriter
from zcc_pipeline.exports.zendesk.rows import CUSTOM, changes, ticket_row, voice_comment
from zcc_pipeline.exports.zendesk.tickets import TicketWriter

_PATIENCE_SECONDS = 300.0
"""How long jobs of an earlier run are waited for before their records are left to the next one."""


class ZendeskDestination(OverSession):
    """One Zendesk account."""

    name = "zendesk"

    def __init__(
        self,
        config: ZendeskConfig,
        mapping: CrmMapping,
        *,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """``transport`` is for tests only. ``ConfigurationError`` where options in the mapping are wrong."""
        self.batch_size = ROWS_PER_JOB * config.jobs_at_once
        self._config = config
        self._section = mapping.section
        targets = mapping.section.targets
        self._tickets = {
            name: mapping.options(name, TicketOptions) for name, each in targets.items() if each.object == TICKET
        }
        self._records = {
            name: mapping.options(name, CustomObjectOptions) for name in targets if name not in self._tickets
        }
        self.limits: dict[str, str] = {}
        self.session = CrmSession(
            config.session(),
            tokens=config.tokens(clock),
            classify=classify,
            clock=clock,
            observe=self._observe,
            transport=transport,
        )
        self._api = ZendeskApi(self.session)
        self._jobs = JobWatch(self._api, config, clock)
        self._lookup = TicketLookup(self._api)
        self._people = PeopleLookup(self._api)
        runner = JobRunner(self._jobs)
        self._ticket_writer = TicketWriter(self._api, runner, self._lookup, self._people, self._tickets)
        self._record_writer = RecordWriter(self._api, runner, self._records)

    async def examine(self) -> Sequence[Check]:
        """Credentials, role, custom objects, limits left."""
        return await examine(self._api, self._config, self._section, self.limits)

    async def validate(self) -> Sequence[MappingProblem]:
        """The mapping against ticket fields and custom objects."""
        return await schema.validate(self._api, self._section, self._tickets, self._records)

    async def set_up(self) -> Sequence[SetupStep]:
        """Custom objects with their fields."""
        return await schema.set_up(self._api, self._section, self._records)

    async def find_customers(self, wanted: Sequence[CustomerKeys]) -> Mapping[CustomerKeys, Sequence[Customer]]:
        """End users by e-mail address, else by phone."""
        return await self._people.customers(wanted)

    async def create_customer(self, keys: CustomerKeys, name: str | None) -> Customer:
        """A verified end user, to whom no mail goes. Found again by e-mail, or by an external id made of the number:
        search does not know new users for minutes."""
        user: Json = {
            "name": name or keys.email or f"Caller: {(keys.phone or '').removeprefix('+')}",
            "role": "end-user",
            "skip_verify_email": True,
        }
        if keys.email:
            user["email"] = keys.email
        if keys.phone:
            user["phone"] = keys.phone
        if keys.phone and not keys.email:
            user["external_id"] = f"zcc:{keys.phone}"
        try:
            made = await self._api.create_or_update_user(user)
        except CrmRefused as refused:
            raise RecordRejected(refused.message or str(refused)) from None
        return Customer(USER, str(made["id"]))

    async def find_owners(self, emails: Sequence[str]) -> Mapping[str, str]:
        """Agents and administrators."""
        return await self._people.agents(emails)

    async def find_logged(self, wanted: Sequence[Outgoing]) -> Mapping[str, RemoteRef]:
        """Tickets of the connector, by external id (consistent) or by a custom field (by search, minutes behind)."""
        lookup = self._section.coexistence.lookup
        if lookup is None or not wanted:
            return {}
        values = {one.engagement_id: one.logged_as for one in wanted if one.logged_as}
        if lookup.field == schema.KEY:
            by_value = await self._lookup.find(list(dict.fromkeys(values.values())))
        else:
            plain = list(dict.fromkeys(each for each in values.values() if is_plain_value(each)))
            field_id = lookup.field.removeprefix(CUSTOM)
            answers = await together(self._api.search(custom_field_query(field_id, [each])) for each in plain)
            by_value = {
                value: [ticket for ticket in found if _has_value(ticket, field_id, value)]
                for value, found in zip(plain, answers, strict=True)
            }
        return {
            each: RemoteRef(TICKET, str(by_value[value][0]["id"]))
            for each, value in values.items()
            if by_value.get(value)
        }

    async def resolve(self, flights: Sequence[InFlight]) -> Mapping[str, Outcome]:
        """Once no job can be at work on them any more, by look-up. A row that was sent and whose job nobody wrote down
        may still be waiting in one: then all jobs of the account have to be over."""
        named = {flight.job_id: 0 for flight in flights if flight.job_id}
        ended = await self._jobs.wait(named, patience=_PATIENCE_SECONDS) if named else {}
        is_quiet = True
        if any(flight.job_id is None for flight in flights):
            is_quiet = await self._jobs.wait_for_all(patience=_PATIENCE_SECONDS)
        over = [flight for flight in flights if (ended[flight.job_id].is_over if flight.job_id else is_quiet)]
        found = await self._find([flight for flight in over if flight.remote is None])
        outcomes = {
            flight.engagement_id: Outcome(flight.engagement_id, Status.UNKNOWN, flight.remote, code="job_unfinished")
            for flight in flights
        }
        for flight in over:
            ref = flight.remote or found.get(flight.engagement_id)
            status, code = (Status.CREATED, "") if ref else (Status.FAILED_RETRYABLE, "never_arrived")
            outcomes[flight.engagement_id] = Outcome(flight.engagement_id, status, ref, code=code)
        return outcomes

    async def write(self, batch: Sequence[Addressed], log: WriteLog) -> Sequence[Outcome]:
        """Tickets and records, each by its writer."""
        tickets = [one for one in batch if _is_ticket(one)]
        records = [one for one in batch if not _is_ticket(one)]
        outcomes = await self._ticket_writer.write(tickets, log) if tickets else []
        return outcomes + (await self._record_writer.write(records, log) if records else [])

    def preview(self, one: Addressed) -> Sequence[PreparedRequest]:
        """What would be sent. Tokens of uploads and ids of authors are known only then."""
        if not _is_ticket(one):
            body: Json = {
                "job": {"action": "create_or_update_by_external_id", "items": [self._record_writer.item(one)]}
            }
            return [self._request("POST", f"/api/v2/custom_objects/{one.outgoing.object}/jobs", body)]
        look_up = self._request("GET", paths.TICKETS_PATH, None, {"external_id": one.outgoing.engagement_id})
        options = self._ticket_writer.options_of(one)
        if one.remote is not None:
            return [self._update_request(one, options)]
        if options.create == "import":
            body = {"tickets": [self._ticket_writer.row_for_preview(one)]}
            return [look_up, self._request("POST", paths.IMPORT_PATH, body, {"archive_immediately": "false"})]
        row = ticket_row(one, options)
        if options.create == "voice":
            row["voice_comment"] = voice_comment(one, row.get("via_id"))
            return [look_up, self._request("POST", paths.VOICE_PATH, {"ticket": row})]
        row["comment"] = self._ticket_writer.row_for_preview(one)["comments"][0]
        return [look_up, self._request("POST", paths.TICKETS_PATH, {"ticket": row})]

    def usage(self) -> Usage:
        """Zendesk counts by the minute only."""
        return self.session.usage()

    def _update_request(self, one: Addressed, options: TicketOptions) -> PreparedRequest:
        """As if nothing of it stood there yet."""
        row: Json = {"id": int(one.remote.id) if one.remote else 0, **changes(one, {}, options)}
        left = missing_pieces(pieces_of(one.outgoing, one.fields, options), one.written, options)
        if left and not one.is_enriching:
            comments = {piece.key: index for index, piece in enumerate(pieces_of(one.outgoing, one.fields, options))}
            row["comment"] = self._ticket_writer.row_for_preview(one)["comments"][comments[left[0].key]]
        return self._request("PUT", paths.UPDATE_PATH, {"tickets": [row]})

    def _request(
        self,
        method: str,
        path: str,
        body: Json | None,
        params: Mapping[str, str] | None = None,
    ) -> PreparedRequest:
        url = self.session.address(path) + (f"?{urlencode(params)}" if params else "")
        accept = {"Accept": "application/json"}
        if body is None:
            return PreparedRequest(method, url, accept, "")
        return PreparedRequest.of_json(method, url, body, {**accept, **JSON_HEADERS})

    async def _find(self, flights: Sequence[InFlight]) -> dict[str, RemoteRef]:
        """Where they are, if they are; without their mapping they are looked for everywhere."""
        objects = {each.object for each in schema.used_targets(self._section).values()}
        found: dict[str, RemoteRef] = {}
        for name in sorted(objects | {flight.outgoing.object for flight in flights if flight.outgoing}):
            ids = [
                flight.engagement_id
                for flight in flights
                if flight.engagement_id not in found and (flight.outgoing is None or flight.outgoing.object == name)
            ]
            if name == TICKET:
                tickets = await self._lookup.find(ids)
                found |= {each: RemoteRef(TICKET, str(those[0]["id"])) for each, those in tickets.items()}
            elif ids:
                for chunk in in_parts(ids, ROWS_PER_JOB):
                    records = await self._record_writer.find(name, chunk)
                    found |= {each: RemoteRef(name, record_id) for each, record_id in records.items()}
        return found

    def _observe(self, response: httpx.Response) -> None:
        for name in ("x-rate-limit", "x-rate-limit-remaining"):
            if name in response.headers:
                self.limits[name] = response.headers[name]


def _has_value(ticket: Json, field_id: str, value: str) -> bool:
    """Search finds words inside of a value; only the whole value is a match."""
    fields = ticket.get("custom_fields") or []
    return any(str(each.get("id")) == field_id and str(each.get("value")) == value for each in fields)


def _is_ticket(one: Addressed) -> bool:
    return one.is_enriching or one.outgoing.object == TICKET
