"""The analysts' copy: what people open in a notebook or a BI tool."""

from collections.abc import Callable
from typing import Any

import dagster as dg

from zcc_pipeline.orchestration.assets.dbt import model_key
from zcc_pipeline.orchestration.assets.raw import OWNERS
from zcc_pipeline.orchestration.dbt_project import Project
from zcc_pipeline.orchestration.failures import tried_again
from zcc_pipeline.pipeline.build import publish
from zcc_pipeline.pipeline.runtime import Runtime

ANALYTICS = dg.AssetKey(["analytics"])

_DESCRIPTION = """\
`analytics.duckdb`: every mart, written beside and swapped in, so that whoever has the file open keeps a whole copy.
It is written only where no test of severity error has failed that looks at a mart or at what marts are made of.
"""


def build_publish_assets(project: Project, on_published: Callable[[], None] | None = None) -> list[dg.AssetsDefinition]:
    """One asset downstream of every mart; ``on_published`` is called as soon as the copy is swapped in."""

    @dg.asset(
        key=ANALYTICS,
        deps=[model_key(model) for model in project.models if model.is_mart],
        group_name="publish",
        kinds={"duckdb"},
        owners=OWNERS,
        description=_DESCRIPTION,
    )
    def analytics(runtime: dg.ResourceParam[Runtime]) -> dg.MaterializeResult[Any]:
        with tried_again():
            result = publish(runtime)
        if on_published is not None:
            on_published()
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(str(result.path)),
                "tables": dg.MetadataValue.md("\n".join(f"- `{name}`" for name in result.tables)),
                "bytes written": result.bytes_written,
                "seconds": dg.MetadataValue.float(round(result.seconds, 3)),
            }
        )

    return [analytics]
