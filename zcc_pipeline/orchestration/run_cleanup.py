"""Runs whose process was killed: Dagster leaves them STARTED for ever, and with them the concurrency slots they hold.

A run remembers where it works as tags (host, boot, process). A run is dead when it worked on this host and the host
has been started anew since, or its process is gone, or another process has been given its number. Runs on other
hosts are left alone.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

PID_TAG = "zcc/pid"
HOST_TAG = "zcc/host"
BOOT_TAG = "zcc/boot_id"
START_TAG = "zcc/process_start"

TAGS_OF_ELSEWHERE = {PID_TAG: "elsewhere", HOST_TAG: "elsewhere"}
"""Of a run whose steps work where only its executor knows: nobody here judges whether it is dead."""

TAGGED_WITHIN = timedelta(seconds=60)
"""A run tells its process when its resources open, which is the first thing it does."""

IN_PROGRESS = (DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING)


def worker_tags(pid: int | None = None) -> dict[str, str]:
    """Where this process (or another one of this host) runs, so that others can see whether it still does."""
    pid = pid or os.getpid()
    return {
        PID_TAG: str(pid),
        HOST_TAG: socket.gethostname(),
        BOOT_TAG: _boot_id(),
        START_TAG: _process_start(pid) or "",
    }


def remember_worker(
    instance: dg.DagsterInstance, run: dg.DagsterRun, tags: Callable[[], dict[str, str]] = worker_tags
) -> None:
    """Tag a run that something else started (the UI, a schedule) with the process that it stands or falls with.

    Steps execute in the process of their run unless a setting says otherwise; ``tags`` says which one it is.
    """
    if PID_TAG not in run.tags:
        instance.add_run_tags(run.run_id, tags())


def clear_dead_runs(instance: dg.DagsterInstance, *, now: datetime | None = None) -> list[str]:
    """Mark dead runs as failed and free the slots they hold; returns their ids.

    With ``now`` a run that started longer than ``TAGGED_WITHIN`` ago and has not told its process yet is dead as well:
    it was killed between the two. What was killed earlier, while it booted, is told by the code server that Dagster
    runs beside it, within a second.
    """
    records = _in_progress(instance)
    dead = [each.dagster_run for each in records if is_dead(each.dagster_run.tags) or _never_worked(each, now)]
    for run in dead:
        instance.report_run_failed(
            run, f"Process {run.tags.get(PID_TAG, '(not told)')}, which executed this run, is gone."
        )
        if instance.event_log_storage.supports_global_concurrency_limits:
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in dead]


def _in_progress(instance: dg.DagsterInstance) -> Sequence[dg.RunRecord]:
    return instance.get_run_records(RunsFilter(statuses=list(IN_PROGRESS)))


def _never_worked(record: dg.RunRecord, now: datetime | None) -> bool:
    if now is None or record.start_time is None or PID_TAG in record.dagster_run.tags:
        return False
    return now - datetime.fromtimestamp(record.start_time, UTC) > TAGGED_WITHIN


def is_dead(tags: Mapping[str, str]) -> bool:
    """Whether the process that these tags name has ended for sure."""
    if PID_TAG not in tags or tags.get(HOST_TAG) != socket.gethostname():
        return False
    if tags.get(BOOT_TAG, "") != _boot_id():
        return True
    return _process_start(int(tags[PID_TAG])) != (tags.get(START_TAG) or None)


def _boot_id() -> str:
    """Changes with every start of the machine; empty where the system has none."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.is_file() else ""


def _process_start(pid: int) -> str | None:
    """When the process with that number started, in the kernel's ticks; None where there is none (or a zombie).

    Without ``/proc`` (macOS) only its existence can be told.
    """
    if not Path("/proc/self/stat").is_file():
        return "running" if _exists(pid) else None
    try:
        # the command in brackets may hold blanks and brackets itself, so fields are counted after the last one
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, started = fields[0], fields[19]
    return None if state == "Z" else started


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
