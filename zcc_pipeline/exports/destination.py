"""The protocol that every CRM's folder implements, and what it is handed.

``sync`` plans, marks in flight, finds customers and owners, and calls ``write`` batch by batch; a destination only
knows its CRM. Who sends what twice, when, and what is written down about it is never a destination's business: where
it cannot tell whether something arrived it says ``Status.UNKNOWN``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType, TracebackType
from typing import Any, Protocol, Self

import msgspec

from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.exports.outcomes import Outcome, RemoteRef

JSON_HEADERS: Mapping[str, str] = MappingProxyType({"Content-Type": "application/json"})

Fields = Mapping[str, Any]
"""JSON values under the CRM's own field names."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that is appended and cannot be taken back: a work note, a ticket comment. One per note version."""

    key: str
    """``note:<note id>:<digest of the version>``, or another name that is unique within the engagement."""
    text: str
    html: str
    author_email: str | None
    written_at: datetime


class FileMissing(PermanentError):
    """A file that was stored is not there any more: its record cannot be sent as it is."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that is to be attached once. ``open`` reads it in pieces, from the first byte each time it is called."""

    key: str
    """``file:<kind>:<source id>:<first 12 of sha256>``."""
    file_name: str
    media_type: str
    size_bytes: int
    path: str
    files: Files = field(repr=False, compare=False)

    async def open(self) -> AsyncIterator[bytes]:
        """Its bytes; ``FileMissing`` where the file store has it no more."""
        try:
            async for piece in self.files.read(self.path):
                yield piece
        except FileNotFoundError:
            raise FileMissing("a stored file is not there any more") from None


class Files(Protocol):
    """Where attachments are read from."""

    def read(self, path: str) -> AsyncIterator[bytes]:
        """The bytes of a stored file (or of a text made on the way), in pieces of at most a mebibyte."""
        ...


@dataclass(frozen=True, slots=True)
class CustomerKeys:
    """By what a customer is looked for. ``phone`` is E.164; either may be None, not both."""

    email: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class Customer:
    """A person in the CRM."""

    object: str
    id: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One engagement as the CRM would see it, before anybody is looked up there. What ``content_hash`` covers."""

    engagement_id: str
    target: str
    """Name of the target in the mapping."""
    object: str
    """The CRM's object of that target."""
    key_field: str
    """The CRM's field that holds the engagement id, where the object has one."""
    fields: Fields
    keys: CustomerKeys | None
    customer_name: str | None
    owner_email: str | None
    entries: tuple[Entry, ...]
    attachments: tuple[Attachment, ...]
    started_at: datetime
    is_deleted_at_source: bool
    options: Mapping[str, Any] = field(default_factory=dict)
    """The target's own options from the mapping file (``task``, ``phonecall`` …), checked when it was read."""
    enrich: Fields = field(default_factory=dict)
    """What is added to the record of another program that has logged the engagement, by that record's field names."""
    logged_as: str | None = None
    """The value by which such a record is looked for (``coexistence.lookup``); None where there is none to look for."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """What ``write`` gets: the record with everything that was found out about it."""

    outgoing: Outgoing
    remote: RemoteRef | None
    """Where it is already, as far as the ledger knows."""
    customer: Customer | None
    owner_id: str | None
    fields: Fields
    """What to write now: all of the record's fields, or those that enrich a record of another program."""
    written: frozenset[str] = frozenset()
    """Keys of entries and attachments that are there for certain: not sent again."""
    unsure: frozenset[str] = frozenset()
    """Keys that were on their way when an earlier run ended: looked up in the CRM before they are sent."""
    is_enriching: bool = False
    """``remote`` belongs to another program; only ``fields`` may change, nothing may be created."""


class WriteLog(Protocol):
    """The ledger as ``write`` sees it. Every call is on disk when it returns."""

    def job(self, engagement_ids: Sequence[str], job_id: str) -> None:
        """A job of the CRM now carries these; a later run asks for it before anything else."""
        ...

    def begun(self, engagement_id: str, key: str) -> None:
        """An entry or attachment is about to be sent."""
        ...

    def done(self, engagement_id: str, key: str, remote_id: str) -> None:
        """It is there."""
        ...

    def begun_all(self, keys: Iterable[tuple[str, str]]) -> None:
        """The same for many (engagement id, key) that go out in one request."""
        ...

    def done_all(self, keys: Iterable[tuple[str, str, str]]) -> None:
        """The same for many (engagement id, key, remote id)."""
        ...


@dataclass(frozen=True, slots=True)
class InFlight:
    """A record that was sent by a run that did not hear, or did not live to write down, what became of it."""

    outgoing: Outgoing | None
    """As it was mapped now, for a look-up that needs more than the id; None where the activity no longer leaves."""
    engagement_id: str
    remote: RemoteRef | None
    job_id: str | None


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """A request as it would be sent, without its credentials."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str

    @classmethod
    def of_json(cls, method: str, url: str, body: Any, headers: Mapping[str, str] = JSON_HEADERS) -> Self:  # noqa: ANN401
        """One whose body is JSON, for people to read."""
        return cls(method, url, headers, msgspec.json.format(msgspec.json.encode(body), indent=2).decode())


@dataclass(frozen=True, slots=True)
class Usage:
    """What a run has cost. None where the CRM does not tell."""

    api_calls: int
    quota_used: int | None = None
    quota_total: int | None = None
    waited_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Check:
    """One line of ``zcc doctor`` or of a check before the first write. ``verdict`` is ok, warning or problem."""

    topic: str
    verdict: str
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class MappingProblem:
    """Something the CRM's metadata contradicts. ``where`` is the path in the mapping file, which gives the line."""

    where: tuple[str | int, ...]
    problem: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class SetupStep:
    """Something that had to be there. Where ``is_done`` is off, ``text`` says what an administrator clicks."""

    name: str
    is_done: bool
    text: str


class Destination(Protocol):
    """One CRM. An async context manager; all calls within one event loop."""

    name: str
    batch_size: int
    """Most records that one ``write`` takes."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def examine(self) -> Sequence[Check]:
        """Credentials, permissions, the unique key field, limits left. Writes nothing."""
        ...

    async def validate(self) -> Sequence[MappingProblem]:
        """The mapping against the CRM's own metadata. Writes nothing."""
        ...

    async def set_up(self) -> Sequence[SetupStep]:
        """Create what may be created by API, and say what an administrator must do. Safe to repeat."""
        ...

    async def find_customers(self, wanted: Sequence[CustomerKeys]) -> Mapping[CustomerKeys, Sequence[Customer]]:
        """Those who have that e-mail address; where nobody has, those who have that phone. Two are enough to know
        that it is several. Every key asked for is in the answer."""
        ...

    async def create_customer(self, keys: CustomerKeys, name: str | None) -> Customer:
        """A new customer; ``RecordRejected`` with the CRM's words where it refuses."""
        ...

    async def find_owners(self, emails: Sequence[str]) -> Mapping[str, str]:
        """Ids of the users who may own records, by e-mail; those that are not there are left out."""
        ...

    async def find_logged(self, wanted: Sequence[Outgoing]) -> Mapping[str, RemoteRef]:
        """Engagements that another program has logged, by the look-up that the mapping's ``coexistence`` names."""
        ...

    async def resolve(self, flights: Sequence[InFlight]) -> Mapping[str, Outcome]:
        """What became of records in flight: from their job, by key or by look-up. ``FAILED_RETRYABLE`` (with a reason
        as code) where it certainly never arrived, ``CREATED`` where it is there (its content is written again),
        ``UNKNOWN`` where not even that can be said now."""
        ...

    async def write(self, batch: Sequence[Addressed], log: WriteLog) -> Sequence[Outcome]:
        """Send, and answer for each one, in any order. Raises only what ends the run for all
        (``QuotaExhausted``, ``PermanentError``, ``ConfigurationError``)."""
        ...

    def preview(self, one: Addressed) -> Sequence[PreparedRequest]:
        """The exact requests that ``write`` would send for it alone."""
        ...

    def usage(self) -> Usage:
        """What was spent since it was entered."""
        ...
