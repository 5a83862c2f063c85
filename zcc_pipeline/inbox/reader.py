"""The inbox as everybody else sees it: read-only, at any time, from any process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from zcc_pipeline.domain.events import InboxRow, Intake, PushedEvent
from zcc_pipeline.inbox.address import parse_inbox_url
from zcc_pipeline.inbox.storage import COLUMNS
from zcc_pipeline.inbox.view import View

_LOOKED_AT_ONCE = 500


class InboxReader:
    """Read-only view; works while the owner writes, after it was killed, and when no inbox exists yet (then it is
    empty). Every call is a snapshot of its own and leaves nothing open. All calls raise ``InboxUnavailable`` where the
    database cannot be read now.

    Progress belongs to the reader: which numbers have been applied, kept per ``inbox_id``. A reader that saw every
    number up to ``n`` continues with ``seqs_after(reader.read_again_after(n), limit)`` and skips what it has applied.
    """

    def __init__(self, view: View) -> None:
        """Use ``open``."""
        self._view = view

    @classmethod
    def open(cls, url: str) -> Self:
        """``ConfigurationError`` for a wrong URL; that nothing is there yet is no error."""
        target = parse_inbox_url(url)
        if isinstance(target, Path):
            from zcc_pipeline.inbox.sqlite_view import SqliteView

            return cls(SqliteView(target))
        from zcc_pipeline.inbox.postgres_view import PostgresView  # its driver is imported where it is used

        return cls(PostgresView(target))

    @property
    def inbox_id(self) -> str | None:
        """ULID made when the inbox was created; numbers are unique within it. ``None``: there is no inbox yet."""
        found = self._view.select("SELECT value FROM zcc_inbox_about WHERE name = 'inbox_id'")
        return found[0][0] if found else None

    def seqs_after(self, seq: int, limit: int) -> list[tuple[int, datetime]]:
        """``(seq, received_at)`` of rows with higher numbers, ascending, at most ``limit``. Gaps are normal."""
        query = "SELECT seq, received_at FROM zcc_inbox WHERE seq > ? ORDER BY seq LIMIT ?"
        return [(number, self._view.moment(at)) for number, at in self._view.select(query, seq, limit)]

    def read_again_after(self, seq: int) -> int:
        """The number after which to read, once everything up to ``seq`` has been seen.

        On SQLite this is ``seq``: one writer, so numbers become visible in order. In PostgreSQL several hosts write,
        and a lower number may become visible after a higher one: it is the last number of a row received more than 15
        minutes ago (0 where there is none), which is longer than any insert may last (10 s) plus clocks that differ by
        minutes. Once a day a reader may start from 0 to be beyond doubt; numbers that are applied cost one look-up.
        """
        return self._view.read_again_after(seq)

    def rows(self, seqs: Sequence[int]) -> list[InboxRow]:
        """These rows, ascending; numbers that are not there (pruned, never used) are left out."""
        query = f"SELECT seq, {', '.join(COLUMNS)} FROM zcc_inbox WHERE {self._view.seq_in} ORDER BY seq"
        found = self._view.select(query, self._view.numbers(seqs)) if seqs else []
        return [self._row(*columns) for columns in found]

    def _row(
        self,
        seq: int,
        dedupe_key: bytes,
        intake: Intake,
        received_at: object,
        event: str,
        event_ts: object,
        account_id: str | None,
        engagement_id: str | None,
        body: bytes,
    ) -> InboxRow:
        pushed = PushedEvent(
            intake=intake,
            received_at=self._view.moment(received_at),
            dedupe_key=bytes(dedupe_key),
            event=event,
            event_ts=None if event_ts is None else self._view.moment(event_ts),
            account_id=account_id,
            engagement_id=engagement_id,
            body=bytes(body),
        )
        return InboxRow(seq, pushed)

    def find(self, is_about: Callable[[bytes, str | None, bytes | None], bool]) -> list[int]:
        """Numbers of rows that ``is_about`` picks by dedupe key, engagement and, where there is no engagement, body."""
        query = (
            "SELECT seq, dedupe_key, engagement_id, CASE WHEN engagement_id IS NULL THEN body END FROM zcc_inbox"
            f" WHERE seq > ? ORDER BY seq LIMIT {_LOOKED_AT_ONCE}"
        )
        found: list[int] = []
        last = 0
        while rows := self._view.select(query, last):
            for seq, key, engagement_id, body in rows:
                if is_about(bytes(key), engagement_id, None if body is None else bytes(body)):
                    found.append(seq)
            last = rows[-1][0]
        return found

    def highest_seq(self) -> int:
        """The highest number there is now; 0 where there is none."""
        found = self._view.select("SELECT max(seq) FROM zcc_inbox")
        return (found[0][0] or 0) if found else 0

    def last_received_at(self) -> datetime | None:
        """When the last event came, also when its row has been pruned since (within the 30 days of dedupe memory).

        A gap is no event: the listener says it itself, and most often where nothing comes.
        """
        # by number, not by time: the table has no index on time where one host writes it in order
        query = (
            "SELECT coalesce((SELECT received_at FROM zcc_inbox WHERE intake <> 'gap' ORDER BY seq DESC LIMIT 1),"
            " (SELECT max(received_at) FROM zcc_inbox_seen))"
        )
        found = self._view.select(query)
        return self._view.moment(found[0][0]) if found and found[0][0] is not None else None

    def notes(self) -> dict[str, datetime]:
        """When things last happened that are no events, by name: ``challenge``."""
        return {name: self._view.moment(at) for name, at in self._view.select("SELECT name, at FROM zcc_inbox_note")}

    def close(self) -> None:
        """Give connections back."""
        self._view.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
