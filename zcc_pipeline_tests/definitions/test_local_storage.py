"""Dagster's SQLite through connections that stay open: Dagster's own way reads what it writes, at any moment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import _event_logs_directory

from zcc_pipeline.orchestration.instance import ensure_dagster_home


@dg.job
def nothing() -> None: ...


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with ensure_dagster_home(tmp_path) as opened:
        yield opened


def messages(storage: SqliteEventLogStorage, run: dg.DagsterRun) -> list[str]:
    return [str(entry.dagster_event.message) for entry in storage.get_logs_for_run(run.run_id) if entry.dagster_event]


def test_what_was_stored_is_read_by_dagsters_own_storage_while_the_writer_is_at_work(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    run = instance.create_run_for_job(nothing)
    dagsters = SqliteEventLogStorage(_event_logs_directory(str(tmp_path / "dagster")))
    for count in range(1, 4):
        instance.report_engine_event(f"said {count}", run)
        assert messages(dagsters, run)[-1] == f"said {count}"
    instance.report_run_failed(run)
    index = dagsters.path_for_shard("index")
    assert Path(index).is_file()
    assert [found.run_id for found in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))] == [
        run.run_id
    ]


def test_who_watches_a_run_hears_of_each_event(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run = instance.create_run_for_job(nothing)
    instance.report_engine_event("before", run)
    dagsters = SqliteEventLogStorage(_event_logs_directory(str(tmp_path / "dagster")))
    heard = Event()

    def hear(entry: dg.EventLogEntry, _cursor: str) -> None:
        if entry.dagster_event is not None and entry.dagster_event.message == "after":
            heard.set()

    dagsters.watch(run.run_id, None, hear)
    try:
        instance.report_engine_event("after", run)
        assert heard.wait(60)
    finally:
        dagsters.end_watch(run.run_id, hear)
        dagsters.dispose()


def test_of_many_runs_few_connections_are_kept_and_none_after_the_end(tmp_path: Path) -> None:
    folder = Path(_event_logs_directory(str(tmp_path / "dagster")))
    with ensure_dagster_home(tmp_path) as instance:
        runs = [instance.create_run_for_job(nothing) for _ in range(5)]
        for run in runs:
            instance.report_engine_event("once", run)
        instance.report_engine_event("again", runs[0])
        assert len(list(folder.glob("*.db-wal"))) <= 4  # SQLite removes it with the last connection
        assert messages(instance.event_log_storage, runs[0]) == ["once", "again"]  # type: ignore[arg-type]
    assert len(list(folder.glob("*.db"))) == 6
    assert not list(folder.glob("*.db-wal"))


def test_after_all_runs_were_removed_new_events_are_kept(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run = instance.create_run_for_job(nothing)
    instance.report_engine_event("removed", run)
    instance.event_log_storage.wipe()
    instance.report_engine_event("kept", run)
    assert messages(instance.event_log_storage, run) == ["kept"]  # type: ignore[arg-type]
    # another process does the same
    SqliteEventLogStorage(_event_logs_directory(str(tmp_path / "dagster"))).wipe()
    instance.report_engine_event("kept as well", run)
    assert messages(instance.event_log_storage, run) == ["kept as well"]  # type: ignore[arg-type]
