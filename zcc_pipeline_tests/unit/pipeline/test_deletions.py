"""What a listing does not show any more: remembered, and forgotten on return."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.errors import NotFound
from zcc_pipeline.pipeline.deletions import note_absences
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.sources.zoom_api import SeenIds, ZoomApi
from zcc_pipeline_tests.unit.pipeline.homes import NOW, days_ago, land, open_home

ENGAGEMENTS, DAY = DATASETS["zoom/engagements"], days_ago(3)


class NothingThere:
    """Zoom, after everything was deleted."""

    async def fetch(self, *_: Any, **__: Any) -> None:
        raise NotFound("GET engagement: 404", http_status=404)


def note(runtime: Runtime, *seen: str) -> int:
    api = cast("ZoomApi", NothingThere())
    return asyncio.run(note_absences(runtime, api, ENGAGEMENTS, DAY, seen=SeenIds(seen)))


def pending(runtime: Runtime) -> set[str]:
    return set(runtime.state.absences.pending("zoom/engagements", DAY))


def test_what_a_listing_does_not_show_is_remembered_until_one_shows_it_again(tmp_path: Path) -> None:
    with open_home(tmp_path) as runtime:
        for record_id in ("a", "b", "c"):
            land(runtime, "zoom/engagements", record_id, {}, day=DAY, shape="list")
        assert (note(runtime, "a"), pending(runtime)) == (0, {"b", "c"})
        assert (note(runtime, "a", "c"), pending(runtime)) == (0, {"b"})
        assert (note(runtime, "a", "b", "c"), pending(runtime)) == (0, set())


def test_a_record_without_an_engagement_to_ask_for_is_never_taken_for_deleted(tmp_path: Path) -> None:
    with open_home(tmp_path) as runtime:
        for record_id in ("a", "b"):
            land(runtime, "zoom/engagements", record_id, {}, day=DAY, shape="list")
        runtime.state.absences.mark("zoom/engagements", ["b"], day=DAY, at=NOW - timedelta(hours=25))
        assert (note(runtime, "a"), pending(runtime)) == (0, {"b"})
