"""What ServiceNow's own tests need: a served instance, records to write, a ledger in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TypeVar

from zcc_pipeline.domain.clock import Clock, SystemClock
from zcc_pipeline.exports.destination import Addressed, Attachment, Customer, Entry, Outgoing
from zcc_pipeline.exports.mapping import CrmMapping, parse_mapping, read_mapping, shipped_text
from zcc_pipeline.exports.outcomes import Outcome, RemoteRef
from zcc_pipeline.exports.servicenow import ServiceNowDestination
from zcc_pipeline.simulator.crm.base import CrmOptions, RunningStandIn
from zcc_pipeline_tests.integration.exports.servicenow.adapter import ADAPTER, KEY, config_of, instance_of

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
TABLE = {"write: import_set ": "write: table "}
IMPORT_SETS = {"rows: batch ": "rows: insert_multiple "}
T = TypeVar("T")


class Log:
    """A ledger that remembers what it was told, in order."""

    def __init__(self) -> None:
        self.jobs: dict[str, str] = {}
        self.begun_keys: list[tuple[str, str]] = []
        self.done_keys: list[tuple[str, str]] = []

    def job(self, engagement_ids: Sequence[str], job_id: str) -> None:
        self.jobs |= dict.fromkeys(engagement_ids, job_id)

    def begun(self, engagement_id: str, key: str) -> None:
        self.begun_keys.append((engagement_id, key))

    def done(self, engagement_id: str, key: str, remote_id: str) -> None:
        self.done_keys.append((engagement_id, key))

    def begun_all(self, keys: Iterable[tuple[str, str]]) -> None:
        self.begun_keys += list(keys)

    def done_all(self, keys: Iterable[tuple[str, str, str]]) -> None:
        self.done_keys += [(engagement_id, key) for engagement_id, key, _ in keys]


class Shelf:
    """One file in memory, read in pieces."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    async def read(self, path: str) -> AsyncIterator[bytes]:
        for start in range(0, len(self.body), 100_000):
            yield self.body[start : start + 100_000]


class Gone:
    """A file store that has lost it."""

    async def read(self, path: str) -> AsyncIterator[bytes]:
        yield b""
        raise FileNotFoundError(path)


@contextmanager
def instance(**options: Any) -> Iterator[RunningStandIn]:
    with ADAPTER.standin(CrmOptions(**{"limits": {}, **options})) as served:
        yield served


def changed(replacements: dict[str, str]) -> CrmMapping:
    """The shipped section with some of its words replaced."""
    whole = shipped_text()
    section = "version: 1\n" + whole[whole.index("\nservicenow:") : whole.index("\ndynamics:")]
    for before, after in replacements.items():
        assert before in section, before
        section = section.replace(before, after)
    found = parse_mapping("servicenow", section, "mine.yml")
    assert found is not None
    return found


def run(
    served: RunningStandIn,
    act: Callable[[ServiceNowDestination], Awaitable[T]],
    *,
    mapping: CrmMapping | None = None,
    clock: Clock | None = None,
    **config: Any,
) -> T:
    """What one destination does, entered and left."""

    async def within() -> T:
        made = ServiceNowDestination(
            config_of(served, **config), mapping or read_mapping("servicenow", None), clock=clock or SystemClock()
        )
        async with made as destination:
            return await act(destination)

    return asyncio.run(within())


def write(
    served: RunningStandIn, batch: Sequence[Addressed], log: Log | None = None, **more: Any
) -> dict[str, Outcome]:
    outcomes = run(served, lambda destination: destination.write(batch, log or Log()), **more)
    found = {outcome.engagement_id: outcome for outcome in outcomes}
    assert len(found) == len(outcomes) == len(batch)
    assert served.standin.violations == []
    return found


def record(engagement_id: str, /, *, mapping: CrmMapping | None = None, **changes: Any) -> Addressed:
    """One record; ``changes`` are those of ``Outgoing`` or, for what was found out, of ``Addressed``."""
    target = (mapping or read_mapping("servicenow", None)).section.targets["interaction"]
    outgoing = Outgoing(
        engagement_id=engagement_id,
        target="interaction",
        object="interaction",
        key_field=KEY,
        fields={"short_description": f"About {engagement_id}", "opened_at": "2026-11-22 10:00:00"},
        keys=None,
        customer_name=None,
        owner_email=None,
        entries=(),
        attachments=(),
        started_at=NOW,
        is_deleted_at_source=False,
        options=target.options,
    )
    about = {"remote", "customer", "owner_id", "written", "unsure", "is_enriching"}
    outgoing = replace(outgoing, **{name: value for name, value in changes.items() if name not in about})
    fields = outgoing.enrich if changes.get("is_enriching") else outgoing.fields
    found_out = {name: value for name, value in changes.items() if name in about}
    return replace(Addressed(outgoing, None, None, None, fields), **found_out)


def note(number: int, text: str = "") -> Entry:
    return Entry(f"note:n{number}:1", text or f"Note {number}", "", None, NOW)


def file(name: str, body: bytes, *, files: Any = None) -> Attachment:
    digest = sha256(body).hexdigest()
    return Attachment(f"file:recording:{name}:{digest[:12]}", name, "audio/mpeg", len(body), name, files or Shelf(body))


def insert(served: RunningStandIn, table: str = "interaction", **values: str) -> RemoteRef:
    return RemoteRef(table, instance_of(served).instance.insert(table, values)["sys_id"])


def rows(served: RunningStandIn, table: str = "interaction") -> list[dict[str, str]]:
    return list(instance_of(served).instance.rows(table))


def notes_of(served: RunningStandIn, outcome: Outcome) -> list[str]:
    """Work notes without their markers."""
    assert outcome.remote is not None
    return [text.rpartition("\n\n")[0] for text in instance_of(served).work_notes(outcome.remote.id)]


def files_of(served: RunningStandIn, outcome: Outcome) -> list[str]:
    assert outcome.remote is not None
    return [row["file_name"] for row in instance_of(served).files(outcome.remote.id)]


__all__ = ["ADAPTER", "KEY", "Customer", "RemoteRef", "instance_of"]
