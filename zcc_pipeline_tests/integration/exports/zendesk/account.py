"""A centre that exports to Zendesk, with settings of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

from zcc_pipeline.domain.clock import Clock, SystemClock
from zcc_pipeline.exports.mapping import CrmMapping, read_mapping
from zcc_pipeline.exports.zendesk import ZendeskDestination
from zcc_pipeline.simulator.crm.base import RunningStandIn
from zcc_pipeline_tests.integration.exports.office import Office, office, varied
from zcc_pipeline_tests.integration.exports.zendesk.adapter import ZendeskAdapter, config

T = TypeVar("T")
GRANT = {"grant_type": "client_credentials", "client_id": "id", "client_secret": "secret"}


class TunedAdapter(ZendeskAdapter):
    """With other waits or sizes."""

    def __init__(self, changes: Mapping[str, Any]) -> None:
        self._changes = changes

    def destination(self, running: RunningStandIn, mapping: CrmMapping, clock: Clock) -> ZendeskDestination:
        return ZendeskDestination(config(running, **self._changes), mapping, clock=clock)


@contextmanager
def zendesk(
    folder: Path, *, mapping: CrmMapping | None = None, tuned: Mapping[str, Any] | None = None, **options: Any
) -> Iterator[Office]:
    """An account, and an empty ledger."""
    with office(TunedAdapter(tuned or {}), folder, mapping=mapping, **options) as story:
        yield story


def routed(target: str, **changes: Any) -> CrmMapping:
    """The shipped mapping, with every channel leading to one of its targets."""
    shipped = read_mapping("zendesk", None)
    return varied(shipped, channels=dict.fromkeys(shipped.section.channels, target), **changes)


def with_options(mapping: CrmMapping, target: str, **options: Any) -> CrmMapping:
    """With other options of a target."""
    targets = dict(mapping.section.targets)
    targets[target] = targets[target].model_copy(update={"options": targets[target].options | options})
    return varied(mapping, targets=targets)


def asked(story: Office, question: Callable[[ZendeskDestination], Awaitable[T]]) -> T:
    """What the destination answers."""

    async def ask() -> T:
        destination = story.adapter.destination(story.running, story.mapping, SystemClock())
        assert isinstance(destination, ZendeskDestination)
        async with destination:
            return await question(destination)

    return asyncio.run(ask())


def by_hand(story: Office, method: str, path: str, **more: Any) -> Any:
    """A call by somebody else."""
    token = httpx.post(f"{story.running.url}/oauth/tokens", json=GRANT).json()["access_token"]
    answer = httpx.request(method, f"{story.running.url}{path}", headers={"Authorization": f"Bearer {token}"}, **more)
    assert answer.is_success, answer.text
    return answer.json()


def tickets(story: Office) -> list[dict[str, Any]]:
    """All of them, with their comments."""
    found: list[dict[str, Any]] = story.running.standin.records()["tickets"]
    return found


def ticket_of(story: Office, engagement_id: str) -> dict[str, Any]:
    """The only one of an engagement."""
    (found,) = [each for each in tickets(story) if each["external_id"] == engagement_id]
    return found
