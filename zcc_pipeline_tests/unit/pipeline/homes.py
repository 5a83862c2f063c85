"""A home folder with what a test puts into it, and a clock that stands still."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.domain.completeness import ArtefactKind, Reason, Status
from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.ports import WantedArtefact
from zcc_pipeline.domain.records import SHAPE_DETAIL, SHAPE_LIST, RecordChunk
from zcc_pipeline.domain.window import day_window, format_time
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.settings import Settings, open_runtime

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TODAY = NOW.date()
UNREACHABLE: dict[str, Any] = {
    "zoom_account_id": "account",
    "zoom_client_id": "client",
    "zoom_client_secret": "secret",
    "zoom_api_url": "http://127.0.0.1:9/v2",
    "zoom_oauth_url": "http://127.0.0.1:9/oauth/token",
}


class StillClock(SystemClock):
    """Always the same moment; sleeping takes no time."""

    def now(self) -> datetime:
        return NOW

    async def sleep(self, seconds: float) -> None:
        del seconds


def open_home(home: Path, **settings: object) -> Runtime:
    return open_runtime(Settings(home=home, **settings), clock=StillClock())  # type: ignore[arg-type]


def days_ago(count: int) -> date:
    return TODAY - timedelta(days=count)


def land(runtime: Runtime, dataset: str, record_id: str, payload: dict[str, object], *, day: date, shape: str) -> None:
    with runtime.lake.writer(DATASETS[dataset]) as writer:
        writer.add(
            RecordChunk(
                dataset=dataset,
                shape=shape,
                route="poll",
                as_of=NOW,
                batch_id="",
                record_ids=[record_id],
                payloads=[json.dumps(payload).encode()],
                engagement_ids=[None],
                occurred_at=[f"{day}T09:00:00Z"],
            )
        )
        writer.commit()


def land_proof(
    runtime: Runtime,
    engagement_id: str,
    status: Status,
    *,
    day: date,
    kind: ArtefactKind = ArtefactKind.RECORDING,
    reason: Reason | None = None,
    until: datetime | None = None,
) -> None:
    payload: dict[str, object] = {
        "engagement_id": engagement_id,
        "kind": kind.value,
        "status": status.value,
        "reason": reason.value if reason else None,
        "evidence": "shown by a test",
        "expected_items": 1,
        "stored_items": int(status is Status.STORED),
        "next_try_at": format_time(until) if until else None,
        "occurred_at": f"{day}T09:00:00Z",
    }
    land(runtime, "zoom/completeness", f"{engagement_id}:{kind}", payload, day=day, shape=SHAPE_LIST)


def land_inbox(runtime: Runtime, inbox_id: str, *, retention_days: int) -> None:
    voicemail = {"voicemail_transcription": True, "delete_voicemail_days_limit": retention_days}
    payload: dict[str, object] = {"inbox_id": inbox_id, "voicemail": voicemail}
    land(runtime, "zoom/inboxes", inbox_id, payload, day=TODAY, shape=SHAPE_DETAIL)


def list_day(runtime: Runtime, dataset: str, day: date, *, rows: int = 0, error: str | None = None) -> None:
    windows = runtime.state.windows
    batch_id = windows.begin(dataset, day_window(day, ZoneInfo("UTC")), day=day, now=NOW)
    windows.finish(
        batch_id, rows=rows, announced=rows, pages=1, api_calls=1, is_complete=error is None, error=error, now=NOW
    )


def want(runtime: Runtime, kind: ArtefactKind, source_id: str, *, day: date) -> None:
    occurred_at = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    runtime.state.artefacts.want([WantedArtefact(kind, source_id, None, day, occurred_at)], now=NOW)
