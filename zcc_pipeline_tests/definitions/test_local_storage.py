"""Dagster's SQLite through connections that stay open: Dagster's own way reads what it writes, at any moment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import _event_logs_directory

from zcc_pipeline.orchestration import local_storage
from zcc_pipeline.orchestration.instance import ensure_dagster_home


@dg.job
def nothing() -> None: ...


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with ensure_dagster_home(home) as opened:
        yield opened


def dagsters_own(home: Path) -> SqliteEventLogStorage:
    return SqliteEventLogStorage(_event_logs_directory(str(home / "dagster")))


def messages(storage: SqliteEventLogStorage, run: dg.DagsterRun) -> list[str]:
    return [str(entry.dagster_event.message) for entry in storage.get_logs_for_run(run.run_id) if entry.dagster_event]


def test_what_was_stored_is_read_by_dagsters_own_storage_while_the_writer_is_at_work(
    instance: dg.DagsterInstance, home: Path
) -> None:
    run, dagsters = instance.create_run_for_job(nothing), dagsters_own(home)
    for count in range(1, 4):
        instance.report_engine_event(f"said {count}", run)
        assert messages(dagsters, run)[-1] == f"said {count}"
    instance.report_run_failed(run)
    assert [found.run_id for found in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))] == [
        run.run_id
    ]


def test_who_watches_a_run_hears_of_each_event(instance: dg.DagsterInstance, home: Path) -> None:
    run, dagsters, heard = instance.create_run_for_job(nothing), dagsters_own(home), Event()
    instance.report_engine_event("before", run)

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


def test_of_many_runs_few_connections_are_kept_and_none_after_the_end(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_storage, "_SHARDS_KEPT", 1)
    with ensure_dagster_home(home) as instance:
        log = instance.event_log_storage
        assert isinstance(log, local_storage.LocalEventLog)
        runs = [instance.create_run_for_job(nothing) for _ in range(2)]
        # SQLite removes the log of writes with the last connection to its file
        written = [Path(f"{log.path_for_shard(run.run_id)}-wal") for run in runs]
        for run in runs:
            instance.report_engine_event("once", run)
        assert [path.exists() for path in written] == [False, True]
        instance.report_engine_event("again", runs[0])
        assert messages(log, runs[0]) == ["once", "again"]
        assert [path.exists() for path in written] == [True, False]
    assert not any(path.exists() for path in written)


def test_after_all_runs_were_removed_new_events_are_kept(instance: dg.DagsterInstance, home: Path) -> None:
    run = instance.create_run_for_job(nothing)
    instance.report_engine_event("removed", run)
    instance.event_log_storage.wipe()
    instance.report_engine_event("kept", run)
    assert messages(instance.event_log_storage, run) == ["kept"]  # type: ignore[arg-type]
    # another process does the same
    dagsters_own(home).wipe()
    instance.report_engine_event("kept as well", run)
    assert messages(instance.event_log_storage, run) == ["kept as well"]  # type: ignore[arg-type]
