"""The inbox as everybody else sees it: read-only, at any time, from any process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from zcc_pipeline.domain.events import InboxRow


class InboxReader:
    """Read-only view; works while the owner writes, after it was killed, and when no inbox exists yet (then it is
    empty). Every call is a snapshot of its own and leaves nothing open. All calls raise ``InboxUnavailable`` where the
    database cannot be read now.

    Progress belongs to the reader: which numbers have been applied, kept per ``inbox_id``. A reader that saw every
    number up to ``n`` continues with ``seqs_after(reader.read_again_after(n), limit)`` and skips what it has applied.
    """

    @classmethod
    def open(cls, url: str) -> Self:
        """``ConfigurationError`` for a wrong URL; that nothing is there yet is no error."""
        raise NotImplementedError

    @property
    def inbox_id(self) -> str | None:
        """ULID made when the inbox was created; numbers are unique within it. ``None``: there is no inbox yet."""
        raise NotImplementedError

    def seqs_after(self, seq: int, limit: int) -> list[tuple[int, datetime]]:
        """``(seq, received_at)`` of rows with higher numbers, ascending, at most ``limit``. Gaps are normal."""
        raise NotImplementedError

    def read_again_after(self, seq: int) -> int:
        """The number after which to read, once everything up to ``seq`` has been seen.

        On SQLite this is ``seq``: one writer, so numbers become visible in order. In PostgreSQL several hosts write,
        and a lower number may become visible after a higher one: it is the number before the first row received in the
        last 15 minutes, which is longer than any insert may last (10 s) plus clocks that differ by minutes. Once a day
        a reader may start from 0 to be beyond doubt; numbers that are applied cost one look-up.
        """
        raise NotImplementedError

    def rows(self, seqs: Sequence[int]) -> list[InboxRow]:
        """These rows, ascending; numbers that are not there (pruned, never used) are left out."""
        raise NotImplementedError

    def highest_seq(self) -> int:
        """The highest number there is now; 0 where there is none."""
        raise NotImplementedError

    def last_received_at(self) -> datetime | None:
        """When the last event came, also when its row has been pruned since (within the 30 days of dedupe memory)."""
        raise NotImplementedError

    def notes(self) -> dict[str, datetime]:
        """When things last happened that are no events, by name: ``challenge``."""
        raise NotImplementedError

    def close(self) -> None:
        """Give connections back."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
