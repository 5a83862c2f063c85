"""50,000 engagements in one day under Business+ limits and 200 ms latency: how near to the shortest possible time?

    python benchmarks/rate_limited_day.py [--engagements 50000] [--latency-ms 200]

Prints the time taken, the shortest time that the limit allows (full pages at 20 calls a second), ratio and 429s.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import urllib.request
from datetime import UTC, date, datetime, timedelta
from multiprocessing import Process, Queue
from pathlib import Path

MEDIUM_CALLS_PER_SECOND = 20
PAGE = 100


def serve_account(engagements: int, latency_ms: float, ready: Queue[tuple[str, str, str]]) -> None:
    """The stand-in in a process of its own; tells its addresses."""
    from zcc_pipeline.simulator.zoom.account.spec import AccountSpec
    from zcc_pipeline.simulator.zoom.options import SimulatorOptions
    from zcc_pipeline.simulator.zoom.server import serve

    spec = AccountSpec(last_day=_thursday(), days=1, engagements_per_day=engagements)
    options = SimulatorOptions(spec=spec, plan="business", latency_ms=latency_ms)
    serve(options, on_ready=lambda sim: ready.put((sim.api_url, sim.oauth_url, sim.control_url)))


def _thursday() -> date:
    """The last Thursday before today: the stand-in's load over the week gives that day exactly its mean."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    return yesterday - timedelta(days=(yesterday.weekday() - 3) % 7)


def pull_day(api_url: str, oauth_url: str, home: Path) -> tuple[int, float]:
    """List the day through the pipeline's own step; records and seconds."""
    from zcc_pipeline.domain.datasets import DATASETS
    from zcc_pipeline.pipeline.polling import poll
    from zcc_pipeline.settings import Settings, open_runtime

    settings = Settings(
        home=home,
        zoom_account_id="a",
        zoom_client_id="b",
        zoom_client_secret="c",  # noqa: S106 - the stand-in takes any
        zoom_api_url=api_url,
        zoom_oauth_url=oauth_url,
        zoom_plan="business",
        zoom_rate_share=1,
    )
    with open_runtime(settings) as runtime:
        _ = (runtime.state, runtime.lake)
        begin = time.perf_counter()
        report, *_ = poll(runtime, DATASETS["zoom/engagements"], [_thursday()])
        seconds = time.perf_counter() - begin
    assert not report.problems, report.problems
    return report.total("new"), seconds


def main() -> None:
    """One run; the limit makes it long enough to be steady."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engagements", type=int, default=50_000)
    parser.add_argument("--latency-ms", type=float, default=200)
    options = parser.parse_args()
    ready: Queue[tuple[str, str, str]] = Queue()
    server = Process(target=serve_account, args=(options.engagements, options.latency_ms, ready), daemon=True)
    server.start()
    try:
        api_url, oauth_url, control_url = ready.get(timeout=300)
        with tempfile.TemporaryDirectory() as folder:
            records, seconds = pull_day(api_url, oauth_url, Path(folder))
        with urllib.request.urlopen(f"{control_url}/state") as answer:  # noqa: S310
            state = json.load(answer)
    finally:
        server.terminate()
    shortest = records / PAGE / MEDIUM_CALLS_PER_SECOND
    calls = state["requests"]["by_label"]["MEDIUM"]
    print(f"{records:,} engagements in {calls} calls and {seconds:.1f} s; the limit allows {shortest:.1f} s")
    print(f"against the limit: {seconds / shortest:.2f} x   (aim at most 1.15)")
    print(f"429 answers: {sum(state['rate_limited'].values())}   (aim 0)")


if __name__ == "__main__":
    main()
