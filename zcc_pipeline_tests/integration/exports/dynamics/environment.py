"""What Dynamics' own tests need: a served organisation, records to write, a ledger in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from zcc_pipeline.domain.clock import Clock, SystemClock
from zcc_pipeline.exports.destination import Addressed, Attachment, Customer, Entry, Outgoing
from zcc_pipeline.exports.dynamics import DynamicsDestination
from zcc_pipeline.exports.mapping import CrmMapping, parse_mapping, read_mapping, shipped_text
from zcc_pipeline.exports.outcomes import Outcome
from zcc_pipeline.simulator.crm.base import CrmOptions, RunningStandIn
from zcc_pipeline_tests.integration.exports.dynamics.adapter import ADAPTER, KEY, config_of

PHONE_CALLS = Path(__file__).parents[4] / "deploy" / "dynamics" / "phonecall_mapping.yml"
T = TypeVar("T")


class Log:
    """A ledger that remembers what it was told, in order."""

    def __init__(self) -> None:
        self.said: list[tuple[str, ...]] = []

    def job(self, engagement_ids: Sequence[str], job_id: str) -> None:
        raise AssertionError("Dataverse has no jobs")

    def begun(self, engagement_id: str, key: str) -> None:
        self.said.append(("begun", engagement_id, key))

    def done(self, engagement_id: str, key: str, remote_id: str) -> None:
        self.said.append(("done", engagement_id, key))

    def begun_all(self, keys: Iterable[tuple[str, str]]) -> None:
        for engagement_id, key in keys:
            self.begun(engagement_id, key)

    def done_all(self, keys: Iterable[tuple[str, str, str]]) -> None:
        for engagement_id, key, remote_id in keys:
            self.done(engagement_id, key, remote_id)


class Shelf:
    """One file in memory, read in pieces."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.most_at_once = 0

    async def read(self, path: str) -> AsyncIterator[bytes]:
        for start in range(0, len(self.body), 700_000):
            yield self.body[start : start + 700_000]


@contextmanager
def organisation(**options: Any) -> Iterator[RunningStandIn]:
    with ADAPTER.standin(CrmOptions(**{"limits": {}, **options})) as served:
        yield served


def shipped() -> CrmMapping:
    return read_mapping("dynamics", None)


def with_phone_calls() -> CrmMapping:
    return mapping_of(PHONE_CALLS.read_text(encoding="utf-8"))


def mapping_of(text: str) -> CrmMapping:
    found = parse_mapping("dynamics", text, "mine.yml")
    assert found is not None
    return found


def changed(replacements: dict[str, str], text: str | None = None) -> CrmMapping:
    """The shipped section with some of its words replaced."""
    whole = text or shipped_text()
    section = "version: 1\n" + whole[whole.index("\ndynamics:\n") : whole.index("\nhubspot:\n")]
    for before, after in replacements.items():
        assert before in section, before
        section = section.replace(before, after)
    return mapping_of(section)


def run(
    served: RunningStandIn,
    act: Callable[[DynamicsDestination], Awaitable[T]],
    *,
    mapping: CrmMapping | None = None,
    clock: Clock | None = None,
    **config: Any,
) -> T:
    """What one destination does, entered and left."""

    async def within() -> T:
        made = DynamicsDestination(config_of(served, **config), mapping or shipped(), clock=clock or SystemClock())
        async with made as destination:
            return await act(destination)

    return asyncio.run(within())


def write(
    served: RunningStandIn, batch: Sequence[Addressed], log: Log | None = None, **more: Any
) -> dict[str, Outcome]:
    outcomes = run(served, lambda destination: destination.write(batch, log or Log()), **more)
    found = {outcome.engagement_id: outcome for outcome in outcomes}
    assert len(found) == len(outcomes) == len(batch)
    return found


def record(engagement_id: str, /, *, target: str = "engagement", **changes: Any) -> Addressed:
    """A record as ``write`` gets it; ``changes`` of it or of what it is made from."""
    is_call = target == "call"
    fields = {"subject" if is_call else "zcc_name": "A subject"} | changes.pop("fields", {})
    parts = {name: changes.pop(name) for name in ("attachments", "entries", "keys") if name in changes}
    outgoing = Outgoing(
        engagement_id=engagement_id,
        target=target,
        object="phonecall" if is_call else "zcc_engagement",
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


def entry(number: int = 1, text: str = "Note by Ada\n\nCalled back.") -> Entry:
    return Entry(f"note:n{number}:1", text, "<p></p>", None, datetime(2026, 11, 1, 11, tzinfo=UTC))


def attachment(number: int, body: bytes, file_name: str = "recording-r1.mp3") -> Attachment:
    key = f"file:recording:r{number}:0123456789ab"
    return Attachment(key, file_name, "audio/mpeg", len(body), "path", Shelf(body))


def rows(served: RunningStandIn, table: str = "zcc_engagement") -> dict[str, dict[str, Any]]:
    """By engagement id."""
    found = [row for row in served.standin.records()[table] if row.get(KEY)]
    assert len({row[KEY] for row in found}) == len(found)
    return {row[KEY]: row for row in found}


def annotations(served: RunningStandIn) -> list[dict[str, Any]]:
    return list(served.standin.records()["annotation"])


def contact(served: RunningStandIn, number: int = 0) -> Customer:
    return Customer("contact", served.standin.records()["contact"][number]["contactid"])


def agent(served: RunningStandIn) -> str:
    return str(served.standin.records()["systemuser"][1]["systemuserid"])


def calls(served: RunningStandIn, ending: str) -> int:
    """How often a route was called whose name ends like that, inside batches or not."""
    return sum(count for name, count in served.standin.counters.by_route.items() if name.endswith(ending))
