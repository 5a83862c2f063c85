"""What a pull must not load: pandas alone is half a second and 40 MB."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PULL = """
import sys
from pathlib import Path
from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.records import RecordChunk
from msgspec import Struct
from zcc_pipeline.pipeline.lake_facts import iter_landed
from zcc_pipeline.settings import Settings, open_runtime

settings = Settings(home=Path(sys.argv[1]), zoom_account_id="a", zoom_client_id="b", zoom_client_secret="c")
with open_runtime(settings) as runtime:
    chunk = RecordChunk(
        "zoom/engagements", "list", "poll", runtime.clock.now(), "batch",
        ["a"], [b"{}"], ["a"], ["2026-01-01T00:00:00Z"],
    )
    for expected in (1, 0):
        with runtime.lake.writer(DATASETS["zoom/engagements"]) as writer:
            writer.add(chunk)
            assert writer.commit().new == expected
    day = runtime.lake.days("zoom/engagements")[0]
    assert runtime.lake.latest("zoom/engagements", day, day, columns=["record_id"]).num_rows == 1
    assert [landed.as_of for landed in iter_landed(runtime.lake, "zoom/engagements", Struct, day)] == [chunk.as_of]
print([name for name in ("pandas", "duckdb", "dagster", "dbt") if name in sys.modules])
"""


def test_landing_and_reading_back_loads_neither_pandas_nor_duckdb(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PULL, str(tmp_path)]

    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert printed.strip() == "[]"
