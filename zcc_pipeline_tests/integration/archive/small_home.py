"""A home with three engagements in lake and analysts' copy, made by hand, and a retention file."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from zcc_pipeline.domain.clock import ShiftedClock
from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.records import SHAPE_LIST, RecordChunk
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.settings import load_settings, open_runtime
from zcc_pipeline.warehouse.project import project_dir

TODAY = datetime.now(UTC).date()
MONDAY, TUESDAY = TODAY - timedelta(days=20), TODAY - timedelta(days=19)
FILE = """\
version: 1
default: standard
classes:
  standard: {years: 5, legal_ground: a duty}
  trading: {years: 7, legal_ground: another duty}
  feedback: {days: 2, legal_ground: quality}
rules:
  - {class: trading, queues: [q-trading]}
  - {class: feedback, dispositions: [Just asking]}
"""
MADE: dict[str, dict[str, Any]] = {
    "eng-1": {"started_date": MONDAY, "channels": ["voice"]},
    "eng-2": {"started_date": MONDAY, "channels": ["voice"], "queue_ids": ["q-sales", "q-trading"]},
    "eng-3": {"started_date": TUESDAY, "channels": ["messaging"], "disposition_names": ["Just asking"]},
}


def make_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three engagements in lake and analysts' copy, and a retention file; settings are set."""
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    (tmp_path / "retention.yml").write_text(FILE, encoding="utf-8")
    for name, value in {
        "ZCC_HOME": str(home),
        "ZCC_ZOOM_ACCOUNT_ID": "account",
        "ZCC_ARCHIVE_RETENTION": "retention.yml",
    }.items():
        monkeypatch.setenv(name, value)
    with opened() as runtime:
        for engagement_id, facts in MADE.items():
            land(runtime, engagement_id, facts["started_date"])
    publish(home, MADE)
    return home


def opened(shift: timedelta = timedelta(0)) -> Runtime:
    return open_runtime(load_settings(), clock=ShiftedClock(shift))


def land(runtime: Runtime, engagement_id: str, day: date, **more: Any) -> None:
    payload = {"engagement_id": engagement_id, "start_time": f"{day}T09:00:00Z", "end_time": f"{day}T09:05:00Z"} | more
    with runtime.lake.writer(DATASETS["zoom/engagements"]) as writer:
        writer.add(
            RecordChunk(
                dataset="zoom/engagements",
                shape=SHAPE_LIST,
                route="poll",
                as_of=runtime.clock.now(),
                batch_id="",
                record_ids=[engagement_id],
                payloads=[json.dumps(payload).encode()],
                engagement_ids=[engagement_id],
                occurred_at=[f"{day}T09:00:00Z"],
            )
        )
        writer.commit()


def publish(home: Path, made: dict[str, dict[str, Any]]) -> None:
    """The mart with the columns that dbt enforces."""
    text = (project_dir() / "models" / "marts" / "core" / "_core.yml").read_text(encoding="utf-8")
    (mart,) = [model for model in yaml.safe_load(text)["models"] if model["name"] == "engagements"]
    columns = ", ".join(f"{column['name']} {column['data_type']}" for column in mart["columns"])
    with duckdb.connect(str(home / "analytics.duckdb")) as connection:
        connection.execute(f"create or replace table engagements ({columns})")
        for engagement_id, facts in made.items():
            ended_at = datetime.combine(facts["started_date"], datetime.min.time()) + timedelta(hours=9)
            row = {"engagement_id": engagement_id, "channel": facts["channels"][0], "ended_at": ended_at} | facts
            names = ", ".join(row)
            connection.execute(
                f"insert into engagements ({names}) values ({', '.join('?' * len(row))})", [*row.values()]
            )
