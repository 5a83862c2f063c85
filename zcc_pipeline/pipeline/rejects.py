"""Records that cannot be landed because they do not say what they are: kept apart with the reason, to be replayed."""

from __future__ import annotations

from collections.abc import Callable

from zcc_pipeline.domain.datasets import Dataset
from zcc_pipeline.pipeline.card_data import to_be_kept
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.sources.zoom_api import RejectedRecord


def quarantine_into(runtime: Runtime, dataset: Dataset) -> Callable[[RejectedRecord], None]:
    """What a listing calls for each record without identity; one that names an erased engagement is dropped."""

    def reject(rejected: RejectedRecord) -> None:
        if runtime.suppressed().is_named_in(bytes(rejected.payload)):
            return
        runtime.state.quarantine.add(
            room="polling",
            dataset=rejected.dataset or dataset.name,
            record_id=None,
            reason=rejected.reason,
            detail="",
            payload=to_be_kept(bytes(rejected.payload), runtime.config.card_data),
            now=runtime.clock.now(),
        )

    return reject
