"""Shared by the benchmarks: a server process, a candidate in a process of its own, its time and memory."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent


@contextlib.contextmanager
def page_server(records: int, days: int) -> Iterator[int]:
    """The pre-serialised server in a process of its own; yields its port."""
    command = [sys.executable, str(HERE / "page_server.py"), str(records), str(days)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def run_candidate(script: str, *arguments: str) -> dict[str, float]:
    """Run ``script`` and return the JSON object of its last line."""
    command = [sys.executable, str(HERE / script), *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def peak_megabytes() -> float:
    """Largest resident size of this process so far (``ru_maxrss`` would count its parent's before exec)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def report(**figures: float) -> None:
    """One line of JSON for the process that started this one."""
    print(json.dumps(figures), flush=True)


@contextlib.contextmanager
def file_server() -> Iterator[str]:
    """A server of files of any size in a process of its own; yields its base address."""
    command = [sys.executable, str(HERE / "file_server.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()
