"""The state store: one object that opens the database and hands out its ledgers.

    store = StateStore.open("sqlite:////data/state.sqlite")
    store.windows.begin(...)
    store.close()

On SQLite the rate budget lives in a file of its own beside the ledgers (``state-rate.sqlite``): a reservation happens
for every API call and must not wait while another process syncs ten thousand ledger rows to disk, and it needs no sync
itself, because what a power cut could make it forget is a moment's worth of slots. On PostgreSQL rows are locked one
by one, so one database serves both; reservations there skip the wait for the disk as well.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from zcc_pipeline.state.absences import StoredAbsences
from zcc_pipeline.state.archive import StoredArchive
from zcc_pipeline.state.archive_marks import StoredArchiveMarks
from zcc_pipeline.state.artefacts import StoredArtefacts
from zcc_pipeline.state.database import Database, open_ledger_engine, open_rate_engine, parse_state_url
from zcc_pipeline.state.differences import StoredDifferences
from zcc_pipeline.state.events import StoredEvents
from zcc_pipeline.state.exports import StoredExports
from zcc_pipeline.state.frozen import FrozenSettings
from zcc_pipeline.state.migrate import ensure_current
from zcc_pipeline.state.purges import StoredPurges
from zcc_pipeline.state.quarantine import StoredQuarantine
from zcc_pipeline.state.rate import SharedRateBudget
from zcc_pipeline.state.reads import StoredReads
from zcc_pipeline.state.suppression import StoredSuppression
from zcc_pipeline.state.windows import StoredWindows


class StateStore:
    """All ledgers of one installation. Safe to use from several threads and processes at once."""

    def __init__(
        self, ledgers: Database, rates: Database, new_id: Callable[[datetime], str], keys_folder: Path | None
    ) -> None:
        self._ledgers = ledgers
        self._rates = rates
        self.budget = SharedRateBudget(rates)
        self.windows = StoredWindows(ledgers, new_id)
        self.artefacts = StoredArtefacts(ledgers)
        self.reads = StoredReads(ledgers)
        self.absences = StoredAbsences(ledgers)
        self.events = StoredEvents(ledgers)
        self.quarantine = StoredQuarantine(ledgers, new_id)
        self.differences = StoredDifferences(ledgers)
        self.exports = StoredExports(ledgers)
        self.archive = StoredArchive(ledgers)
        self.archive_marks = StoredArchiveMarks(ledgers)
        self.suppression = StoredSuppression(ledgers, keys_folder)
        self.purges = StoredPurges(ledgers)
        self.settings = FrozenSettings(ledgers)

    @classmethod
    def open(
        cls, url: str, *, new_id: Callable[[datetime], str] | None = None, keys_folder: Path | None = None
    ) -> Self:
        """Open, creating or migrating where needed.

        ``url`` is a path, ``sqlite:///…`` or ``postgresql://…``. ``new_id`` makes ids that sort by the time they are
        given (ULIDs by default). ``keys_folder`` is for keys that must not lie in the database itself; for a SQLite
        file it is ``keys`` beside it unless told otherwise. Raises ``ConfigurationError`` for a wrong URL or a store
        written by a newer version, and ``TransientError`` where the database cannot be reached.
        """
        target = parse_state_url(url)
        if target.get_backend_name() != "sqlite":
            ledgers = Database(open_ledger_engine(target))
            ensure_current(ledgers, frozenset({"ledgers", "rates"}))
            return cls(ledgers, Database(open_rate_engine(target)), new_id or _ulid, keys_folder)
        path = Path(target.database or "")
        path.parent.mkdir(parents=True, exist_ok=True)
        ledgers = Database(open_ledger_engine(target))
        ensure_current(ledgers, frozenset({"ledgers"}))
        beside = target.set(database=str(path.with_name(f"{path.stem}-rate{path.suffix}")))
        _migrate_rate_file(beside)
        return cls(ledgers, Database(open_rate_engine(beside)), new_id or _ulid, keys_folder or path.parent / "keys")

    def close(self) -> None:
        """Give all connections back."""
        self._ledgers.engine.dispose()
        self._rates.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _migrate_rate_file(url: sa.URL) -> None:
    # reservations run outside transactions, a migration inside one: so it gets an engine of its own
    database = Database(open_ledger_engine(url))
    try:
        ensure_current(database, frozenset({"rates"}))
    finally:
        database.engine.dispose()


def _ulid(now: datetime) -> str:
    from ulid import ULID

    return str(ULID.from_datetime(now))
