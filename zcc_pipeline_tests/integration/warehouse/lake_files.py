"""Lake files as landing writes them, made by hand: one call is one landing."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA = pa.schema(
    [
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("shape", pa.string(), nullable=False),
        pa.field("engagement_id", pa.string()),
        pa.field("payload", pa.string(), nullable=False),
        pa.field("content_hash", pa.binary(16), nullable=False),
        pa.field("as_of", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("observed_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("route", pa.string(), nullable=False),
        pa.field("is_deleted", pa.bool_(), nullable=False),
        pa.field("batch_id", pa.string(), nullable=False),
    ]
)
START = datetime(2026, 11, 2, 9, tzinfo=UTC)


def hours(count: float) -> datetime:
    return START + timedelta(hours=count)


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class LakeFiles:
    """A lake folder and the number of landings so far."""

    root: Path
    landings: int = 0
    written: list[Path] = field(default_factory=list)

    def land(
        self,
        dataset: str,
        record_id: str,
        payload: dict[str, Any] | str,
        *,
        as_of: datetime,
        shape: str = "list",
        engagement_id: str | None = None,
        route: str = "poll",
        is_deleted: bool = False,
        day: str = "2026-11-02",
    ) -> Path:
        """One file with one version."""
        row = version(
            record_id,
            payload,
            as_of=as_of,
            shape=shape,
            engagement_id=engagement_id,
            route=route,
            is_deleted=is_deleted,
        )
        return self.land_rows(dataset, [row], day=day)

    def land_rows(self, dataset: str, rows: list[dict[str, Any]], *, day: str = "2026-11-02") -> Path:
        """One file with these versions."""
        self.landings += 1
        folder = self.root / "zoom" / dataset / f"date={day}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.landings:06}.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), path, compression="zstd")
        self.written.append(path)
        return path

    def engagement(self, engagement_id: str, *, as_of: datetime, shape: str = "list", **fields: Any) -> None:
        """An engagement with the notes and dispositions embedded in it, landed as three datasets."""
        body = engagement(engagement_id, **fields)
        if shape == "detail":
            body.pop("transfer_count", None)
        self.land("engagements", engagement_id, body, as_of=as_of, shape=shape, engagement_id=engagement_id)
        notes = [
            version(one["note_id"], one, as_of=as_of, shape=shape, engagement_id=engagement_id)
            for one in body.get("notes", [])
        ]
        dispositions = [
            version(
                f"{engagement_id}:{one['disposition_id']}", one, as_of=as_of, shape=shape, engagement_id=engagement_id
            )
            for one in body.get("dispositions", [])
        ]
        if notes:
            self.land_rows("notes", notes)
        if dispositions:
            self.land_rows("dispositions", dispositions)


def version(
    record_id: str,
    payload: dict[str, Any] | str,
    *,
    as_of: datetime,
    shape: str = "list",
    engagement_id: str | None = None,
    route: str = "poll",
    is_deleted: bool = False,
) -> dict[str, Any]:
    text = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
    return {
        "record_id": record_id,
        "shape": shape,
        "engagement_id": engagement_id,
        "payload": text,
        "content_hash": hashlib.blake2b(text.encode(), digest_size=16).digest(),
        "as_of": as_of,
        "observed_at": as_of + timedelta(seconds=30),
        "route": route,
        "is_deleted": is_deleted,
        "batch_id": "01TEST",
    }


def engagement(engagement_id: str, *, start: datetime = START, **fields: Any) -> dict[str, Any]:
    """A voice call as the list shows it; ``fields`` replace or add."""
    return {
        "engagement_id": engagement_id,
        "start_time": iso(start),
        "end_time": iso(start + timedelta(minutes=10)),
        "duration": 600,
        "direction": "inbound",
        "channel_types": ["voice"],
        "channels": [{"channel": "voice"}],
        "consumers": [{"consumer_id": "", "consumer_display_name": "", "consumer_number": ""}],
        "flows": [{"flow_id": "f1", "flow_name": "Main", "flow_version": "3"}],
        "queues": [{"cc_queue_id": "q1", "queue_name": "Support", "queue_id": "old1"}],
        "agents": [{"user_id": "u1", "display_name": "Ann"}],
        "talk_duration": 300,
        "flow_duration": 20,
        "waiting_duration": 40,
        "handling_duration": 360,
        "wrap_up_duration": 60,
        "transfer_count": 0,
        "dispositions": [],
        "notes": [],
        "transcript_url": "",
        "survey_id": "",
        "voice_mail": 0,
        "queue_wait_type": "live_waiting",
    } | fields


def note(note_id: str, text: str, *, modified: datetime, user_id: str = "u1") -> dict[str, Any]:
    return {"note_id": note_id, "note": text, "user_id": user_id, "last_modified_time": iso(modified)}


def consumer(consumer_id: str = "", number: str = "", name: str = "") -> list[dict[str, str]]:
    return [{"consumer_id": consumer_id, "consumer_display_name": name, "consumer_number": number}]
