"""Opening: creating, migrating, refusing, and several processes at it at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from zcc_pipeline.domain.errors import ConfigurationError, TransientError
from zcc_pipeline.state import StateStore
from zcc_pipeline.state.database import Database, open_ledger_engine, parse_state_url
from zcc_pipeline.state.migrate import MIGRATIONS, ensure_current, upgrade
from zcc_pipeline.state.schema import HEAD, VERSION_TABLE, heavy_days, metadata, rates
from zcc_pipeline_tests.integration.state.conftest import DAY, NOW
from zcc_pipeline_tests.integration.state.processes import ALONE, meeting, outputs, start
from zcc_pipeline_tests.postgres import Postgres

pytestmark = pytest.mark.integration


def test_what_was_written_is_there_after_opening_again(state_url: str) -> None:
    with StateStore.open(state_url) as store:
        store.absences.mark("zoom/notes", ["n1"], DAY, NOW)
    with StateStore.open(state_url) as store:
        assert store.absences.pending("zoom/notes", DAY) == {"n1": NOW}


def test_a_new_store_has_exactly_the_tables_that_the_code_knows(state_url: str) -> None:
    with StateStore.open(state_url) as store:
        for database in {store._ledgers, store._rates}:
            with database.engine.connect() as connection:
                existing = sa.inspect(connection).get_table_names()
                context = MigrationContext.configure(
                    connection,
                    opts={
                        "version_table": VERSION_TABLE,
                        "include_object": lambda _, name, kind, *__: kind != "table" or name in existing,  # noqa: B023
                    },
                )
                assert compare_metadata(context, metadata) == []
        tables = {
            name
            for database in (store._ledgers, store._rates)
            for name in sa.inspect(database.engine).get_table_names()
        }
    assert tables == {*metadata.tables, VERSION_TABLE}


@pytest.mark.parametrize("parts", [{"ledgers"}, {"rates"}, {"ledgers", "rates"}])
def test_migrations_from_nothing_make_the_same_tables_as_a_new_store_has(
    tmp_path: Path, postgres: Postgres, parts: set[str]
) -> None:
    for kind in ("sqlite", "postgresql"):
        made, migrated = (
            Database(
                open_ledger_engine(
                    parse_state_url(postgres.create_schema() if kind == "postgresql" else str(tmp_path / name))
                )
            )
            for name in ("made", "migrated")
        )
        ensure_current(made, frozenset(parts))
        with migrated.write() as connection:
            upgrade(connection, frozenset(parts))
        assert everything_about_tables(made) == everything_about_tables(migrated)
        for database in (made, migrated):
            database.engine.dispose()


def everything_about_tables(database: Database) -> dict[str, object]:
    inspector = sa.inspect(database.engine)
    found: dict[str, object] = {
        name: {
            "columns": [{**column, "type": str(column["type"])} for column in inspector.get_columns(name)],
            "key": inspector.get_pk_constraint(name),
            "indexes": sorted(inspector.get_indexes(name), key=repr),
            "unique": inspector.get_unique_constraints(name),
            "checks": inspector.get_check_constraints(name),
            "foreign": inspector.get_foreign_keys(name),
        }
        for name in sorted(inspector.get_table_names())
    }
    with database.read() as connection:
        found["version"] = connection.scalar(sa.text(f"SELECT version_num FROM {VERSION_TABLE}"))
    return found


def test_the_newest_migration_is_the_schema_that_the_code_expects() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_a_store_written_by_a_newer_version_is_refused_and_left_alone(state_url: str) -> None:
    with StateStore.open(state_url) as store, store._ledgers.write() as connection:
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '9000'"))

    with pytest.raises(ConfigurationError, match=r"(?s)ZCC_STATE_URL.*newer.*9000.*up to " + HEAD):
        StateStore.open(state_url)


def test_processes_that_open_a_new_store_at_once_all_succeed(state_url: str, tmp_path: Path) -> None:
    begin = meeting(tmp_path, 3)

    outputs([start("open_together", state_url, begin, "Europe/Berlin") for _ in range(3)])

    with StateStore.open(state_url) as store:
        assert store.settings.timezone() == "Europe/Berlin"


def test_of_two_time_zones_frozen_at_once_one_is_refused(state_url: str, tmp_path: Path) -> None:
    begin = meeting(tmp_path, 2)
    processes = [start("open_together", state_url, begin, zone) for zone in ("Europe/Berlin", "Asia/Tokyo")]
    errors = [process.communicate(timeout=60)[1] for process in processes]

    assert sorted(process.returncode for process in processes) == [0, 1]
    assert sum("ZCC_TIMEZONE" in error for error in errors) == 1, errors


@pytest.mark.slow
def test_a_process_killed_while_it_creates_the_store_leaves_one_that_opens(tmp_path: Path) -> None:
    for attempt in range(12):
        url = f"sqlite:///{tmp_path}/{attempt}/state.sqlite"
        process = start("open_together", url, ALONE, "UTC")
        while not (tmp_path / str(attempt)).exists() and process.poll() is None:
            time.sleep(0.001)
        time.sleep(0.02 * attempt)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()

        with StateStore.open(url) as store:
            store.settings.freeze_timezone("UTC")


def test_a_server_that_is_not_there_is_a_passing_error_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(TransientError) as caught:
        StateStore.open(f"postgresql://zcc:s3cret@/zcc?host={tmp_path}")

    assert "s3cret" not in str(caught.value)


def test_importing_the_room_and_opening_a_current_store_needs_no_alembic(tmp_path: Path) -> None:
    StateStore.open(str(tmp_path / "state.sqlite")).close()
    code = (
        "import sys; from zcc_pipeline.state import StateStore; "
        f"StateStore.open({str(tmp_path / 'state.sqlite')!r}).close(); "
        "print([name for name in ('alembic', 'dagster', 'pyarrow', 'pandas', 'duckdb') if name in sys.modules])"
    )

    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout

    assert printed.strip() == "[]"


def test_the_store_makes_the_folder_it_lies_in_and_keeps_the_rate_budget_beside(tmp_path: Path) -> None:
    StateStore.open(f"sqlite:///{tmp_path}/a%20 b/zcc/state.sqlite").close()

    assert sorted(path.name for path in (tmp_path / "a%20 b/zcc").iterdir()) == ["state-rate.sqlite", "state.sqlite"]


def test_a_store_of_the_first_version_is_brought_up_to_date_with_all_it_holds(state_url: str) -> None:
    with StateStore.open(state_url) as store:
        store.absences.mark("zoom/notes", ["n1"], DAY, NOW)
        with store._ledgers.write() as connection:
            first = {"zcc_window", "zcc_artefact", "zcc_read", "zcc_absence", "zcc_quarantine", "zcc_setting"}
            for table in set(metadata.sorted_tables) - {rates, heavy_days}:
                if table.name not in first:
                    connection.execute(sa.text(f"DROP TABLE {table.name}"))
            connection.execute(sa.text("DROP INDEX zcc_read_by_end"))
        for database in (store._ledgers, store._rates):
            with database.engine.begin() as connection:
                connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '0001'"))

    with StateStore.open(state_url) as store:
        assert store.absences.pending("zoom/notes", DAY) == {"n1": NOW}
        store.events.apply("01INBOX", [1], now=NOW)
        assert store.events.applied("01INBOX", [1, 2]) == {1}
        for database in (store._ledgers, store._rates):
            with database.engine.connect() as connection:
                assert connection.scalar(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")) == HEAD


def test_of_many_that_create_one_file_at_the_same_moment_none_finds_it_locked(tmp_path: Path) -> None:
    def connect(path: Path, together: Barrier) -> None:
        engine = open_ledger_engine(sa.make_url(f"sqlite:///{path}"))
        together.wait()
        with engine.connect():
            pass
        engine.dispose()

    with ThreadPoolExecutor(4) as threads:
        for attempt in range(60):
            together = Barrier(4)
            for done in [threads.submit(connect, tmp_path / f"{attempt}.sqlite", together) for _ in range(4)]:
                done.result()
