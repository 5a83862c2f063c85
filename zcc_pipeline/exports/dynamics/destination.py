"""Engagements as rows of Dataverse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import httpx

from zcc_pipeline.domain.clock import Clock
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
from zcc_pipeline.exports.dynamics.answers import failed
from zcc_pipeline.exports.dynamics.checking import find_problems
from zcc_pipeline.exports.dynamics.client import DynamicsClient
from zcc_pipeline.exports.dynamics.config import DynamicsConfig
from zcc_pipeline.exports.dynamics.examining import examine
from zcc_pipeline.exports.dynamics.lookups import find_logged, resolve
from zcc_pipeline.exports.dynamics.metadata import Definitions, Table
from zcc_pipeline.exports.dynamics.notes import NoteWriter, Target
from zcc_pipeline.exports.dynamics.options import TargetOptions
from zcc_pipeline.exports.dynamics.people import People
from zcc_pipeline.exports.dynamics.phone_calls import PHONE_CALLS, PhoneCallWriter
from zcc_pipeline.exports.dynamics.preview import preview
from zcc_pipeline.exports.dynamics.rows import Plan, place_of
from zcc_pipeline.exports.dynamics.setup import Setup
from zcc_pipeline.exports.dynamics.table_writing import TableWriter
from zcc_pipeline.exports.mapping import CrmMapping
from zcc_pipeline.exports.outcomes import Outcome, RemoteRef, Status
from zcc_pipeline.exports.session import OverSession

_ELSEWHERE = "It is in another table already: its channel or queue had another target when it was exported first."


class DynamicsDestination(OverSession):
    """One environment. Use as an async context manager."""

    name = "dynamics"

    def __init__(
        self,
        config: DynamicsConfig,
        mapping: CrmMapping,
        *,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """``transport`` is for tests only. ``ConfigurationError`` where a target's options are wrong."""
        self.batch_size = config.batch_size
        self._config = config
        self._section = mapping.section
        self._plans = {
            name: Plan(name, target.object, target.key, mapping.options(name, TargetOptions))
            for name, target in mapping.section.targets.items()
        }
        self._client = DynamicsClient(config, clock=clock, transport=transport)
        self.session = self._client.session
        self._definitions = Definitions(self._client)
        self._people = People(
            self._client,
            email_columns=config.customer_email_columns,
            phone_columns=config.customer_phone_columns,
        )
        self._tables = TableWriter(self._client)
        self._calls = PhoneCallWriter(self._client)
        self._notes = NoteWriter(self._client)

    # Before anything is written

    async def examine(self) -> Sequence[Check]:
        """Sign-in, tables, keys, rights, file size, limits left."""
        return [check async for check in examine(self._client, self._plans, self._definitions, self._section)]

    async def validate(self) -> Sequence[MappingProblem]:
        """The mapping against the definitions of every table that it names."""
        wanted = {plan.logical for plan in self._plans.values()}
        if self._section.coexistence.lookup is not None:
            wanted.add(self._section.coexistence.lookup.object)
        tables: dict[str, Table] = {}
        for logical in sorted(wanted):
            table = await self._definitions.load(logical)
            if table is not None:
                tables[logical] = table
        return list(find_problems(self._section, self._plans, tables))

    async def set_up(self) -> Sequence[SetupStep]:
        """Publisher, solution, tables, columns, look-ups and keys."""
        setup = Setup(self._client, self._definitions)
        for name, plan in self._plans.items():
            await setup.prepare(plan, self._section.targets[name])
        return setup.steps

    # Who and what is there

    async def find_customers(self, wanted: Sequence[CustomerKeys]) -> Mapping[CustomerKeys, Sequence[Customer]]:
        """Active contacts, by e-mail address or else by phone."""
        return await self._people.find_customers(wanted)

    async def create_customer(self, keys: CustomerKeys, name: str | None) -> Customer:
        """A contact, made once however often it is asked for."""
        return await self._people.create_customer(keys, name)

    async def find_owners(self, emails: Sequence[str]) -> Mapping[str, str]:
        """Users who are not disabled, by their primary e-mail address."""
        return await self._people.find_owners(emails)

    async def find_logged(self, wanted: Sequence[Outgoing]) -> Mapping[str, RemoteRef]:
        """Rows of the table that ``coexistence.lookup`` names."""
        lookup = self._section.coexistence.lookup
        table = await self._definitions.load(lookup.object) if lookup is not None else None
        if lookup is None or table is None:
            return {}
        return await find_logged(self._client, table, lookup.field, wanted)

    async def resolve(self, flights: Sequence[InFlight]) -> Mapping[str, Outcome]:
        """Read by key or id: a row is there or it is not."""
        return await resolve(self._client, self._plans, flights)

    # Writing

    async def write(self, batch: Sequence[Addressed], log: WriteLog) -> Sequence[Outcome]:
        """Rows first, then what hangs on them."""
        outcomes = await self._enrich([one for one in batch if one.is_enriching])
        ours = [one for one in batch if not one.is_enriching]
        elsewhere = [one for one in ours if self._is_elsewhere(one)]
        outcomes += [failed(one, Status.FAILED_PERMANENT, "other_object", _ELSEWHERE) for one in elsewhere]
        for name, plan in self._plans.items():
            rows = [one for one in ours if one.outgoing.target == name and not self._is_elsewhere(one)]
            if not rows:
                continue
            if plan.is_phone_call:
                outcomes += await self._write_calls(plan, rows, log)
                continue
            written = await self._tables.write(plan, rows)
            placed = [
                (one, place_of(plan, one.outgoing.engagement_id, one.remote), outcome)
                for one, outcome in zip(rows, written, strict=True)
            ]
            outcomes += await self._notes.add(plan, placed, log)
        return outcomes

    def preview(self, one: Addressed) -> Sequence[PreparedRequest]:
        """The exact requests for one record, files left out."""
        return preview(self._config, self._plans[one.outgoing.target], one)

    def usage(self) -> Usage:
        """Dataverse counts in windows of five minutes and tells of no daily quota."""
        return self.session.usage()

    def _is_elsewhere(self, one: Addressed) -> bool:
        """Whether it is in another table already, where it would stay if this one took it too."""
        plan = self._plans[one.outgoing.target]
        return one.remote is not None and one.remote.object != plan.entity_set

    async def _write_calls(self, plan: Plan, rows: Sequence[Addressed], log: WriteLog) -> list[Outcome]:
        async def add_notes(placed: Sequence[Target]) -> list[Outcome]:
            return await self._notes.add(plan, placed, log)

        return await self._calls.write(plan, rows, add_notes)

    async def _enrich(self, rows: Sequence[Addressed]) -> list[Outcome]:
        calls = [one for one in rows if one.remote is not None and one.remote.object == PHONE_CALLS]
        others = [one for one in rows if one.remote is not None and one.remote.object != PHONE_CALLS]
        outcomes = await self._calls.enrich(calls) if calls else []
        return outcomes + (await self._tables.enrich(others) if others else [])
