"""The process in which dbt runs: ``python -m zcc_pipeline.warehouse.dbt_process``.

A request comes as one line of JSON on standard input, the outcome goes to a file. dbt keeps its database open for as
long as its process lives and changes logging for the whole of it, so it gets a process of its own. When standard
input closes, the parent has died and this process ends at once: DuckDB's transactions make that safe.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(130)


def _outcome(result: Any) -> dict[str, Any]:  # noqa: ANN401 - dbt has no types
    nodes = [
        {
            "unique_id": one.node.unique_id,
            "resource_type": str(getattr(one.node.resource_type, "value", one.node.resource_type)),
            "status": str(getattr(one.status, "value", one.status)),
            "seconds": one.execution_time,
            "failures": one.failures,
            "message": one.message or "",
        }
        for one in getattr(result.result, "results", None) or []
    ]
    return {"success": bool(result.success), "exception": str(result.exception or ""), "nodes": nodes}


def main() -> None:
    """Run one dbt command."""
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if request.get("s3") is not None:
        from zcc_pipeline.warehouse import dbt_plugin

        dbt_plugin.configure_s3(request["s3"])

    from dbt.cli.main import dbtRunner

    result = dbtRunner().invoke(request["arguments"])
    outcome = Path(request["outcome"])
    part = outcome.with_suffix(".part")
    part.write_text(json.dumps(_outcome(result)))
    part.replace(outcome)
    sys.stdout.flush()
    os._exit(0)  # daemon threads wait on standard input; nothing is left to do


if __name__ == "__main__":
    main()
