"""From HTTP 200 of a webhook to its row in analytics.duckdb, through everything that runs in production.

    python benchmarks/event_to_row.py [--events 24] [--every 12] [--days 3] [--engagements-per-day 200]
    python benchmarks/event_to_row.py --kill 5       # a refresh is killed in mid work: when does the next one start?

The stand-in, ``zcc receive`` and Dagster's daemon are processes of their own; the daemon ticks the sensor
``received_events`` at its own interval, queues and launches each run as it does in production. A note is added to some
engagement of a home with a few days of history, the stand-in sends its webhook, and ``analytics.duckdb`` is asked every
quarter of a second for that note. Prints seconds: median, 95 % and the longest, and how long refreshes took.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from measure import report

SECRET = "benchmark"  # noqa: S105 - signs nothing of anybody
ZCC = [sys.executable, "-m", "zcc_pipeline.cli"]
GIVE_UP_SECONDS = 600
AIM_SECONDS = 60
"""Of the median, and from a kill to the next refresh."""
_WORKSPACE = """\
load_from:
  - python_module:
      module_name: zcc_pipeline.definitions
      location_name: zcc_pipeline
"""


def control(url: str, body: object = None) -> dict[str, Any]:
    """One control command of the stand-in, or with no body a question."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"content-type": "application/json"})  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
        return found


@contextlib.contextmanager
def started(
    command: list[str], environment: Mapping[str, str], folder: Path, log: str
) -> Iterator[subprocess.Popen[str]]:
    """A process until the block ends; what it says on stderr goes to ``log`` below ``folder``."""
    with (
        (folder / log).open("wb") as said,
        subprocess.Popen(
            command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=said, text=True
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=30)
            process.kill()


def announced(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The JSON document with which a command says that it is ready."""
    assert process.stdout is not None
    said = ""
    while not said.endswith("}\n"):
        line = process.stdout.readline()
        if not line:
            raise SystemExit("a command ended before it was ready; its log lies beside the home")
        said += line
    found: dict[str, Any] = json.loads(said)
    return found


def drain(process: subprocess.Popen[str]) -> None:
    """Throw away what it prints, so that it never waits for a reader."""
    assert process.stdout is not None
    threading.Thread(target=deque, args=(process.stdout, 0), daemon=True).start()


def outside() -> dict[str, str]:
    """The environment without settings that would point elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("ZCC_", "DAGSTER_"))}


def engagements_in(analytics: Path, count: int) -> list[str]:
    """The newest engagements: these are the ones whose notes are still being written."""
    import duckdb

    with duckdb.connect(str(analytics), read_only=True) as connection:
        rows = connection.execute("select engagement_id from engagements order by ended_at desc limit ?", [count])
        return [row[0] for row in rows.fetchall()]


def notes_in(analytics: Path, wanted: set[str]) -> set[str]:
    """Texts of notes that are in the analysts' copy."""
    import duckdb

    with duckdb.connect(str(analytics), read_only=True) as connection:
        rows = connection.execute("select note from engagement_notes where starts_with(note, 'benchmark ')").fetchall()
    return wanted & {row[0] for row in rows}


class Watch:
    """Looks for rows from a thread of its own."""

    def __init__(self, analytics: Path) -> None:
        self.answered: dict[str, float] = {}
        self.seen: dict[str, float] = {}
        self._analytics = analytics
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._stop.wait(0.25):
            waiting = self.answered.keys() - self.seen.keys()
            if waiting:
                found = notes_in(self._analytics, set(waiting))
                self.seen |= dict.fromkeys(found, time.monotonic())

    def until_all_are_there(self, seconds: float) -> None:
        """Wait for the rows that are still missing, but not for ever."""
        deadline = time.monotonic() + seconds
        while self.answered.keys() - self.seen.keys() and time.monotonic() < deadline:
            time.sleep(0.25)
        self._stop.set()
        self._thread.join()

    def latencies(self) -> list[float]:
        """Seconds from the answer to the row, ascending."""
        return sorted(self.seen[text] - at for text, at in self.answered.items() if text in self.seen)


def add_notes(control_url: str, engagement_ids: list[str], every: float, watch: Watch) -> None:
    """One after the other; the time counts from the receiver's 200."""
    for number, engagement_id in enumerate(engagement_ids):
        begun = time.monotonic()
        text = f"benchmark {number} {engagement_id}"
        jobs = len(control(f"{control_url}/push")["jobs"])
        control(f"{control_url}/add-note", {"engagement_id": engagement_id, "text": text})
        while True:
            sent = [job for job in control(f"{control_url}/push")["jobs"][jobs:] if job["counts"]["webhook"]["events"]]
            if sent and all(job["is_settled"] for job in sent):
                break
            time.sleep(0.01)
        if not sent[-1]["counts"]["webhook"]["accepted"]:
            raise SystemExit(f"the receiver refused an event: {sent[-1]}")
        watch.answered[text] = time.monotonic()
        time.sleep(max(0.0, every - (time.monotonic() - begun)))


@contextlib.contextmanager
def refresh_runs(home: Path) -> Iterator[Callable[[], list[Any]]]:
    """Asks Dagster's records for the refreshes so far, the newest first."""
    import dagster as dg

    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        yield lambda: list(instance.get_run_records(dg.RunsFilter(job_name="refresh")))


def kill_one(home: Path, worked_for: float, cause: Callable[[], None]) -> float:
    """``cause`` a refresh, SIGKILL its process when it has worked for so long; seconds until the next one works."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    with refresh_runs(home) as ask:
        known = {each.dagster_run.run_id for each in ask()}
        cause()
        killed_at = 0.0
        while time.monotonic() < deadline:
            started_runs = [each for each in ask() if each.dagster_run.run_id not in known and each.start_time]
            for each in started_runs:
                pid = each.dagster_run.tags.get("zcc/pid")
                if killed_at:
                    return float(each.start_time - killed_at)
                if pid and time.time() - each.start_time >= worked_for:
                    os.kill(int(pid), signal.SIGKILL)
                    killed_at = time.time()
                    known.add(each.dagster_run.run_id)
            time.sleep(0.2)
    raise SystemExit("no refresh started")


def measure(folder: Path, options: argparse.Namespace) -> None:
    """Build the home, start everything, send the events, say how long each took."""
    home = folder / "home"
    (folder / "workspace.yaml").write_text(_WORKSPACE)
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    first = yesterday - timedelta(days=options.days - 1)
    simulate = [
        *ZCC, "simulate", "--json", "--port", "0", "--plan", "unlimited", f"--days={options.days}",
        f"--engagements-per-day={options.engagements_per_day}",
    ]  # fmt: skip
    with started(simulate, outside(), folder, "simulate.log") as standin:
        said = announced(standin)
        drain(standin)
        environment = {
            **outside(),
            **said["environment"],
            "ZCC_HOME": str(home),
            "DAGSTER_HOME": str(home / "dagster"),
            "ZCC_WEBHOOK_SECRET_TOKENS": SECRET,
        }
        print(f"history: {options.days} days of {options.engagements_per_day} engagements", flush=True)
        run = [*ZCC, "run", "--from", str(first), "--to", str(yesterday)]
        subprocess.run(run, env=environment, cwd=folder, check=False, stdout=subprocess.DEVNULL)
        receive = [*ZCC, "receive", "--port", "0", "--metrics-port", "0", "--json"]
        daemon = ["dagster-daemon", "run", "-w", "workspace.yaml"]
        with (
            started(receive, environment, folder, "receive.log") as receiver,
            started(daemon, environment, folder, "daemon.log") as ticking,
        ):
            webhook_url = announced(receiver)["webhook_url"]
            drain(receiver)
            drain(ticking)
            switch_on = ["dagster", "sensor", "start", "received_events", "-w", "workspace.yaml"]
            subprocess.run(switch_on, env=environment, cwd=folder, check=True, stdout=subprocess.DEVNULL)
            now = datetime.now(UTC).isoformat()
            control(
                f"{said['control_url']}/push",
                {"from": now, "to": now, "webhook_url": webhook_url, "secret": SECRET, "follow": True},
            )
            time.sleep(options.settle)
            watch = Watch(home / "analytics.duckdb")
            chosen = engagements_in(home / "analytics.duckdb", options.events)
            if options.kill:
                seconds = kill_one(home, options.kill, lambda: add_notes(said["control_url"], chosen[:1], 0, watch))
                report(next_refresh_seconds=round(seconds, 1))
            else:
                add_notes(said["control_url"], chosen, options.every, watch)
            watch.until_all_are_there(GIVE_UP_SECONDS)
        with refresh_runs(home) as ask:
            median = show(watch, [each.end_time - each.start_time for each in ask() if each.end_time])
    if (seconds if options.kill else median) > AIM_SECONDS:
        raise SystemExit(1)


def show(watch: Watch, runs: list[float]) -> float:
    """All latencies, and a line of JSON with what matters of them; the median. Ends with 1 where nothing arrived."""
    found = watch.latencies()
    if len(found) < len(watch.answered):
        print(f"{len(watch.answered) - len(found)} of {len(watch.answered)} events are still missing")
    if not found:
        raise SystemExit(1)
    print("seconds:", " ".join(f"{each:.1f}" for each in found))
    report(
        events=len(watch.answered),
        arrived=len(found),
        median_seconds=round(statistics.median(found), 1),
        p95_seconds=round(found[max(0, -(-len(found) * 95 // 100) - 1)], 1),
        max_seconds=round(found[-1], 1),
        refreshes=len(runs),
        median_refresh_seconds=round(statistics.median(runs), 1) if runs else 0.0,
        load=round(os.getloadavg()[1], 1),
    )
    return statistics.median(found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=24)
    parser.add_argument("--every", type=float, default=12.0, help="seconds between two events")
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument("--engagements-per-day", type=int, default=200)
    parser.add_argument("--settle", type=float, default=30.0, help="seconds that the daemon gets to start")
    parser.add_argument(
        "--kill", type=float, default=0.0, metavar="SECONDS", help="one event, and its refresh killed after that time"
    )
    parser.add_argument("--keep", help="folder for home and logs, which is then left there")
    chosen_options = parser.parse_args()
    if chosen_options.keep:
        Path(chosen_options.keep).mkdir(parents=True, exist_ok=True)
        measure(Path(chosen_options.keep).resolve(), chosen_options)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            measure(Path(temporary), chosen_options)
