"""The simplest CRM there could be, in memory: no upsert, no keys that are unique, appended entries that stay.

Whoever creates twice has two records, whoever appends twice has two entries. ``trouble`` decides what happens to each
record that is sent; ``before`` is called before everything that lasts, and may raise.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from zcc_pipeline.domain.errors import QuotaExhausted, RecordRejected, TransientError
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
from zcc_pipeline.exports.outcomes import Outcome, RemoteRef, Status

REFUSALS = ("refused", "busy", "lost", "late", "silent", "quota", "gone_dark")
"""refused: permanently. busy: certainly not written. lost: no answer, not written. late: no answer, written. silent:
written, no outcome. quota: the day is used up before it. gone_dark: an error for the whole batch after it."""


class NoFiles:
    """A file store that has every file, and nothing in it."""

    async def read(self, path: str) -> AsyncIterator[bytes]:
        yield path.encode()


@dataclass
class Record:
    engagement_id: str
    object: str
    fields: dict[str, Any]
    customer: str | None
    owner: str | None
    entries: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


@dataclass
class PlainCrm:
    records: dict[str, Record] = field(default_factory=dict)
    people: dict[str, list[str]] = field(default_factory=dict)
    """Ids by e-mail address or phone."""
    users: dict[str, str] = field(default_factory=dict)
    logged: dict[str, str] = field(default_factory=dict)
    """Records of another program, by what it calls the engagement."""
    trouble: Callable[[], str] = lambda: ""
    before: Callable[[], None] = lambda: None
    made: int = 0

    def of(self, engagement_id: str) -> list[Record]:
        return [record for record in self.records.values() if record.engagement_id == engagement_id]

    def new_id(self) -> str:
        self.made += 1
        return str(self.made)


class PlainDestination:
    """Implements ``Destination``."""

    name = "zendesk"

    def __init__(self, crm: PlainCrm, *, batch_size: int = 3, problems: Sequence[MappingProblem] = ()) -> None:
        self.crm, self.batch_size, self.problems = crm, batch_size, problems
        self.asked: list[tuple[str, Any]] = []
        self.batches: list[list[str]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def examine(self) -> Sequence[Check]:
        return []

    async def validate(self) -> Sequence[MappingProblem]:
        self.asked.append(("validate", None))
        return self.problems

    async def set_up(self) -> Sequence[SetupStep]:
        return []

    async def find_customers(self, wanted: Sequence[CustomerKeys]) -> Mapping[CustomerKeys, Sequence[Customer]]:
        self.asked.append(("customers", list(wanted)))
        found = {}
        for keys in wanted:
            ids = self.crm.people.get(keys.email or "") or self.crm.people.get(keys.phone or "") or []
            found[keys] = [Customer("person", each) for each in ids]
        return found

    async def create_customer(self, keys: CustomerKeys, name: str | None) -> Customer:
        self.asked.append(("create_customer", keys))
        if name is None:
            raise RecordRejected("a person needs a name")
        self.crm.before()
        person = self.crm.new_id()
        for key in (keys.email, keys.phone):
            if key:
                self.crm.people.setdefault(key, []).append(person)
        return Customer("person", person)

    async def find_owners(self, emails: Sequence[str]) -> Mapping[str, str]:
        self.asked.append(("owners", list(emails)))
        return {email: self.crm.users[email] for email in emails if email in self.crm.users}

    async def find_logged(self, wanted: Sequence[Outgoing]) -> Mapping[str, RemoteRef]:
        self.asked.append(("logged", [each.engagement_id for each in wanted]))
        return {
            each.engagement_id: RemoteRef("log", self.crm.logged[each.logged_as])
            for each in wanted
            if each.logged_as in self.crm.logged
        }

    async def resolve(self, flights: Sequence[InFlight]) -> Mapping[str, Outcome]:
        self.asked.append(("resolve", [flight.engagement_id for flight in flights]))
        return {flight.engagement_id: self._resolved(flight.engagement_id) for flight in flights}

    def _resolved(self, engagement_id: str) -> Outcome:
        if self.crm.trouble() in ("lost", "late"):
            return Outcome(engagement_id, Status.UNKNOWN, code="no_answer")
        for record_id, record in self.crm.records.items():
            if record.engagement_id == engagement_id:
                return Outcome(engagement_id, Status.CREATED, RemoteRef(record.object, record_id))
        return Outcome(engagement_id, Status.FAILED_RETRYABLE, code="not_there")

    async def write(self, batch: Sequence[Addressed], log: WriteLog) -> Sequence[Outcome]:
        self.batches.append([one.outgoing.engagement_id for one in batch])
        outcomes = []
        for one in batch:
            trouble = self.crm.trouble()
            if trouble == "quota":
                raise QuotaExhausted("zendesk: the daily limit is reached")
            outcome = self._written(one, trouble, log)
            if trouble == "gone_dark":
                raise TransientError("zendesk: no answer")
            if trouble != "silent":
                outcomes.append(outcome)
        return outcomes

    def _written(self, one: Addressed, trouble: str, log: WriteLog) -> Outcome:
        engagement_id = one.outgoing.engagement_id
        if trouble == "refused":
            words = f"Subject '{one.outgoing.fields.get('subject')}' of {one.outgoing.customer_name} is not allowed"
            return Outcome(engagement_id, Status.FAILED_PERMANENT, one.remote, "RecordInvalid", words)
        if trouble == "busy":
            return Outcome(engagement_id, Status.FAILED_RETRYABLE, one.remote, "busy")
        if trouble == "lost":
            return Outcome(engagement_id, Status.UNKNOWN, one.remote, "no_answer")
        outcome = self._put(one)
        is_heard = True
        if outcome.remote is not None and not one.is_enriching:
            is_heard = self._append(one, outcome.remote.id, log)
        if trouble == "late" or not is_heard:
            return Outcome(engagement_id, Status.UNKNOWN, outcome.remote, "no_answer")
        return outcome

    def _put(self, one: Addressed) -> Outcome:
        self.crm.before()
        engagement_id, content = one.outgoing.engagement_id, dict(one.fields)
        customer, owner = one.customer.id if one.customer else None, one.owner_id
        if one.is_enriching:
            assert one.remote is not None
            return Outcome(engagement_id, Status.UPDATED, one.remote)
        if one.remote is None:
            record_id = self.crm.new_id()
            self.crm.records[record_id] = Record(engagement_id, one.outgoing.object, content, customer, owner)
            return Outcome(engagement_id, Status.CREATED, RemoteRef(one.outgoing.object, record_id))
        record = self.crm.records.get(one.remote.id)
        if record is None:
            return Outcome(engagement_id, Status.FAILED_PERMANENT, one.remote, "not_found", "gone")
        record.fields, record.customer, record.owner = content, customer, owner
        return Outcome(engagement_id, Status.UPDATED, one.remote)

    def _append(self, one: Addressed, record_id: str, log: WriteLog) -> bool:
        """Entries and files; False where the answer to one was not heard."""
        record, engagement_id = self.crm.records[record_id], one.outgoing.engagement_id
        for there, keys in (
            (record.entries, [entry.key for entry in one.outgoing.entries]),
            (record.files, [attachment.key for attachment in one.outgoing.attachments]),
        ):
            for key in keys:
                if key in one.written:
                    continue
                if key in one.unsure and key in there:
                    log.done(engagement_id, key, f"{record_id}-{key}")
                    continue
                log.begun(engagement_id, key)
                trouble = self.crm.trouble()
                if trouble == "lost":
                    return False
                self.crm.before()
                there.append(key)
                if trouble == "late":
                    return False
                log.done(engagement_id, key, f"{record_id}-{key}")
        return True

    def preview(self, one: Addressed) -> Sequence[PreparedRequest]:
        return [PreparedRequest("POST", "https://zendesk.example/tickets", {}, one.outgoing.engagement_id)]

    def usage(self) -> Usage:
        return Usage(api_calls=len(self.batches))


def in_chunks(activities: Iterable[Any], size: int) -> Iterable[list[Any]]:
    every = list(activities)
    for start in range(0, len(every), size):
        yield every[start : start + size]
