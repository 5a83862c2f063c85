"""A Salesforce stand-in and our destination for it, in words that stories are told with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.exports.destination import Addressed, Attachment, Customer, InFlight, Outgoing
from zcc_pipeline.exports.mapping import CrmMapping, parse_mapping, shipped_text
from zcc_pipeline.exports.outcomes import Outcome, RemoteRef
from zcc_pipeline.exports.salesforce import SalesforceDestination
from zcc_pipeline.simulator.crm.base import CrmOptions, Faults, Person, RunningStandIn
from zcc_pipeline.simulator.crm.salesforce import SalesforceStandIn
from zcc_pipeline_tests.integration.exports.salesforce.adapter import ADAPTER, OBJECT, fast_config

PEOPLE = (
    Person("Ada Byron", "ada@example.com", "+49 30 901820"),
    Person("Agent One", "one@example.com", kind="agent"),
)
COEXISTENCE = (
    "  coexistence:\n    queues: {Support: enrich}\n    lookup: {object: Task, field: CallObject}\n"
    "    enrich_fields: {CallDisposition: {from: dispositions, cut: 255}}\n\nzendesk:"
)


class QuickClock(SystemClock):
    """Sleeps a hundredth of what it is asked to."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 100)


class KeptLog:
    """The ledger, as far as ``write`` sees it."""

    def __init__(self) -> None:
        self.jobs: list[tuple[list[str], str]] = []
        self.pieces: list[tuple[str, ...]] = []

    def job(self, engagement_ids: Sequence[str], job_id: str) -> None:
        self.jobs.append((list(engagement_ids), job_id))

    def begun(self, engagement_id: str, key: str) -> None:
        self.pieces.append(("begun", engagement_id, key))

    def done(self, engagement_id: str, key: str, remote_id: str) -> None:
        self.pieces.append(("done", engagement_id, key, remote_id))

    def begun_all(self, keys: Any) -> None:
        for each in keys:
            self.begun(*each)

    def done_all(self, keys: Any) -> None:
        for each in keys:
            self.done(*each)


def log() -> KeptLog:
    return KeptLog()


def salesforce_mapping(**options: str) -> CrmMapping:
    """The shipped one, that looks for another program's tasks as well."""
    text = shipped_text().replace("\nzendesk:", COEXISTENCE, 1)
    for old, new in options.items():
        text = text.replace(f"{old}: null}}", f"{old}: {new}}}", 1)
    found = parse_mapping("salesforce", text, "m.yml")
    assert found is not None
    return found


class Org:
    """One running org; ``settings`` are changes to our configuration."""

    def __init__(self, running: RunningStandIn) -> None:
        assert isinstance(running.standin, SalesforceStandIn)
        self.running = running
        self.standin = running.standin
        self.settings: dict[str, Any] = {}
        self.mapping = salesforce_mapping()

    def tell(self, story: Callable[[SalesforceDestination], Awaitable[Any]], **settings: Any) -> Any:
        """Run a story with a destination that has been entered."""

        async def told() -> Any:
            config = fast_config(self.running.url, **(self.settings | settings))
            async with SalesforceDestination(config, self.mapping, clock=QuickClock()) as destination:
                return await story(destination)

        return asyncio.run(told())

    def write(self, batch: Sequence[Addressed], kept: KeptLog | None = None) -> dict[str, Outcome]:
        outcomes = self.tell(lambda destination: destination.write(batch, kept or log()))
        assert len(outcomes) == len(batch)
        return {each.engagement_id: each for each in outcomes}

    def resolve(self, *ids: str, job_id: str | None = None) -> dict[str, Outcome]:
        return self.tell(lambda destination: destination.resolve([self.flight(each, job_id) for each in ids]))

    def logged(self, *ids: str) -> dict[str, RemoteRef]:
        wanted = [replace(addressed(each).outgoing, logged_as=each) for each in ids]
        return self.tell(lambda destination: destination.find_logged(wanted))

    def flight(self, engagement_id: str, job_id: str | None) -> InFlight:
        return InFlight(addressed(engagement_id).outgoing, engagement_id, None, job_id)

    def owner(self, email: str) -> str:
        return self.tell(lambda destination: destination.find_owners([email]))[email]

    def add_contact(self, name: str) -> str:
        return self.standin.add_to("Contact", Person(name))

    def faults(self, **given: Any) -> None:
        self.standin.set_faults(Faults(**given))

    def command(self, name: str, **body: Any) -> None:
        self.standin.commands()[name](body)

    def state(self) -> dict[str, Any]:
        return self.standin.state()

    def calls(self, part: str, method: str = "") -> int:
        """Of routes whose address has this at its end or before a placeholder."""
        counted = self.standin.counters.by_route.items()
        return sum(
            count
            for route, count in counted
            if route.startswith(method) and route.partition("{version}/")[2].partition("/{")[0] == part
        )

    def counts(self, source: str) -> int:
        return len(self.standin.records()[source])

    def engagements(self) -> dict[str, dict[str, Any]]:
        return {each["Engagement_Id__c"]: each for each in self.standin.records()[OBJECT]}


@contextmanager
def org(faults: Faults | None = None, **settings: Any) -> Iterator[Org]:
    options = CrmOptions(people=PEOPLE, faults=faults or Faults(), settings=settings)
    with ADAPTER.standin(options) as running:
        yield Org(running)
        assert running.standin.violations == []


@pytest.fixture
def organisation() -> Iterator[Org]:
    with org() as running:
        yield running


def addressed(
    engagement_id: str,
    *,
    customer: Customer | None = None,
    owner_id: str | None = None,
    remote: RemoteRef | None = None,
    is_enriching: bool = False,
    only: dict[str, Any] | None = None,
    attachments: tuple[Attachment, ...] = (),
    written: frozenset[str] = frozenset(),
    unsure: frozenset[str] = frozenset(),
    **fields: Any,
) -> Addressed:
    made = {"Subject__c": f"Call {engagement_id}", "Started_At__c": "2026-11-01T10:00:00Z", "Answered__c": None}
    outgoing = Outgoing(
        engagement_id=engagement_id,
        target="engagement",
        object=OBJECT,
        key_field="Engagement_Id__c",
        fields=made | fields,
        keys=None,
        customer_name=None,
        owner_email=None,
        entries=(),
        attachments=attachments,
        started_at=datetime(2026, 11, 1, 10, tzinfo=UTC),
        is_deleted_at_source=False,
    )
    return Addressed(
        outgoing,
        remote,
        customer,
        owner_id,
        outgoing.fields if only is None else only,
        written,
        unsure,
        is_enriching,
    )
