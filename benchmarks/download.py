"""Fetch one file through the pipeline's own path (both digests, fsync, rename) and with curl, from the same server.

    python benchmarks/download.py [--megabytes 1000] [--rounds 3]

Prints MB/s of both, their ratio from the same run, and peak memory at 10 MB and at the full size.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from measure import file_server, peak_megabytes, report, run_candidate


def fetch(url: str, home: Path) -> None:
    """One file through client and file store; reports seconds and peak memory."""
    from zcc_pipeline.pipeline.loop import run as run_loop
    from zcc_pipeline.settings import Settings, open_runtime
    from zcc_pipeline.sources.zoom_api import DownloadSource

    base = url.rpartition("/contact_center/")[0]
    settings = Settings(
        home=home,
        zoom_account_id="a",
        zoom_client_id="b",
        zoom_client_secret="c",  # noqa: S106 - the server takes any
        zoom_api_url=base,
        zoom_oauth_url=base.removesuffix("/v2") + "/oauth/token",
        zoom_plan="unlimited",
        zoom_download_hosts=("127.0.0.1",),
    )

    async def run() -> float:
        with open_runtime(settings) as runtime:
            files = runtime.files
            async with runtime.zoom() as api:
                begin = time.perf_counter()
                await files.store(
                    kind="recording", source_id="bench", day=datetime.now(UTC).date(), source=DownloadSource(api, url)
                )
                return time.perf_counter() - begin

    report(seconds=run_loop(run()), peak_mb=peak_megabytes())


def curl(url: str, folder: str) -> float:
    """Seconds that curl takes, its file synced as well."""
    target = Path(folder) / "curl.bin"
    begin = time.perf_counter()
    subprocess.run(["curl", "-sS", "-L", "-H", "Authorization: Bearer t", "-o", str(target), url], check=True)
    with target.open("rb") as handle:
        os.fsync(handle.fileno())
    return time.perf_counter() - begin


def have_it_made(url: str) -> None:
    """Ask for the file once and keep nothing: the server makes it for the first who asks, which is nobody's time."""
    subprocess.run(["curl", "-sS", "-L", "-o", os.devnull, url], check=True)


def main() -> None:
    """Alternate both, so that a noisy moment hits them alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    ours, theirs, peaks = [], [], []
    with file_server() as base:
        small = f"{base}/v2/contact_center/recording/download/bench-{10 * 1_000_000}"
        url = f"{base}/v2/contact_center/recording/download/bench-{options.megabytes * 1_000_000}"
        with tempfile.TemporaryDirectory() as folder:
            low = run_candidate("download.py", "--fetch", small, folder)["peak_mb"]
        have_it_made(url)
        for _ in range(options.rounds):
            with tempfile.TemporaryDirectory() as folder:
                theirs.append(options.megabytes / curl(url, folder))
            with tempfile.TemporaryDirectory() as folder:
                result = run_candidate("download.py", "--fetch", url, folder)
            ours.append(options.megabytes / result["seconds"])
            peaks.append(result["peak_mb"])
            print(f"pipeline {ours[-1]:7.0f} MB/s   curl {theirs[-1]:7.0f} MB/s")
    print(f"against curl: {statistics.median(ours) / statistics.median(theirs):.2f} x   (aim at least 0.7)")
    print(f"peak memory: {low:.0f} MB for 10 MB, {max(peaks):.0f} MB for {options.megabytes} MB (flat)")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--fetch"]:
        fetch(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
