"""Dagster's own tables in SQLite, beside the data, through connections that stay open.

Dagster opens a database anew for each event of a run: it connects, compiles the statement, and in closing takes the log
of writes back into the file, which makes 6 ms of processor time where 1 is enough. Here connections stay open, those to
the events of the runs used last. What is committed is on disk as before.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import (
    DagsterSqliteStorage,
    _event_logs_directory,
    _runs_directory,
    _schedule_directory,
)
from dagster._serdes import ConfigurableClassData
from sqlalchemy.pool import NullPool, StaticPool

_SHARDS_KEPT = 4
"""One a run, and the index over all runs, which every run writes to."""


class LocalStorage(DagsterSqliteStorage):
    """What ``dagster.yaml`` names as its storage."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super(DagsterSqliteStorage, self).__init__()  # type: ignore[no-untyped-call] # its own opens it all in its way
        self.base_dir, self._inst_data = base_dir, inst_data
        self._run_storage = LocalRuns.from_local(_runs_directory(base_dir))
        self._event_log_storage = LocalEventLog(_event_logs_directory(base_dir))
        self._schedule_storage = SqliteScheduleStorage.from_local(_schedule_directory(base_dir))

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> LocalStorage:
        """As the file says: ``base_dir`` is where Dagster itself would put it all, in the same form."""
        return cls(config_value["base_dir"], inst_data=inst_data)


class LocalRuns(SqliteRunStorage):
    """What is known of runs; ``dispose`` closes what is open."""

    def __init__(self, conn_string: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engine = sa.create_engine(conn_string, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS})
        super().__init__(conn_string, inst_data=inst_data)

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """A connection of the pool, in a transaction."""
        with self._engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        """Close every connection that is not in use."""
        self._engine.dispose()
        super().dispose()


class LocalEventLog(SqliteEventLogStorage):
    """The events of runs; ``dispose`` closes what is open."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, sa.Engine] = OrderedDict()
        super().__init__(base_dir, inst_data=inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._db_lock, self._engine(shard).begin() as connection:
            yield connection

    def store_event(self, event: EventLogEntry) -> None:
        """Store, and touch the file: Dagster's UI watches it, and what is written waits in the log beside it."""
        super().store_event(event)
        with suppress(FileNotFoundError):  # deleted meanwhile
            os.utime(self.path_for_shard(event.run_id))

    def wipe(self) -> None:
        """Remove all events; the files of runs go, so their connections go first."""
        self._close_all()
        super().wipe()

    def dispose(self) -> None:
        """Close every connection and stop watching."""
        self._close_all()
        super().dispose()

    def _engine(self, shard: str) -> sa.Engine:
        """Of a shard, its tables made. The lock is held, so that the one connection has one user at a time."""
        engine = self._engines.pop(shard, None)
        if engine is not None and not Path(self.path_for_shard(shard)).exists():
            engine.dispose()  # another process has removed all runs: what is written from here on must be found
            self._initialized_dbs.discard(shard)
            engine = None
        self._engines[shard] = engine = engine or self._open(shard)
        while len(self._engines) > _SHARDS_KEPT:
            self._engines.popitem(last=False)[1].dispose()
        return engine

    def _open(self, shard: str) -> sa.Engine:
        url, wait = self.conn_string_for_shard(shard), {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
        if shard not in self._initialized_dbs:
            maker = sa.create_engine(url, poolclass=NullPool, connect_args=wait)  # it needs several connections at once
            self._initdb(maker)
            maker.dispose()
            self._initialized_dbs.add(shard)
        return sa.create_engine(url, poolclass=StaticPool, connect_args={**wait, "check_same_thread": False})

    def _close_all(self) -> None:
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()
