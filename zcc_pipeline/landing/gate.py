"""Keeps records of erased engagements out of the lake."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import compress

import numpy as np
import pyarrow as pa

from zcc_pipeline.domain.records import RecordChunk
from zcc_pipeline.domain.suppression import SuppressionList
from zcc_pipeline.landing.columns import from_numpy

AskSuppressed = Callable[[], SuppressionList]
"""What was erased as of now; the same object again where nothing was added."""


class Gate:
    """What one writer asks of each chunk. It looks up what was erased at its first chunk and once more at the commit,
    for an engagement may be erased while a long day is read.
    """

    def __init__(self, ask: AskSuppressed) -> None:
        self._ask = ask
        self._erased: SuppressionList | None = None

    def admit(self, chunk: RecordChunk) -> RecordChunk:
        """The chunk without records of erased engagements."""
        if self._erased is None:
            self._erased = self._ask()
        if not self._erased:
            return chunk
        is_kept = [not self._erased.names(*ids) for ids in zip(chunk.engagement_ids, chunk.record_ids, strict=True)]
        if all(is_kept):
            return chunk
        return replace(
            chunk,
            record_ids=list(compress(chunk.record_ids, is_kept)),
            payloads=list(compress(chunk.payloads, is_kept)),
            engagement_ids=list(compress(chunk.engagement_ids, is_kept)),
            occurred_at=list(compress(chunk.occurred_at, is_kept)),
        )

    def has_closed_further(self) -> bool:
        """Whether anything was erased since the first chunk."""
        before, self._erased = self._erased, self._ask()
        return before is not None and before is not self._erased

    def mask(self, record_ids: Sequence[str], engagement_ids: Sequence[str | None]) -> pa.Array:
        """True for the rows that may stay, by what was erased when last looked."""
        erased = self._erased or SuppressionList()
        kept = [not erased.names(*ids) for ids in zip(engagement_ids, record_ids, strict=True)]
        return from_numpy(np.array(kept, np.bool_), pa.bool_())
