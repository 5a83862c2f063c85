"""Memory does not grow with the size of a file or of a day."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak is read from /proc"),
]
ROOT = Path(__file__).parents[3]


def peak_megabytes(work: str, folder: Path, amount: int) -> int:
    command = [
        sys.executable,
        "-m",
        "zcc_pipeline_tests.integration.landing.peak_memory",
        work,
        str(folder),
        str(amount),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    finished = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    megabytes = int(finished.stdout)
    assert megabytes > 0, "the system does not say"
    return megabytes


def test_a_large_file_takes_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    small = peak_megabytes("store", tmp_path / "small", 10)
    large = peak_megabytes("store", tmp_path / "large", 400)
    assert large < small + 16


def test_a_large_day_takes_hardly_more_memory_than_a_small_one(tmp_path: Path) -> None:
    small = peak_megabytes("land", tmp_path / "small", 30_000)
    large = peak_megabytes("land", tmp_path / "large", 150_000)
    assert large < small + 24
    assert large < 250
