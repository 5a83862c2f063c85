"""Between an event and its 200 lies a sync of the inbox: seen from outside the process, by strace."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from zcc_pipeline_tests.event_senders import zoom_body
from zcc_pipeline_tests.receiver_process import post, receiving

pytestmark = pytest.mark.integration
EVENTS = 30

_WRITE = re.compile(r"pwrite64\(\d+<[^>]*inbox\.sqlite-wal>")
_SYNC = re.compile(r"f(?:data)?sync\(\d+<[^>]*inbox\.sqlite-wal>")
_SYNC_RESUMED = re.compile(r"<\.\.\. f(?:data)?sync resumed>.*= 0")
_ACKNOWLEDGED = re.compile(r'(?:write|writev|sendmsg|sendto)\(\d+<.*"HTTP/1\.1 200')


def order_of(trace: str) -> str:
    """``w`` for a write, ``s`` for a sync that is done, ``a`` for an acknowledgement."""
    order, syncing = "", set()
    for line in trace.splitlines():
        thread = line.split(" ", 1)[0]
        if _WRITE.search(line):
            order += "w"
        elif _SYNC.search(line):
            if "<unfinished" in line:
                syncing.add(thread)
            else:
                order += "s"
        elif _SYNC_RESUMED.search(line) and thread in syncing:
            syncing.remove(thread)
            order += "s"
        elif _ACKNOWLEDGED.search(line):
            order += "a"
    return order


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace (apt-get install strace)")
def test_no_webhook_is_acknowledged_before_its_event_was_synced(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    calls = "trace=pwrite64,fdatasync,fsync,write,writev,sendmsg,sendto"
    tracing = ["strace", "-D", "-f", "-y", "-s", "64", "-o", str(trace), "-e", calls]
    with receiving(tmp_path / "home", before=tracing) as running:
        assert {post(running.address, zoom_body(number=number)) for number in range(EVENTS)} == {200}
        running.process.terminate()
        assert running.process.wait(30) == 0
    order = order_of(trace.read_text())
    assert order.count("a") == EVENTS
    for since_the_last in order.split("a")[:-1]:
        assert re.search("w+s$", since_the_last), order
