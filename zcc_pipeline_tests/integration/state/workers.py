"""What other processes do to a state store while a test watches: ``python -m … <command> <url> …``."""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

from zcc_pipeline.domain.completeness import ArtefactKind, Reason
from zcc_pipeline.domain.datasets import Label
from zcc_pipeline.domain.ports import ReadRow, StoredFile, WantedArtefact
from zcc_pipeline.domain.window import Window
from zcc_pipeline.state import StateStore

DAY = date(2026, 11, 20)


def wait_for_others(meeting: str) -> None:
    folder, _, count = meeting.rpartition(":")
    if not folder:
        return
    (Path(folder) / str(os.getpid())).touch()
    give_up_at = time.monotonic() + 60
    while sum(1 for _ in Path(folder).iterdir()) < int(count):
        if time.monotonic() > give_up_at:
            raise TimeoutError("another process has not come")
        time.sleep(0.001)


def open_together(url: str, meeting: str, timezone: str) -> None:
    wait_for_others(meeting)
    with StateStore.open(url) as store:
        store.settings.freeze_timezone(timezone)
        store.budget.reserve(Label.LIGHT, interval_seconds=1, burst=1, now=time.time())


def reserve(url: str, meeting: str, times: str, interval: str, burst: str) -> None:
    with StateStore.open(url) as store:
        wait_for_others(meeting)
        began = time.perf_counter()
        slots = [
            store.budget.reserve(Label.MEDIUM, interval_seconds=float(interval), burst=int(burst), now=time.time())
            for _ in range(int(times))
        ]
        print(json.dumps({"slots": slots, "seconds": time.perf_counter() - began}))


def spend(url: str, meeting: str, times: str, cap: str) -> None:
    with StateStore.open(url) as store:
        wait_for_others(meeting)
        print(sum(store.budget.spend_daily(DAY, amount=1, cap=int(cap)) for _ in range(int(times))))


def want(url: str, meeting: str, first: str, last: str) -> None:
    now = datetime.now(UTC)
    with StateStore.open(url) as store:
        wait_for_others(meeting)
        new = 0
        for number in range(int(first), int(last), 10):
            wanted = [
                WantedArtefact(ArtefactKind.RECORDING, f"r{each}", None, DAY, now)
                for each in range(number, number + 10)
            ]
            new += store.artefacts.want(wanted, now=now)
        print(new)


def suppress(url: str, meeting: str, keys_folder: str, engagement_id: str) -> None:
    with StateStore.open(url, keys_folder=Path(keys_folder)) as store:
        wait_for_others(meeting)
        store.suppression.add([engagement_id], now=datetime.now(UTC))


def write_until_killed(url: str) -> None:
    """Prints what the store has acknowledged, and never ends by itself."""
    with StateStore.open(url) as store:
        number = 0
        while True:
            number += 1
            now = datetime.now(UTC)
            wanted = [
                WantedArtefact(ArtefactKind.RECORDING, f"r{number}-{each}", f"e{number}", DAY, now)
                for each in range(20)
            ]
            store.artefacts.want(wanted, now=now)
            print(json.dumps({"wanted": number}), flush=True)
            file = StoredFile(f"p{number}", number, f"{number:064x}", "b" * 128, "audio/mpeg", "mp3")
            store.artefacts.mark_stored(ArtefactKind.RECORDING, {f"r{number}-0": file}, now=now)
            print(json.dumps({"stored": number}), flush=True)
            batch_id = store.windows.begin("zoom/engagements", Window(now, now.replace(year=2027)), day=DAY, now=now)
            store.windows.finish(
                batch_id, rows=number, announced=None, pages=1, api_calls=1, is_complete=True, error=None, now=now
            )
            print(json.dumps({"batch": batch_id}), flush=True)
            store.reads.record_all([ReadRow(f"e{number}", "zoom/surveys", "found", "", DAY, None, now)])
            store.absences.mark("zoom/notes", [f"n{number}"], DAY, now)
            item = store.quarantine.add("landing", "zoom/notes", None, Reason.NOT_READY, "", b"%d" % number, now)
            print(json.dumps({"item": item, "read": number}), flush=True)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
