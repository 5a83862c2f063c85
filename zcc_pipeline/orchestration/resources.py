"""What asset bodies are handed: a plain ``Runtime``, opened when a run starts and closed when it ends.

Settings are read at that moment, never when definitions load.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import dagster as dg

from zcc_pipeline.orchestration.failures import explained
from zcc_pipeline.orchestration.run_cleanup import remember_worker, worker_tags
from zcc_pipeline.pipeline.runtime import Runtime

OpenRuntime = Callable[[], Runtime]


def build_runtime_resource(
    open_runtime: OpenRuntime, tags: Callable[[], dict[str, str]] = worker_tags
) -> dg.ResourceDefinition:
    """A resource that hands over what ``open_runtime`` returns; ``tags`` say which process the run depends on."""

    @dg.resource(description="The rooms of the pipeline, opened from the settings of the environment.")
    def runtime(context: dg.InitResourceContext) -> Iterator[Runtime]:
        if context.instance is not None and context.run is not None:
            remember_worker(context.instance, context.run, tags)
        with explained():
            opened = open_runtime()
        with opened:
            yield opened

    return runtime
