"""Places of a purge, one by one."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from zcc_pipeline.archive.ocfl import ObjectStore
from zcc_pipeline.archive.storage import FolderPlace
from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.domain.completeness import ArtefactKind
from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.ports import WantedArtefact
from zcc_pipeline.domain.purging import PendingPurge, Traces
from zcc_pipeline.pipeline.purging import archive, dagster_storage, files
from zcc_pipeline.pipeline.purging.crm import write_list
from zcc_pipeline.pipeline.purging.report import CrmRecord
from zcc_pipeline.pipeline.purging.subject import SHARED, Subject
from zcc_pipeline.pipeline.purging.traces import find_traces
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.settings import Settings, open_runtime
from zcc_pipeline_tests.lakes import chunk

GONE = "AbCdEfGhIjKlMnOpQrSt12"
STAYS = "ZbCdEfGhIjKlMnOpQrSt12"
DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def subject_of(*record_ids: tuple[str, str]) -> Subject:
    row = PendingPurge(GONE, f"urn:zoom-cc:a:engagement:{GONE}", DAY, "run", "legal", None, NOW)
    by_dataset = {dataset: frozenset(each for name, each in record_ids if name == dataset) for dataset, _ in record_ids}
    return Subject([row], Traces(by_dataset, frozenset({DAY})))


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    with open_runtime(Settings(home=tmp_path / "home")) as opened:
        yield opened


def test_files_go_by_their_ids_whatever_the_ledgers_have_forgotten(runtime: Runtime) -> None:
    top = runtime.config.home / "files"
    for kind, name in (
        (ArtefactKind.RECORDING, "r1.0123456789ab.mp3"),
        (ArtefactKind.RECORDING, "r10.0123456789ab.mp3"),
        (ArtefactKind.RECORDING_TRANSCRIPT, "r1.ba9876543210.vtt"),
        (ArtefactKind.RECORDING_TRANSCRIPT, "r1.0123456789ab.vtt"),
    ):
        path = top / kind / f"date={DAY}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"content")
    removed = list(files.clear(runtime, subject_of(("zoom/recordings", "r1"))))
    assert [path.name for path in top.rglob("*.*") if path.is_file()] == ["r10.0123456789ab.mp3"]
    assert (removed[0].count, removed[0].size_bytes) == (3, 21)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("inventory.json", json.dumps({"id": f"urn:zoom-cc:a:engagement:{GONE}"}).encode()),
        ("content/notes/n1.json", b'{"engagement_id": "' + GONE.encode() + b'"}'),
        (f"content/transcripts/{GONE}.json", b"{}"),
    ],
)
def test_what_a_crash_had_set_aside_of_an_object_goes_and_that_of_others_stays(
    tmp_path: Path, name: str, content: bytes
) -> None:
    place = FolderPlace(tmp_path)
    for folder, data in (("one-v2", content), ("other-v2", content.replace(GONE.encode(), STAYS.encode()))):
        path = tmp_path / "quarantine" / folder / (name if folder == "one-v2" else name.replace(GONE, STAYS))
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
    removed = list(archive.clear_store(place, ObjectStore(place, clock=SystemClock()), subject_of()))
    assert [path.name for path in (tmp_path / "quarantine").iterdir()] == ["other-v2"]
    assert {each.what: each.count for each in removed}["folders set aside"] == 1


def test_ids_in_dagsters_storage_are_overwritten_to_the_last_byte_and_others_stay(runtime: Runtime) -> None:
    folder = runtime.config.home / "dagster" / "history" / "runs"
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / "index.db")) as database:
        database.execute("create table event_logs (id integer primary key, event text)")
        texts = [json.dumps({"refused": [GONE, STAYS]}), json.dumps({"days": 2})]
        database.executemany("insert into event_logs (event) values (?)", [(text,) for text in texts])
        database.commit()
    log = runtime.config.home / "dagster" / "storage" / "compute.err"
    log.parent.mkdir()
    log.write_text(f"refused: {GONE}; {STAYS}\n")
    removed = {each.what: each.count for each in dagster_storage.clear(runtime, subject_of())}
    assert removed == {"mentions in events of runs": 1, "logs of runs": 1}
    assert log.read_text() == f"refused: (erased); {STAYS}\n"
    with closing(sqlite3.connect(folder / "index.db")) as database:
        events = [json.loads(text) for (text,) in database.execute("select event from event_logs order by id")]
    assert events == [{"refused": ["(erased)", STAYS]}, {"days": 2}]
    assert GONE.encode() not in (folder / "index.db").read_bytes()
    assert {each.count for each in dagster_storage.clear(runtime, subject_of())} == {0}


def test_the_list_of_crm_records_is_a_csv_that_any_program_reads(tmp_path: Path) -> None:
    record = CrmRecord(
        "zendesk", "ticket", "4711", GONE, "https://example.zendesk.com/agent/tickets/4711", 2, "created"
    )
    write_list(tmp_path / "new" / "list.csv", [record])
    with (tmp_path / "new" / "list.csv").open(newline="") as stream:
        assert list(csv.DictReader(stream)) == [
            {
                "crm": "zendesk",
                "remote_object": "ticket",
                "remote_id": "4711",
                "engagement_id": GONE,
                "url": "https://example.zendesk.com/agent/tickets/4711",
                "pieces": "2",
                "status": "created",
            }
        ]


def test_an_event_without_engagement_is_theirs_by_its_key_or_by_what_it_names() -> None:
    subject = subject_of(("zoom/events", "0a0b"), ("zoom/recordings", "r1"))
    assert subject.owns_event(b"\x0a\x0b", None, b"{}")
    assert subject.owns_event(b"\x01", None, b'{"payload": {"object": {"recording_id": "r1"}}}')
    assert subject.owns_event(b"\x01", GONE, None)
    assert not subject.owns_event(b"\x01", STAYS, None)
    assert not subject.owns_event(b"\x01", None, b'{"payload": {"object": {"recording_id": "r2"}}}')


def test_a_recording_that_an_engagement_which_stays_has_as_well_is_no_trace_of_the_one_that_goes(
    runtime: Runtime,
) -> None:
    recordings = DATASETS["zoom/recordings"]
    with runtime.lake.writer(recordings) as writer:
        for record_id, engagement_id, minute in (("r1", GONE, 0), ("r1", STAYS, 1), ("r2", GONE, 0)):
            payload = f'{{"recording_id": "{record_id}", "engagement_id": "{engagement_id}"}}'.encode()
            writer.add(chunk([(record_id, payload)], minute=minute, dataset=recordings, engagement_ids=[engagement_id]))
        writer.commit()
    found, rows = find_traces(runtime, [GONE])
    assert found[GONE].record_ids == {"zoom/recordings": frozenset({"r2"}), SHARED: frozenset({"r1"})}
    assert (rows, found[GONE].days) == (2, frozenset({DAY}))
    subject = replace(subject_of(), traces=found[GONE])
    assert subject.own_ids == frozenset({GONE, "r2"})
    assert subject.record_ids == {"zoom/recordings": frozenset({"r2"})}


def test_a_file_that_was_stored_after_the_purge_had_looked_goes_as_well_and_a_shared_one_stays(
    runtime: Runtime,
) -> None:
    top = runtime.config.home / "files" / "recording" / f"date={DAY}"
    top.mkdir(parents=True)
    wanted = [WantedArtefact(ArtefactKind.RECORDING, each, GONE, DAY, NOW) for each in ("late", "both")]
    runtime.state.artefacts.want(wanted, now=NOW)
    for name in ("late", "both"):
        (top / f"{name}.0123456789ab.mp3").write_bytes(b"content")
    subject = replace(subject_of(), traces=Traces({SHARED: frozenset({"both"})}, frozenset()))
    assert next(files.clear(runtime, subject)).count == 1
    assert [path.name for path in top.iterdir()] == ["both.0123456789ab.mp3"]
