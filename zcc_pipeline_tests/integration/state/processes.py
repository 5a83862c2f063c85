"""Starts ``workers`` in processes of their own."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[3]


def start(command: str, url: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "zcc_pipeline_tests.integration.state.workers", command, url, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def soon(seconds: float = 2.5) -> float:
    """A moment at which all processes are up, so that they run into each other."""
    return time.time() + seconds


def outputs(processes: list[subprocess.Popen[str]]) -> list[str]:
    """What each printed; fails with the first error."""
    printed = []
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        printed.append(out)
    return printed
