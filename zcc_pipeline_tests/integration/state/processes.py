"""Starts ``workers`` in processes of their own."""

from __future__ import annotations

import subprocess
import sys
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


def meeting(tmp_path: Path, count: int) -> str:
    """Where that many processes wait for each other, so that they run into each other from then on."""
    folder = tmp_path / "meeting"
    folder.mkdir()
    return f"{folder}:{count}"


ALONE = ":0"
"""The meeting of a process that waits for nobody."""


def outputs(processes: list[subprocess.Popen[str]]) -> list[str]:
    """What each printed; fails with the first error."""
    printed = []
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        printed.append(out)
    return printed
