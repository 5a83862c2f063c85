"""List what belongs to one engagement: the cheapest way to look at a single one again."""

from __future__ import annotations

from datetime import timedelta

from zcc_pipeline.domain.datasets import DATASETS, ENGAGEMENT_RECORDINGS, Dataset
from zcc_pipeline.domain.records import RecordChunk
from zcc_pipeline.domain.window import Window
from zcc_pipeline.pipeline.rejects import quarantine_into
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.sources.zoom_api import ZoomApi, split_page

BELONGINGS = tuple(DATASETS[name] for name in ("zoom/voicemails", "zoom/recordings", "zoom/voice_calls"))
"""What is listed for an engagement in which people spoke."""
SPAN = timedelta(days=2)
"""Recordings and voicemails start within this time of their engagement's day."""


async def list_for_engagement(
    runtime: Runtime, api: ZoomApi, dataset: Dataset, engagement_id: str, around: Window, *, batch_id: str
) -> list[RecordChunk]:
    """Recordings, voicemails or voice calls of one engagement.

    Both ends are always sent: the list of one engagement has the same 30-day default as the account's.
    """
    endpoint, path, params = dataset.listing, {}, {"engagement_id": engagement_id}
    if dataset.name == "zoom/recordings":
        endpoint, path, params = ENGAGEMENT_RECORDINGS, {"engagement_id": engagement_id}, {}
    window = Window(around.start - timedelta(hours=1), around.end + SPAN)
    chunks: list[RecordChunk] = []
    reject = quarantine_into(runtime, dataset)
    async for page in api.iter_pages(endpoint, window=window, path_params=path, params=params):
        chunks.extend(split_page(dataset, page.body, as_of=page.as_of, batch_id=batch_id, reject=reject))
    return chunks
