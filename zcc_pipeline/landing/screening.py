"""What may look at records before they land; who looks, and for what, is the caller's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from zcc_pipeline.landing.batch import Batch
from zcc_pipeline.landing.columns import Array


class Screening(Protocol):
    """Looks at the records of one commit."""

    def glance(self, batch: Batch) -> Sequence[int]:
        """Rows that are to be looked at closely. Called in a thread while the next records are read, so it neither
        changes anything nor keeps the interpreter's lock for long.
        """
        ...

    def look(self, dataset: str, batch: Batch, rows: Array, suspects: Sequence[int]) -> None:
        """See ``rows`` of a batch, which are text; payloads may be rewritten with ``Batch.rewrite``."""
        ...

    def finish(self) -> None:
        """Keep what was seen, before anything of it can be read in the lake."""
        ...
