"""Whatever the faults, a listing brings every record of the account once, and no call is one too many."""

from __future__ import annotations

import asyncio
import hashlib
import json
import urllib.request
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from zcc_pipeline.domain.datasets import DATASETS, ENGAGEMENT_DETAIL, ENGAGEMENT_LOG, Dataset, Reading
from zcc_pipeline.domain.errors import ConfigurationError, NotFound, QuotaExhausted, ScopeMissing, TransientError
from zcc_pipeline.domain.records import RecordChunk
from zcc_pipeline.domain.window import Window, day_window
from zcc_pipeline.simulator.zoom.account.spec import AccountSpec
from zcc_pipeline.simulator.zoom.oauth import AcceptedCredentials
from zcc_pipeline.simulator.zoom.server import RunningSimulator, running_simulator
from zcc_pipeline.sources.zoom_api import DownloadSource, Listing, ZoomApi, poll_catalogue, poll_window
from zcc_pipeline.transport.connections import _Network

pytestmark = pytest.mark.integration

LAST_DAY = date(2026, 3, 12)
SPEC = AccountSpec(last_day=LAST_DAY, days=2, engagements_per_day=1_200)
OpenApi = Callable[..., ZoomApi]


def base_of(running: RunningSimulator) -> str:
    return running.api_url.removesuffix("/v2")


def ask(running: RunningSimulator, name: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{running.control_url}/{name}") as answer:  # noqa: S310
        found: dict[str, Any] = json.loads(answer.read())
        return found


def tell(running: RunningSimulator, name: str, body: dict[str, Any]) -> None:
    content = json.dumps(body).encode()
    request = urllib.request.Request(f"{running.control_url}/{name}", content, method="POST")  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        answer.read()


def closed_on(truth: dict[str, Any], day: date) -> dict[str, dict[str, Any]]:
    return {
        entry["engagement_id"]: entry
        for entry in truth["engagements"]
        if entry["is_closed"] and datetime.fromisoformat(entry["start_time"]).date() == day
    }


async def list_day(api: ZoomApi, dataset: Dataset, day: date, **more: Any) -> tuple[Listing, dict[str, RecordChunk]]:
    chunks: dict[str, list[RecordChunk]] = {}

    def sink(found: Any) -> None:
        for chunk in found:
            chunks.setdefault(chunk.dataset, []).append(chunk)

    window = day_window(day, UTC)  # type: ignore[arg-type]
    listing = await poll_window(api, dataset, window, batch_id="b", sink=sink, reject=pytest.fail, **more)
    return listing, {name: join(found) for name, found in chunks.items()}


def join(chunks: list[RecordChunk]) -> RecordChunk:
    whole = chunks[0]
    columns = ("record_ids", "payloads", "engagement_ids", "occurred_at")
    for name in columns:
        setattr(whole, name, [value for chunk in chunks for value in getattr(chunk, name)])
    return whole


@pytest.mark.parametrize("faults", ["none", "realistic", "harsh"])
def test_every_engagement_of_a_day_is_listed_and_no_call_is_one_too_many(open_api: OpenApi, faults: str) -> None:
    async def work(running: RunningSimulator) -> None:
        truth = ask(running, "truth")
        async with open_api(base_of(running)) as api:
            for day in SPEC.all_days():
                expected = closed_on(truth, day)
                listing, chunks = await list_day(api, DATASETS["zoom/engagements"], day)
                assert listing.is_complete
                window = day_window(day, UTC)  # type: ignore[arg-type]
                own = chunks["zoom/engagements"]
                inside = Counter(
                    record_id
                    for record_id, started in zip(own.record_ids, own.occurred_at, strict=True)
                    if datetime.fromisoformat(started or "") in window
                )
                assert set(inside) == set(expected)
                assert len(expected) > 900
                if faults == "none":
                    assert listing.api_calls == listing.pages
                    assert set(inside.values()) <= {1, 2}, "twice only where two parts overlap"
                assert notes_of(chunks["zoom/notes"], expected) == {
                    note["note_id"] for entry in expected.values() for note in entry["notes"]
                }
        counted = ask(running, "state")
        assert api.clock_skew_seconds is None or abs(api.clock_skew_seconds) < 120
        if faults == "none":
            assert counted["rate_limited"] == {}

    with running_simulator(SPEC, plan="business", faults=faults, drip_seconds=0.2, latency_ms=20) as running:
        asyncio.run(work(running))


def notes_of(chunk: RecordChunk, expected: dict[str, Any]) -> set[str]:
    return {n for n, owner in zip(chunk.record_ids, chunk.engagement_ids, strict=True) if owner in expected}


@pytest.mark.parametrize("faults", ["none", "harsh"])
def test_every_dataset_that_lists_can_be_listed_completely(open_api: OpenApi, faults: str) -> None:
    async def work(running: RunningSimulator) -> None:
        async with open_api(base_of(running)) as api:
            for dataset in DATASETS.values():
                if dataset.reading is Reading.WINDOW:
                    listing, _ = await list_day(api, dataset, LAST_DAY)
                elif dataset.reading is Reading.CATALOGUE:
                    listing = await poll_catalogue(api, dataset, batch_id="b", sink=lambda chunks: None)
                else:
                    continue
                assert listing.is_complete, dataset.name
                assert listing.record_ids, dataset.name
                assert (listing.announced is not None) == dataset.listing.announces_total, dataset.name

    spec = AccountSpec(last_day=LAST_DAY, days=1, engagements_per_day=300)
    with running_simulator(spec, plan="business", faults=faults, drip_seconds=0.2) as running:
        asyncio.run(work(running))


def test_the_engagement_log_names_what_ended_on_a_day(open_api: OpenApi) -> None:
    spec = AccountSpec(last_day=LAST_DAY, days=2, engagements_per_day=150)

    async def work(running: RunningSimulator) -> None:
        truth = ask(running, "truth")
        ended = {
            entry["engagement_id"]
            for entry in truth["engagements"]
            if entry["is_closed"] and datetime.fromisoformat(entry["end_time"]).date() == LAST_DAY
        }
        async with open_api(base_of(running)) as api:
            listing, _ = await list_day(api, DATASETS["zoom/engagements"], LAST_DAY, endpoint=ENGAGEMENT_LOG)
        assert not listing.record_ids.missing(sorted(ended))
        assert len(listing.record_ids) - len(ended) <= 4, "only what ended within a second of midnight"

    with running_simulator(spec, plan="business") as running:
        asyncio.run(work(running))


def test_two_processes_at_the_full_limit_see_no_429(open_api: OpenApi) -> None:
    async def work(running: RunningSimulator) -> None:
        async with open_api(base_of(running)) as one, open_api(base_of(running)) as other:
            first, second = await asyncio.gather(
                *(list_day(api, DATASETS["zoom/engagements"], LAST_DAY) for api in (one, other))
            )
        one_day, same_day = (set(chunks["zoom/engagements"].record_ids) for _, chunks in (first, second))
        assert one_day == same_day

    spec = AccountSpec(last_day=LAST_DAY, days=1, engagements_per_day=2_000)
    with running_simulator(spec, plan="business") as running:
        asyncio.run(work(running))
        assert ask(running, "state")["rate_limited"] == {}


def test_files_arrive_whole_under_harsh_faults_and_no_token_leaks(open_api: OpenApi) -> None:
    spec = AccountSpec(last_day=LAST_DAY, days=1, engagements_per_day=120)

    async def work(running: RunningSimulator) -> None:
        truth = ask(running, "truth")
        known = {
            item["recording_id"]: item["media_sha256"]
            for entry in truth["engagements"]
            for item in entry["recordings"]
            if item["media_sha256"]
        }
        async with open_api(base_of(running)) as api:
            _, chunks = await list_day(api, DATASETS["zoom/recordings"], LAST_DAY)
            records = [json.loads(bytes(payload)) for payload in chunks["zoom/recordings"].payloads][:25]
            for record in records:
                content = await fetch_whole(DownloadSource(api, record["download_url"]))
                assert hashlib.sha256(content).hexdigest() == known[record["recording_id"]]
        assert ask(running, "state")["leaked_tokens"] == 0

    with running_simulator(spec, plan="unlimited", faults="harsh", drip_seconds=0.2) as running:
        asyncio.run(work(running))


def test_downloads_one_after_the_other_share_their_connections(
    open_api: OpenApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = AccountSpec(last_day=LAST_DAY, days=1, engagements_per_day=120)
    connected: list[str] = []
    connect = _Network.connect_tcp

    async def count(self: _Network, host: str, *rest: Any, **more: Any) -> Any:
        connected.append(host)
        return await connect(self, host, *rest, **more)

    monkeypatch.setattr(_Network, "connect_tcp", count)

    async def work(running: RunningSimulator) -> None:
        async with open_api(base_of(running)) as api:
            _, chunks = await list_day(api, DATASETS["zoom/recordings"], LAST_DAY)
            records = [json.loads(bytes(payload)) for payload in chunks["zoom/recordings"].payloads][:12]
            connected.clear()
            for record in records:
                assert await fetch_whole(DownloadSource(api, record["download_url"]))
        assert len(records) == 12

    with running_simulator(spec, plan="unlimited") as running:
        asyncio.run(work(running))
    assert len(connected) <= 2, "each address redirects to another host: one connection to each is enough"


async def fetch_whole(source: DownloadSource) -> bytes:
    """As a file store does: go on where it broke off, begin anew where the server does."""
    content, etag = b"", None
    for _ in range(20):
        try:
            async with source.open(len(content), etag) as body:
                content = content if body.is_partial else b""
                etag = body.etag
                async for chunk in body.chunks():
                    content += chunk
                if body.total_size in (None, len(content)):
                    return content
        except (TransientError, NotFound):
            continue
    raise AssertionError("never whole")


def test_credentials_that_are_refused_name_their_setting(open_api: OpenApi) -> None:
    async def work(running: RunningSimulator) -> None:
        async with open_api(base_of(running)) as api:
            with pytest.raises(ConfigurationError, match="ZCC_ZOOM_CLIENT_SECRET"):
                await api.granted_scopes()

    strict = AcceptedCredentials(account_id="account", client_id="client", client_secret="another")
    spec = AccountSpec(last_day=LAST_DAY, days=1, engagements_per_day=1)
    with running_simulator(spec, credentials=strict) as running:
        asyncio.run(work(running))


def test_a_missing_scope_is_named_and_found_again_once_granted(open_api: OpenApi) -> None:
    spec = AccountSpec(last_day=LAST_DAY, days=1, engagements_per_day=5)

    async def work(running: RunningSimulator) -> None:
        async with open_api(base_of(running), plan="unlimited") as api:
            with pytest.raises(ScopeMissing) as caught:
                await list_day(api, DATASETS["zoom/recordings"], LAST_DAY)
            assert set(caught.value.scopes) & set(DATASETS["zoom/recordings"].listing.scopes)
            tell(running, "scopes", {"scopes": sorted(DATASETS["zoom/recordings"].listing.scopes)})
            listing, _ = await list_day(api, DATASETS["zoom/recordings"], LAST_DAY)
            assert listing.is_complete

    with running_simulator(spec, scopes=frozenset({"contact_center:read:list_queues:admin"})) as running:
        asyncio.run(work(running))


def test_a_used_up_day_pauses_and_the_other_labels_go_on(open_api: OpenApi) -> None:
    spec = AccountSpec(last_day=LAST_DAY, days=1, engagements_per_day=50)

    async def work(running: RunningSimulator) -> None:
        async with open_api(base_of(running)) as api:
            tell(running, "limits", {"heavy_per_day": 0})
            with pytest.raises(QuotaExhausted) as caught:
                await list_day(api, DATASETS["zoom/voice_calls"], LAST_DAY)
            assert 0 < (caught.value.retry_after_seconds or 0) <= 86_400
            calls = ask(running, "state")["requests"]
            with pytest.raises(QuotaExhausted):
                await list_day(api, DATASETS["zoom/voice_calls"], LAST_DAY)
            assert ask(running, "state")["requests"] == calls, "nobody asks again before the day is over"
            listing, _ = await list_day(api, DATASETS["zoom/engagements"], LAST_DAY)
            assert listing.is_complete

    with running_simulator(spec, plan="business") as running:
        asyncio.run(work(running))


def test_page_tokens_that_die_early_do_not_lose_a_row(open_api: OpenApi) -> None:
    spec = AccountSpec(last_day=LAST_DAY, days=1, engagements_per_day=900)

    async def work(running: RunningSimulator) -> None:
        expected = set(closed_on(ask(running, "truth"), LAST_DAY))
        async with open_api(base_of(running), plan="pro", rate_share=0.5) as api:
            listing, _ = await list_day(api, DATASETS["zoom/engagements"], LAST_DAY)
        assert listing.is_complete
        assert not listing.record_ids.missing(sorted(expected))

    with running_simulator(spec, plan="pro", page_token_lifetime_seconds=0.9) as running:
        asyncio.run(work(running))


def test_an_engagement_that_does_not_exist_is_not_found(open_api: OpenApi) -> None:
    async def work(running: RunningSimulator) -> None:
        async with open_api(base_of(running)) as api:
            with pytest.raises(NotFound) as caught:
                await api.fetch(ENGAGEMENT_DETAIL, path_params={"engagement_id": "nobody"})
            assert (caught.value.http_status, caught.value.code) == (404, 2901)

    with running_simulator(AccountSpec(last_day=LAST_DAY, days=1, engagements_per_day=1)) as running:
        asyncio.run(work(running))


def test_a_window_of_two_months_is_listed_in_spans(open_api: OpenApi) -> None:
    spec = AccountSpec(last_day=LAST_DAY, days=60, engagements_per_day=10)

    async def work(running: RunningSimulator) -> None:
        truth = ask(running, "truth")
        end = datetime.combine(LAST_DAY, datetime.min.time(), UTC) + timedelta(days=1)
        window = Window(end - timedelta(days=60), end)
        expected = {
            e["engagement_id"]
            for e in truth["engagements"]
            if e["is_closed"] and datetime.fromisoformat(e["start_time"]) in window
        }
        async with open_api(base_of(running)) as api:
            listing = await poll_window(
                api, DATASETS["zoom/engagements"], window, batch_id="b", sink=lambda chunks: None
            )
        assert not listing.record_ids.missing(sorted(expected))
        assert listing.is_complete

    with running_simulator(spec, plan="business") as running:
        asyncio.run(work(running))
