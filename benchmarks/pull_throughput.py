"""Pull to landed Parquet, against dlt's rest_api source and against a loop that only fetches and splits.

    python benchmarks/pull_throughput.py [--records 200000] [--large 1000000] [--rounds 3]

Prints records per second of each (from after its imports to its last byte on disk), both ratios from the same run,
and peak memory at two sizes. With several rounds each candidate runs in each of them, and the ratios are of medians.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from datetime import timedelta
from pathlib import Path

from measure import page_server, run_candidate
from page_server import FIRST_DAY

DAYS = 4


def _run(name: str, port: int) -> dict[str, float]:
    first = FIRST_DAY.date()
    last = first + timedelta(days=DAYS - 1)
    with tempfile.TemporaryDirectory() as folder:
        return run_candidate("candidate_pull.py", name, str(port), str(first), str(last), str(Path(folder)))


def main() -> None:
    """Measure in rounds, so that a noisy moment hits all candidates alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    speeds: dict[str, list[float]] = {"bare": [], "zcc": [], "dlt": []}
    peak = 0.0
    with page_server(options.records, DAYS) as port:
        for number in range(options.rounds):
            for name, seen in speeds.items():
                result = _run(name, port)
                assert result["records"] == options.records, (name, result)
                seen.append(result["records_per_second"])
                if name == "zcc":
                    peak = max(peak, result["peak_mb"])
                speed, memory = result["records_per_second"], result["peak_mb"]
                print(f"round {number + 1} {name:5} {speed:10,.0f} records/s  {memory:6.0f} MB")
    median = {name: statistics.median(values) for name, values in speeds.items()}
    print(f"against dlt:  {median['zcc'] / median['dlt']:.2f} x   (aim 10, never under 6)")
    print(f"against bare: {median['zcc'] / median['bare']:.2f} x   (aim at least 0.45)")
    with page_server(options.large, DAYS) as port:
        large = _run("zcc", port)
    print(
        f"peak memory: {peak:.0f} MB at {options.records:,}, {large['peak_mb']:.0f} MB at {options.large:,} (limit 400)"
    )


if __name__ == "__main__":
    main()
