"""In whatever order events come, how often, and wherever applying them is cut off: the same versions are landed."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.events import PushedEvent
from zcc_pipeline.pipeline.events import apply_inbox, look
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline_tests.lakes import all_rows
from zcc_pipeline_tests.received import posted, pushed, receive
from zcc_pipeline_tests.unit.pipeline.homes import open_home

pytestmark = pytest.mark.integration

START = datetime(2026, 11, 20, 9, tzinfo=UTC)
LANDED_IN = ("zoom/events", "zoom/notes", "zoom/dispositions", "zoom/recordings", "zoom/messaging_transcripts")


def events() -> list[PushedEvent]:
    """What happens to six engagements over an hour."""
    happened = []
    for number in range(6):
        key, at = f"e{number}", START + timedelta(minutes=10 * number)
        subject = {"engagement_id": key}
        happened += [
            pushed("engagement_started", subject, at),
            pushed("engagement_note_added", subject | {"note_id": f"n{number}", "note": "first"}, at),
            pushed("engagement_note_added", subject | {"note_id": f"n{number}", "note": "second"}, at + minutes(3)),
            pushed("engagement_disposition_added ", subject | {"disposition_id": "d1"}, at + minutes(1)),
            pushed(
                "recording_completed", subject | {"recording_id": f"r{number}"}, at + minutes(2), intake="websocket"
            ),
            pushed("recording_deleted", {"recording_id": f"r{number}"}, at + minutes(5)),
            posted("disposition_saved", key, at + minutes(1), disposition="Sale", transcript="Ann: hello"),
            pushed("engagement_note_added", subject | {"note": "of no note"}, at),
        ]
    return happened


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def landed(runtime: Runtime) -> set[tuple[Any, ...]]:
    columns = ("record_id", "shape", "engagement_id", "payload", "as_of", "route", "is_deleted")
    return {
        (name, *(row[column] for column in columns))
        for name in LANDED_IN
        for row in all_rows(runtime.lake, DATASETS[name])
    }


def due(runtime: Runtime) -> list[tuple[Any, ...]]:
    return sorted((row.engagement_id, row.due_at, row.read_after) for row in runtime.state.events.waiting())


class CutOff(Exception):
    """Stands for a kill between lake and state."""


def apply_with_cuts(runtime: Runtime, chance: random.Random) -> None:
    ledger = runtime.state.events
    keep = ledger.apply
    limit = chance.choice([1, 3, 7, None])

    def apply(*arguments: Any, **named: Any) -> None:
        if chance.random() < 0.4:
            raise CutOff
        keep(*arguments, **named)

    ledger.apply = apply  # type: ignore[method-assign]
    while look(runtime).unapplied:
        try:
            apply_inbox(runtime, limit=limit)
        except CutOff:
            continue
    ledger.apply = keep  # type: ignore[method-assign]


@pytest.mark.parametrize("seed", range(4))
def test_order_repetition_and_cuts_make_no_difference(tmp_path: Path, seed: int) -> None:
    happened, chance = events(), random.Random(seed)
    with open_home(tmp_path / "plain") as plain:
        plain.config.home.mkdir()
        receive(plain.config.inbox_url, *happened)
        apply_inbox(plain)
        expected, expected_due = landed(plain), due(plain)
        assert len(plain.state.quarantine.list()) == 6
    with open_home(tmp_path / "wild") as wild:
        wild.config.home.mkdir()
        mixed = chance.sample(happened + chance.sample(happened, 12), len(happened) + 12)
        cut = chance.randrange(len(mixed))
        for part in (mixed[:cut], mixed[cut:]):
            receive(wild.config.inbox_url, *part)
            apply_with_cuts(wild, chance)
        assert landed(wild) == expected
        assert due(wild) == expected_due
        assert len(wild.state.quarantine.list()) == 6


def test_a_lower_number_that_becomes_visible_later_is_applied_all_the_same(tmp_path: Path, postgres_url: str) -> None:
    """In a shared inbox two hosts write at once: the one that began first may end last."""
    just_now = datetime.now(UTC)
    happened = [replace(event, received_at=just_now) for event in events()]
    urls = {"inbox_url": postgres_url, "state_url": postgres_url}
    engine = create_engine(postgres_url.replace("postgresql://", "postgresql+psycopg2://"))
    with open_home(tmp_path / "home", **urls) as runtime:
        receive(postgres_url, *happened)
        with engine.begin() as other:
            other.execute(text("CREATE TABLE hidden AS SELECT * FROM zcc_inbox WHERE seq = 2"))
            other.execute(text("DELETE FROM zcc_inbox WHERE seq = 2"))
        assert apply_inbox(runtime).events == len(happened) - 1
        assert look(runtime).unapplied == 0
        with engine.begin() as other:
            other.execute(text("INSERT INTO zcc_inbox OVERRIDING SYSTEM VALUE SELECT * FROM hidden"))
        assert look(runtime).unapplied == 1
        assert apply_inbox(runtime).events == 1
        assert look(runtime).unapplied == 0
    engine.dispose()
