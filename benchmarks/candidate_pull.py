"""One candidate of the pull benchmark, in a process of its own.

candidate_pull.py bare|zcc|dlt PORT FIRST LAST FOLDER
"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import date, timedelta
from pathlib import Path

from measure import peak_megabytes, report


class Timer:
    """Starts when the libraries are imported: what is compared is the pull, not the start of Python."""

    def start(self) -> None:
        """From here on it counts."""
        self.wall, self.cpu = time.perf_counter(), time.process_time()


TIMER = Timer()


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def bare(port: int, first: date, last: date, _folder: Path) -> int:
    """The least that any client must do: fetch with httpx and split pages into records. Stores nothing."""
    import httpx
    import msgspec

    page_type = msgspec.defstruct("Page", [("engagements", list[msgspec.Raw]), ("next_page_token", str, "")])

    TIMER.start()

    async def fetch() -> int:
        decoder, records = msgspec.json.Decoder(page_type), 0
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            for day in _days(first, last):
                token = ""
                while True:
                    params = {
                        "page_size": "100",
                        "next_page_token": token or "0",
                        "from": f"{day}T00:00:00+00:00",
                        "to": f"{day}T23:59:59+00:00",
                    }
                    answer = await client.get("/v2/contact_center/engagements", params=params)
                    page = decoder.decode(answer.content)
                    records += len(page.engagements)
                    token = page.next_page_token
                    if not token:
                        break
        return records

    return asyncio.run(fetch())


def zcc(port: int, first: date, last: date, folder: Path) -> int:
    """The pipeline's own step: planner, governor, ledgers, three datasets landed."""
    from zcc_pipeline.domain.datasets import DATASETS
    from zcc_pipeline.pipeline.polling import poll
    from zcc_pipeline.settings import Settings, open_runtime

    settings = Settings(
        home=folder,
        zoom_account_id="a",
        zoom_client_id="b",
        zoom_client_secret="c",  # noqa: S106 - the server takes any
        zoom_api_url=f"http://127.0.0.1:{port}/v2",
        zoom_oauth_url=f"http://127.0.0.1:{port}/oauth/token",
        zoom_plan="unlimited",
    )
    with open_runtime(settings) as runtime:
        _ = (runtime.state, runtime.lake)
        TIMER.start()
        reports = poll(runtime, DATASETS["zoom/engagements"], _days(first, last))
    engagements, *others = reports
    assert not engagements.problems, engagements.problems
    assert all(other.total("new") for other in others)
    return engagements.total("new")


def dlt(port: int, first: date, last: date, folder: Path) -> int:
    """dlt's rest_api source to Parquet, nesting off, the same pages."""
    import os

    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["DLT_DATA_DIR"] = str(folder / "dlt")
    import dlt as dlt_library
    import pyarrow.parquet as pq
    from dlt.sources.rest_api import rest_api_source

    TIMER.start()
    source = rest_api_source(
        {
            "client": {
                "base_url": f"http://127.0.0.1:{port}/v2/",
                "paginator": {"type": "cursor", "cursor_path": "next_page_token", "cursor_param": "next_page_token"},
            },
            "resources": [
                {
                    "name": "engagements",
                    "max_table_nesting": 0,
                    "endpoint": {
                        "path": "contact_center/engagements",
                        "params": {
                            "page_size": 100,
                            "from": f"{first}T00:00:00+00:00",
                            "to": f"{last}T23:59:59+00:00",
                        },
                        "data_selector": "engagements",
                    },
                }
            ],
        },
        max_table_nesting=0,
    )
    pipeline = dlt_library.pipeline(
        "bench",
        destination=dlt_library.destinations.filesystem(f"file://{folder / 'out'}"),
        dataset_name="raw",
        pipelines_dir=str(folder / "pipelines"),
    )
    pipeline.run(source, loader_file_format="parquet")
    return sum(pq.read_metadata(path).num_rows for path in (folder / "out").rglob("engagements/*.parquet"))


if __name__ == "__main__":
    name, port, first, last, folder = sys.argv[1:]
    candidate = {"bare": bare, "zcc": zcc, "dlt": dlt}[name]
    records = candidate(int(port), date.fromisoformat(first), date.fromisoformat(last), Path(folder))
    seconds = time.perf_counter() - TIMER.wall
    report(
        records=records,
        seconds=seconds,
        cpu_seconds=time.process_time() - TIMER.cpu,
        records_per_second=records / seconds,
        peak_mb=peak_megabytes(),
    )
