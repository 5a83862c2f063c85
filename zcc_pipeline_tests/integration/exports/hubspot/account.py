"""What HubSpot's own tests need: a served account, records to write, a ledger in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.exports.destination import Addressed, Attachment, Customer, Outgoing
from zcc_pipeline.exports.hubspot import HubSpotConfig, HubSpotDestination
from zcc_pipeline.exports.mapping import CrmMapping, parse_mapping, read_mapping
from zcc_pipeline.exports.outcomes import Outcome
from zcc_pipeline.simulator.crm.base import CrmOptions, Faults, Limit, Person, RunningStandIn
from zcc_pipeline_tests.integration.exports.hubspot.adapter import ADAPTER, FAST

KEY = "zcc_engagement_id"
TOKEN = "pat-eu1-secret"


class Log:
    """A ledger that remembers what it was told, in order."""

    def __init__(self) -> None:
        self.said: list[tuple[str, ...]] = []

    def job(self, engagement_ids: Sequence[str], job_id: str) -> None:
        raise AssertionError("HubSpot has no jobs")

    def begun(self, engagement_id: str, key: str) -> None:
        self.said.append(("begun", engagement_id, key))

    def done(self, engagement_id: str, key: str, remote_id: str) -> None:
        self.said.append(("done", engagement_id, key, remote_id))

    def begun_all(self, keys: Iterable[tuple[str, str]]) -> None:
        for engagement_id, key in keys:
            self.begun(engagement_id, key)

    def done_all(self, keys: Iterable[tuple[str, str, str]]) -> None:
        for engagement_id, key, remote_id in keys:
            self.done(engagement_id, key, remote_id)


class Shelf:
    """Files in memory."""

    def __init__(self, **files: bytes) -> None:
        self.files = files

    async def read(self, path: str) -> AsyncIterator[bytes]:
        body = self.files[path]
        for start in range(0, len(body), 7):
            yield body[start : start + 7]


@contextmanager
def account(
    *,
    people: tuple[Person, ...] = (),
    limits: dict[str, Limit] | None = None,
    access_token: str | None = None,
    **settings: Any,
) -> Iterator[RunningStandIn]:
    options = CrmOptions(people=people, limits=limits or {}, access_token=access_token, settings=settings)
    with ADAPTER.standin(options) as served:
        yield served


def destination(served: RunningStandIn, mapping: CrmMapping | None = None, **config: Any) -> HubSpotDestination:
    chosen = {"access_token": TOKEN, "url": served.url, "retry": FAST} | config
    return HubSpotDestination(HubSpotConfig(**chosen), mapping or shipped(), clock=SystemClock())


def shipped() -> CrmMapping:
    return read_mapping("hubspot", None)


def mapping(text: str) -> CrmMapping:
    """A file whose section for HubSpot is this text."""
    found = parse_mapping("hubspot", f"version: 1\nhubspot:\n{text}", "mine.yml")
    assert found is not None
    return found


def record(engagement_id: str, /, object_type: str = "calls", **changes: Any) -> Addressed:
    """A record as ``write`` gets it; ``changes`` of it or of what it is made from."""
    fields = {"hs_timestamp": "2026-11-01T10:00:00Z"} | changes.pop("fields", {})
    parts = {name: changes.pop(name) for name in ("attachments", "options") if name in changes}
    outgoing = Outgoing(
        engagement_id=engagement_id,
        target="call",
        object=object_type,
        key_field=KEY,
        fields=fields,
        keys=None,
        customer_name=None,
        owner_email=None,
        entries=(),
        attachments=(),
        started_at=datetime(2026, 11, 1, 10, tzinfo=UTC),
        is_deleted_at_source=False,
    )
    one = Addressed(replace(outgoing, **parts), remote=None, customer=None, owner_id=None, fields=fields)
    return replace(one, **changes)


def attachment(
    key: str, body: bytes, *, file_name: str = "recording-r1.mp3", media_type: str = "audio/mpeg"
) -> Attachment:
    return Attachment(key, file_name, media_type, len(body), "one", Shelf(one=body))


def contact(served: RunningStandIn, number: int = 0) -> Customer:
    return Customer("contacts", served.standin.records()["contacts"][number]["id"])


def stored(served: RunningStandIn, object_type: str = "calls") -> dict[str, dict[str, str]]:
    """Properties by engagement id."""
    return {each["properties"][KEY]: each["properties"] for each in served.standin.records()[object_type]}


def by_id(outcomes: Sequence[Outcome]) -> dict[str, Outcome]:
    found = {outcome.engagement_id: outcome for outcome in outcomes}
    assert len(found) == len(outcomes)
    return found


def calls(served: RunningStandIn, ending: str) -> int:
    """How often a route was called whose template ends like that."""
    return sum(count for name, count in served.standin.counters.by_route.items() if name.endswith(ending))


__all__ = [
    "FAST",
    "KEY",
    "TOKEN",
    "Faults",
    "Limit",
    "Log",
    "Person",
    "Shelf",
    "account",
    "attachment",
    "by_id",
    "calls",
    "contact",
    "destination",
    "mapping",
    "record",
    "shipped",
    "stored",
]
