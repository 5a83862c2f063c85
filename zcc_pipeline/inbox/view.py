"""What the reader asks of a database, and in which the two differ."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol


class View(Protocol):
    """Read-only queries, each a snapshot of its own. Raises ``InboxUnavailable`` where it cannot be read now."""

    seq_in: str
    """Condition that takes ``numbers(...)``."""

    def select(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows of a query with ``?`` for values; none where there is no inbox yet."""
        ...

    def numbers(self, seqs: Sequence[int]) -> object:
        """Many numbers as one value."""
        ...

    def moment(self, value: Any) -> datetime:  # noqa: ANN401 as the database has it
        """A stored moment, aware, in UTC."""
        ...

    def read_again_after(self, seq: int) -> int:
        """See ``InboxReader``."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...
