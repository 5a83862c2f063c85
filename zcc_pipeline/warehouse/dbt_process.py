"""The process in which dbt runs: ``python -m zcc_pipeline.warehouse.dbt_process [arguments of a parse]``.

A request comes as one line of JSON on standard input, a Unix socket, with the descriptors that this process is to
hold; the outcome goes to a file. Until it comes, dbt is imported and, where arguments are given, its project is read.
dbt keeps its database open for as long as its process lives and changes logging for the whole of it, so it gets a
process of its own. When standard input closes, the parent has died and this process ends at once: DuckDB's
transactions make that safe.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any

_MOST_DESCRIPTORS = 8
_ENDED = 130


def _receive(channel: socket.socket) -> dict[str, Any]:
    """The request; descriptors that come with it stay open until this process ends."""
    line = b""
    while not line.endswith(b"\n"):
        part, _, _, _ = socket.recv_fds(channel, 65_536, _MOST_DESCRIPTORS)
        if not part:
            os._exit(_ENDED)
        line += part
    request: dict[str, Any] = json.loads(line)
    return request


def _end_with_parent(channel: socket.socket) -> None:
    channel.recv(1)
    os._exit(_ENDED)


def _outcome(result: Any) -> dict[str, Any]:  # noqa: ANN401 - dbt has no types
    nodes = [
        {
            "unique_id": one.node.unique_id,
            "resource_type": str(getattr(one.node.resource_type, "value", one.node.resource_type)),
            "status": str(getattr(one.status, "value", one.status)),
            "seconds": one.execution_time,
            "failures": one.failures,
            "message": one.message or "",
            "names": list(one.node.config.meta.get("names", ())),
            "sql": getattr(one.node, "compiled_code", None) or "",
        }
        for one in getattr(result.result, "results", None) or []
    ]
    return {"success": bool(result.success), "exception": str(result.exception or ""), "nodes": nodes}


def main() -> None:
    """Run one dbt command."""
    channel = socket.socket(fileno=os.dup(sys.stdin.fileno()))
    from dbt.cli.main import dbtRunner

    ahead = sys.argv[1:]
    manifest: Any = dbtRunner().invoke(ahead).result if ahead else None  # None if unreadable: the command says why
    request = _receive(channel)
    threading.Thread(target=_end_with_parent, args=(channel,), daemon=True).start()
    if request.get("s3") is not None:
        from zcc_pipeline.warehouse import dbt_plugin

        dbt_plugin.configure_s3(request["s3"])
    result = dbtRunner(manifest).invoke(request["arguments"])
    outcome = Path(request["outcome"])
    part = outcome.with_suffix(".part")
    part.write_text(json.dumps(_outcome(result)))
    part.replace(outcome)
    sys.stdout.flush()
    os._exit(0)  # a daemon thread waits on standard input; nothing is left to do


if __name__ == "__main__":
    main()
