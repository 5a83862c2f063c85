"""Build the warehouse from the lake, then swap the analysts' copy in. Two verbs, timed apart."""

from __future__ import annotations

from datetime import date

from zcc_pipeline.pipeline.archive_indexing import archive_index_view
from zcc_pipeline.pipeline.completeness import DATASET as COMPLETENESS
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.warehouse import BuildResult, PublishResult


def build(runtime: Runtime, *, full_refresh: bool = False) -> BuildResult:
    """Run dbt over what the lake has that the warehouse has not; the lake is seeded first so that no glob is empty."""
    _ = runtime.lake
    verified = runtime.state.windows.complete_days(COMPLETENESS.name, date.min, date.max)
    return runtime.warehouse.build(full_refresh=full_refresh, verified_days=verified)


def publish(runtime: Runtime) -> PublishResult:
    """Write ``analytics.duckdb`` beside and swap it in; readers keep the copy they have open."""
    return runtime.warehouse.publish(views=(archive_index_view(runtime),))
