"""What was archived and which days are closed: a cache of the archive, which is the truth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime

import sqlalchemy as sa

from zcc_pipeline.domain.archive_ledger import ArchivedRow, ArchiveWindow
from zcc_pipeline.state.database import Database
from zcc_pipeline.state.schema import archive_windows, archived

_ROW = [archived.c[name] for name in ArchivedRow.__dataclass_fields__]
_WINDOW = [archive_windows.c[name] for name in ArchiveWindow.__dataclass_fields__]


class StoredArchive:
    """Rows by engagement, and by day and dataset."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_empty(self) -> bool:
        """Whether nothing is known: a new archive, or a state that was lost."""
        with self._database.read() as connection:
            return connection.execute(sa.select(archived.c.engagement_id).limit(1)).first() is None

    def on_days(self, first: date, last: date) -> dict[str, ArchivedRow]:
        """Engagements that started on those days, by id."""
        with self._database.read() as connection:
            found = connection.execute(sa.select(*_ROW).where(archived.c.day.between(first, last)))
            return {row["engagement_id"]: ArchivedRow(**row) for row in found.mappings()}

    def pending(self) -> Sequence[ArchivedRow]:
        """Those whose object was about to be written when an export ended."""
        with self._database.read() as connection:
            found = connection.execute(sa.select(*_ROW).where(archived.c.is_pending))
            return [ArchivedRow(**row) for row in found.mappings()]

    def save(self, rows: Iterable[ArchivedRow], *, now: datetime) -> None:
        """Write them, in place of what was known of the same engagements."""
        values = [asdict(row) | {"changed_at": now} for row in rows]
        if not values:
            return
        insert = self._database.insert(archived)
        names = ("day", "source_hash", "version", "inventory_sha512", "is_pending", "changed_at")
        upsert = insert.on_conflict_do_update(
            index_elements=[archived.c.engagement_id], set_={name: insert.excluded[name] for name in names}
        )
        with self._database.write() as connection:
            connection.execute(upsert, values)

    def windows(self, first: date, last: date) -> dict[tuple[date, str], ArchiveWindow]:
        """The newest manifests of those days, by day and dataset."""
        with self._database.read() as connection:
            found = connection.execute(sa.select(*_WINDOW).where(archive_windows.c.day.between(first, last)))
            return {(row["day"], row["dataset"]): ArchiveWindow(**row) for row in found.mappings()}

    def save_windows(self, rows: Iterable[ArchiveWindow], *, now: datetime) -> None:
        """Write them, in place of what was known of the same days and datasets."""
        values = [asdict(row) | {"changed_at": now} for row in rows]
        if not values:
            return
        insert = self._database.insert(archive_windows)
        names = ("manifest_sha512", "is_closed", "changed_at")
        upsert = insert.on_conflict_do_update(
            index_elements=[archive_windows.c.day, archive_windows.c.dataset],
            set_={name: insert.excluded[name] for name in names},
        )
        with self._database.write() as connection:
            connection.execute(upsert, values)
