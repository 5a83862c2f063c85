"""A day whose lake files are as they were is not read again, and whatever changes is seen."""

from __future__ import annotations

import json
import shutil
import sqlite3
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.records import SHAPE_LIST, RecordChunk
from zcc_pipeline.landing.storage import LocalStorage
from zcc_pipeline.pipeline.archiving import ArchiveReport, archive_changes
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline_tests.integration.archive.small_home import TODAY, land, opened

pytestmark = pytest.mark.integration
DAYS = 30
FIRST = TODAY - timedelta(days=DAYS + 1)
Opened = list[str]


@pytest.fixture
def opens(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Lake files that are opened from here on."""
    paths: Opened = []
    open_input = LocalStorage.open_input

    def counting(self: LocalStorage, path: str, **options: Any) -> pa.NativeFile:
        paths.append(path)
        return open_input(self, path, **options)

    monkeypatch.setattr(LocalStorage, "open_input", counting)
    return paths


def use(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZCC_HOME", str(home))
    monkeypatch.setenv("ZCC_ZOOM_ACCOUNT_ID", "account")


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An engagement and a note on each of thirty days, all of it archived; one note came a fortnight late."""
    home = tmp_path_factory.mktemp("archived") / "home"
    with pytest.MonkeyPatch.context() as patched:
        use(home, patched)
        fill()
        assert export().created == DAYS
    return home


@pytest.fixture
def home(archived: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it."""
    shutil.copytree(archived, tmp_path / "home")
    use(tmp_path / "home", monkeypatch)
    return tmp_path / "home"


def fill() -> None:
    with opened() as runtime:
        for number in range(DAYS):
            land(runtime, f"eng-{number}", FIRST + timedelta(days=number))
            land_note(runtime, f"eng-{number}", FIRST + timedelta(days=number), f"note {number}")
        land_note(runtime, "eng-3", FIRST + timedelta(days=17), "pushed late", name="late")


def land_note(runtime: Runtime, engagement_id: str, day: date, text: str, *, name: str = "") -> None:
    note_id = f"note-{engagement_id}{name}"
    with runtime.lake.writer(DATASETS["zoom/notes"]) as writer:
        writer.add(
            RecordChunk(
                dataset="zoom/notes", shape=SHAPE_LIST, route="poll", as_of=runtime.clock.now(), batch_id="",
                record_ids=[note_id],
                payloads=[json.dumps({"note_id": note_id, "note": text}).encode()],
                engagement_ids=[engagement_id],
                occurred_at=[f"{day}T10:00:00Z"],
            )
        )  # fmt: skip
        writer.commit()


def export() -> ArchiveReport:
    with opened() as runtime:
        return archive_changes(runtime)


@pytest.mark.slow
def test_an_export_over_thirty_unchanged_days_opens_no_lake_file(home: Path, opens: Opened) -> None:
    days_open = export().days_open
    assert len(days_open) >= DAYS, "nothing says yet that they were listed"
    report = export()
    assert opens == []
    assert report.days_open == days_open
    assert (report.engagements, report.unchanged, report.created, report.versions) == (DAYS, DAYS, 0, 0)


def test_only_what_is_near_to_a_day_that_changed_is_read(home: Path, opens: Opened) -> None:
    day = FIRST + timedelta(days=20)
    with opened() as runtime:
        land_note(runtime, "eng-20", day, "edited")
    opens.clear()
    report = export()
    assert (report.versions, report.created, report.unchanged) == (1, 0, DAYS - 1)
    near = {f"date={day + timedelta(days=offset)}" for offset in range(-4, 5)}
    assert {path.split("/")[2] for path in opens} <= near
    opens.clear()
    assert export().unchanged == DAYS
    assert opens == []


def test_a_note_that_lands_far_from_its_engagement_makes_one_version(home: Path) -> None:
    with opened() as runtime:
        land_note(runtime, "eng-5", FIRST + timedelta(days=28), "weeks later", name="far")
    report = export()
    assert (report.versions, report.unchanged) == (1, DAYS - 1)
    with opened() as runtime:
        land_note(runtime, "eng-3", FIRST + timedelta(days=17), "pushed late, and edited", name="late")
    assert export().versions == 1, "the day it lies on has changed, the engagement's own day has not"
    with opened() as runtime:
        land_note(runtime, "eng-3", FIRST + timedelta(days=3), "edited at home")
    report = export()
    assert (report.versions, report.unchanged) == (1, DAYS - 1)
    (held,) = (home / "archive/objects").glob("???/???/???/*eng-3/inventory.json")
    inventory = json.loads(held.read_bytes())
    paths = {path for each in inventory["versions"]["v3"]["state"].values() for path in each}
    assert {"notes/note-eng-3.json", "notes/note-eng-3late.json"} <= paths, "what lies far away is still known"


def test_something_that_landed_before_its_engagement_was_known_is_found_once_it_is(home: Path) -> None:
    with opened() as runtime:
        land_note(runtime, "eng-new", FIRST + timedelta(days=2), "pushed first")
    assert (export().created, export().created) == (0, 0)
    with opened() as runtime:
        land(runtime, "eng-new", FIRST + timedelta(days=25))
    assert export().created == 1
    (held,) = (home / "archive/objects").glob("???/???/???/*eng-new/v1/content/notes/note-eng-new.json")
    assert b"pushed first" in held.read_bytes()


def test_compaction_is_looked_at_once_and_makes_no_version(home: Path, opens: Opened) -> None:
    day = FIRST + timedelta(days=9)
    with opened() as runtime:
        land_note(runtime, "eng-9", day, "edited")
    assert export().versions == 1
    with opened() as runtime:
        assert runtime.lake.compact("zoom/notes", day).rows
    assert (export().versions, export().versions) == (0, 0)
    opens.clear()
    assert export().unchanged == DAYS
    assert opens == []


def test_a_day_is_looked_at_again_when_what_is_known_of_it_was_lost(home: Path) -> None:
    with sqlite3.connect(home / "state.sqlite") as state:
        state.execute("delete from zcc_archived where engagement_id = 'eng-7'")
    report = export()
    assert (report.created, report.versions, report.unchanged) == (0, 0, DAYS)
    with opened() as runtime:
        assert runtime.state.archive.on_days(FIRST, TODAY)["eng-7"].version == 1
