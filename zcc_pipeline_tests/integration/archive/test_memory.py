"""However many objects there are, an export, a verification and a rebuilt index hold no more of them in memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.slow]
ROOT = Path(__file__).parents[3]
OBJECTS = 15_000
MOST_BYTES_AN_OBJECT = 1_000
"""Of the last nine tenths. One entry of the ledger as Python objects would alone take more; allocators and caches of a
fixed size, which are still filling then, come to 8 MB and less, half of it."""


def test_memory_does_not_grow_with_the_number_of_objects(tmp_path: Path) -> None:
    script = ROOT / "benchmarks" / "archive_objects.py"
    command = [sys.executable, str(script), "--memory", "--objects", str(OBJECTS), "--on", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    grown = {line.partition(":")[0]: int(line.split()[-4].replace(",", "")) for line in done.stdout.splitlines()}
    assert set(grown) == {"created", "verified", "promises and holds read", "index rebuilt"}
    assert {name: each for name, each in grown.items() if each > MOST_BYTES_AN_OBJECT} == {}, done.stdout
