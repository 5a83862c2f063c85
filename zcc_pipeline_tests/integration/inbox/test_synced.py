"""Between the write of an event and its acknowledgement lies a sync: seen from outside, by strace."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from zcc_pipeline_tests.integration.inbox.processes import ROOT, command

pytestmark = pytest.mark.integration
EVENTS = 40

_WRITE = re.compile(r"pwrite64\(\d+<[^>]*inbox\.sqlite-wal>")
_SYNC = re.compile(r"f(?:data)?sync\(\d+<[^>]*inbox\.sqlite-wal>")
_SYNC_RESUMED = re.compile(r"<\.\.\. f(?:data)?sync resumed>.*= 0")
_ACKNOWLEDGED = re.compile(r'write\(1<.*"acknowledged')


def unsynced_acknowledgements(trace: str) -> tuple[int, int]:
    """How many acknowledgements there are, and how many came while something written was not synced."""
    acknowledged = unsynced = 0
    is_dirty, was_written = False, False
    syncing: set[str] = set()
    for line in trace.splitlines():
        thread = line.split(" ", 1)[0]
        if _WRITE.search(line):
            is_dirty = was_written = True
        elif _SYNC.search(line):
            if "<unfinished" in line:
                syncing.add(thread)
            elif line.endswith("= 0"):
                is_dirty = False
        elif _SYNC_RESUMED.search(line) and thread in syncing:
            syncing.remove(thread)
            is_dirty = False
        elif _ACKNOWLEDGED.search(line):
            acknowledged += 1
            unsynced += is_dirty or not was_written
            was_written = False
    return acknowledged, unsynced


def test_no_event_is_acknowledged_before_its_write_was_synced(tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("NOT SHOWN HERE: that nothing is acknowledged before a sync needs strace (apt-get install strace)")
    trace = tmp_path / "trace"
    tracing = ["strace", "-f", "-y", "-o", str(trace), "-e", "trace=pwrite64,fdatasync,fsync,write"]
    subprocess.run(
        [*tracing, *command("put_and_say", tmp_path / "inbox.sqlite", EVENTS)], check=True, cwd=ROOT, timeout=120
    )

    assert unsynced_acknowledgements(trace.read_text()) == (EVENTS, 0)


def test_the_reading_of_traces_notices_a_missing_sync() -> None:
    write = '7 pwrite64(5</x/inbox.sqlite-wal>, "..."..., 4120, 32) = 4120'
    sync = "7 fdatasync(5</x/inbox.sqlite-wal>) = 0"
    tell = '6 write(1<pipe:[1]>, "acknowledged 0\\n", 15) = 15'
    begun = "7 fdatasync(5</x/inbox.sqlite-wal> <unfinished ...>"
    ended = "7 <... fdatasync resumed>)         = 0"

    assert unsynced_acknowledgements("\n".join([write, sync, tell])) == (1, 0)
    assert unsynced_acknowledgements("\n".join([write, begun, ended, tell])) == (1, 0)
    assert unsynced_acknowledgements("\n".join([write, tell, sync])) == (1, 1)
    assert unsynced_acknowledgements("\n".join([write, begun, tell, ended])) == (1, 1)
    assert unsynced_acknowledgements("\n".join([write, sync, tell, tell])) == (2, 1)
