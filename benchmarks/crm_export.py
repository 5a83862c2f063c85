"""Engagements to each CRM's stand-in: calls against the fewest possible, time against the rate limit, memory.

    python benchmarks/crm_export.py [--sizes 5000 20000] [--crms salesforce zendesk …]

Every stand-in keeps its CRM's own limits. Each customer has five engagements; three of four customers are known there.
A transcript has two kilobytes, so that memory shows whether a run holds more than a batch.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure import peak_megabytes, report, run_candidate

if TYPE_CHECKING:
    from zcc_pipeline.exports.activity import Activity
    from zcc_pipeline.exports.sync import Source, Wanted
    from zcc_pipeline.pipeline.runtime import Runtime

WRITES = {
    "salesforce": (200, 1),
    "zendesk": (100, 1),
    "servicenow": (100, 2),
    "dynamics": (200, 1),
    "hubspot": (100, 2),
}
"""Records in one call, and calls that each record takes part in.

The most that Salesforce, Zendesk and HubSpot take, what the pipeline starts with where the vendor names no figure
(Dataverse, ServiceNow's batch). ServiceNow takes a record and then its work notes, HubSpot a record and then its link
to a contact.
"""
PER_CUSTOMER, STRANGERS = 5, 4
CHUNK = 200
FIRST = datetime(2026, 1, 5, 8, tzinfo=UTC)
TRANSCRIPT = "Agent: How can I help you today?\nCustomer: It is about my last bill, which I do not understand.\n" * 20


@dataclass(frozen=True)
class Known:
    """What the exports compare before they read an engagement."""

    engagement_id: str
    activity_hash: str


def make_activity(number: int) -> Activity:
    """One finished engagement with everything that can leave."""
    from zcc_pipeline.exports.activity import Activity, NoteVersion

    customer, started = number // PER_CUSTOMER, FIRST + timedelta(minutes=number)
    note = NoteVersion(f"note-{number}", 1, f"Note {number}", "Agent", None, started, True, False)
    return Activity(
        engagement_id=f"engagement-{number:08d}", activity_hash=f"{number:032x}", started_date=started.date(),
        started_at=started, ended_at=started + timedelta(minutes=5), channel="voice", channel_source=None,
        direction="inbound", queue_id="q", queue_name="Support", flow_name="Main", agent_name="Agent",
        agent_email="agent@centre.example", customer_name=f"Customer {customer}", customer_phone=None,
        customer_email=f"customer.{customer}@people.example", account_number="+14155550100", duration_seconds=300,
        waiting_seconds=10, talk_seconds=280, handle_seconds=290, is_answered=True, is_abandoned=False,
        subject=f"Matter {number}", summary=f"Matter {number}", body_text=f"Matter {number} was settled.",
        body_html=f"<p>Matter {number} was settled.</p>", notes_text=note.text, note_versions=(note,),
        dispositions=("Resolved",), transcript_text=TRANSCRIPT, recordings=(), voicemails=(), survey_score=None,
        completeness_status="stored", is_deleted_at_source=False, changed_at=started,
    )  # fmt: skip


def source_of(engagements: int) -> Source:
    """As the mart is read: ids and hashes first, then a chunk of those that are wanted."""

    def chunks(wanted: Wanted) -> Iterator[list[Activity]]:
        for start in range(0, engagements, CHUNK):
            numbers = {f"engagement-{each:08d}": each for each in range(start, min(start + CHUNK, engagements))}
            ids: Collection[str] = wanted([Known(key, f"{each:032x}") for key, each in numbers.items()])
            yield [make_activity(numbers[key]) for key in ids]

    return chunks


def candidate(crm: str, environment: dict[str, str], control_url: str, engagements: int) -> None:
    """One export in this process; reports its time and memory."""
    from zcc_pipeline.settings import load_settings, open_runtime

    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings({**environment, "ZCC_HOME": folder}, dotenv=Path(folder) / "none")
        with open_runtime(settings) as runtime:
            _ = (runtime.state, runtime.files)
            from zcc_pipeline.pipeline.exporting import set_up

            set_up(runtime, crm)
            control(f"{control_url}/reset-counters", {})
            begin = time.perf_counter()
            written = asyncio.run(_export(runtime, crm, engagements))
            seconds = time.perf_counter() - begin
    report(seconds=seconds, megabytes=peak_megabytes(), written=written)


async def _export(runtime: Runtime, crm: str, engagements: int) -> int:
    from zcc_pipeline.exports.sync import sync
    from zcc_pipeline.pipeline.crms import make_destination, require_access
    from zcc_pipeline.pipeline.export_files import StoredFiles
    from zcc_pipeline.pipeline.exporting import mapping_for

    mapping = mapping_for(runtime, crm)
    destination = make_destination(require_access(runtime.config.exports, crm), mapping, clock=runtime.clock)
    async with destination:
        done = await sync(
            source_of(engagements),
            destination,
            mapping=mapping,
            ledger=runtime.state.exports,
            quarantine=runtime.state.quarantine,
            files=StoredFiles(runtime.files),
            clock=runtime.clock,
        )
    assert done.is_complete, done.stopped
    return done.written


@contextmanager
def crm_served(crm: str) -> Iterator[dict[str, Any]]:
    """The stand-in in a process of its own, as people start it."""
    command = [sys.executable, "-m", "zcc_pipeline.cli", "simulate", f"--crm={crm}", "--port=0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        text = ""
        for line in process.stdout:
            text += line
            if line == "}\n":
                break
        try:
            yield json.loads(text)
        finally:
            process.terminate()


def control(url: str, body: object = None) -> dict[str, Any]:
    """One control call."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"content-type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
        return found


def shortest_seconds(crm: str, by_label: dict[str, int]) -> float:
    """The least time in which so many calls pass the CRM's limits, the first window's worth at once."""
    from zcc_pipeline.simulator.crm.catalogue import make

    limits = make(crm).limits.limits
    found = [0.0]
    for label, calls in by_label.items():
        if label in limits:
            found.append((calls - 1) // limits[label].calls * limits[label].seconds)
    return max(found)


def measure(crm: str, engagements: int) -> None:
    """What one CRM and size came to."""
    per_call, steps = WRITES[crm]
    with crm_served(crm) as served:
        url = served["control_urls"][crm]
        known = [each for each in range(engagements // PER_CUSTOMER) if each % STRANGERS]
        people = [{"name": f"Customer {each}", "email": f"customer.{each}@people.example"} for each in known]
        control(f"{url}/people", {"people": people})
        environment = json.dumps(served["environment"])
        found = run_candidate("crm_export.py", "--candidate", crm, environment, url, str(engagements))
        state = control(f"{url}/state")
    assert found["written"] == engagements, found
    fewest, least = math.ceil(engagements / per_call) * steps, shortest_seconds(crm, state["by_label"])
    writes = state["writes"]
    print(
        f"{crm:10} {engagements:7,} | {writes:4} calls write, fewest {fewest:4}: {writes / fewest:.2f} x | "
        f"{state['api_calls']:4} calls with look-ups | {found['seconds']:6.1f} s, limits allow {least:5.1f} s, "
        f"{state['limited']} x 429 | {found['megabytes']:4.0f} MB",
        flush=True,
    )
    for name, calls in sorted(state["by_route"].items(), key=lambda item: -item[1])[:8]:
        print(f"    {calls:6} {name}", flush=True)


def main() -> None:
    """All CRMs, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[5_000, 20_000])
    parser.add_argument("--crms", nargs="+", default=list(WRITES))
    options = parser.parse_args()
    for crm in options.crms:
        for size in options.sizes:
            measure(crm, size)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--candidate"]:
        candidate(sys.argv[2], json.loads(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
    else:
        main()
