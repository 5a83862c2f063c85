"""The process in which the demo exports: ``python -m zcc_pipeline.cli.demo_export_process``.

What it needs is imported ahead. Its word to begin is one line of JSON on standard input, what arrived goes to standard
output. When standard input closes, the demo has died and this process ends at once: the export's ledger makes that
safe.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import asdict

import duckdb  # noqa: F401 - imported ahead, like all below that is not named here

from zcc_pipeline.cli.demo_exports import export_to_all
from zcc_pipeline.domain.errors import ZccPipelineError
from zcc_pipeline.pipeline import exporting  # noqa: F401
from zcc_pipeline.settings import load_settings, open_runtime


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(130)


def main() -> None:
    """Export to all CRMs, once told where they are; without a word, do nothing."""
    line = sys.stdin.buffer.readline()
    if not line:
        return
    threading.Thread(target=_end_with_parent, daemon=True).start()
    word = json.loads(line)
    try:
        with open_runtime(load_settings(word["environment"])) as runtime:
            arrived = export_to_all(runtime, word["control_urls"])
    except ZccPipelineError as error:
        sys.exit(" ".join(str(error).split()))  # the last line is what the demo says
    print(json.dumps([asdict(each) for each in arrived]))


if __name__ == "__main__":
    main()
