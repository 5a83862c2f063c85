"""The demo's way out: five CRMs on loopback, filled by the production path at once, and what arrived there.

This is done in a process of its own (``demo_export_process``): it has what it needs as soon as the analysts' copy is
published, while the graph goes on to the archive.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from zcc_pipeline.cli.screen import paragraph, say, shortened, table
from zcc_pipeline.cli.simulate_crm import Crm
from zcc_pipeline.cli.standin_process import StandIn
from zcc_pipeline.domain.errors import PermanentError

if TYPE_CHECKING:
    from zcc_pipeline.exports.report import ExportReport
    from zcc_pipeline.pipeline.runtime import Runtime

FOLDER = "crm"
"""Of the demo's home: what was written to the CRMs, so that they still hold it when the demo runs again."""

_SECONDS = 120
_STRANGERS = 4
"""One customer in so many is nobody whom the CRMs know."""
_PEOPLE = """
    select any_value(customer_name), customer_email, customer_phone
    from crm_activities
    where (customer_email is not null or customer_phone is not null)
      and hash(coalesce(customer_email, customer_phone)) % ? <> 0
    group by customer_email, customer_phone
    order by 2, 3
"""
_AGENTS = """
    select any_value(agent_name), agent_email from crm_activities where agent_email is not null group by 2 order by 2
"""
_SHOWN = """
    select engagement_id from crm_activities
    where engagement_id in (select unnest(?)) and notes_text is not null
    order by channel <> 'voice', transcript_text is null, customer_email is null, started_at
    limit 1
"""
_FIELDS_SHOWN = 8
_OF_THE_CRM_S_OWN = re.compile(
    r"id|url|name|number|via|archived|attributes|is_public|allow_.*|raw_.*|generated_.*|sys_.*|systemmodstamp|hs_object.*"
    r"|created.*|updated.*|modified.*|lastmodified.*|ownerid|versionnumber|statecode|statuscode|times_written|.*html.*",
    re.IGNORECASE,
)
"""Names of fields that tell about the record and not about the engagement."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """One CRM after its export."""

    crm: str
    title: str
    counts: Mapping[str, int]
    """Engagements by what became of them, as ``exports.outcomes.Status`` names it."""
    not_due: int
    refused: Mapping[str, int]
    """By the CRM's code."""
    api_calls: int
    stopped: str
    is_complete: bool
    held: Mapping[str, int]
    """Of the engagements that the ledger calls settled: records there ``once``, ``several`` times, ``missing``."""
    sample: Mapping[str, Any] | None
    """``kind`` and ``record``, as the CRM holds it."""

    @property
    def is_good(self) -> bool:
        """Whether everything that was due is there, once."""
        is_there_once = not (self.held["several"] or self.held["missing"])
        return self.is_complete and not self.refused and is_there_once


def crm_options(home: Path) -> list[str]:
    """For the stand-in: all five in one process, holding what earlier demos wrote."""
    return [*(f"--crm={crm.value}" for crm in Crm), "--port=0", f"--keep={home / FOLDER}"]


class Exporting:
    """An export to all of them, in a process that waits for the word to begin."""

    def __init__(self, process: subprocess.Popen[bytes], complaints: IO[bytes]) -> None:
        self._process, self._complaints = process, complaints
        self._is_begun = False

    def begin(self, environment: Mapping[str, str], crms: StandIn) -> None:
        """What is published may leave now; said a second time, it changes nothing."""
        if self._is_begun:
            return
        self._is_begun = True
        word = {"environment": {**environment, **crms.environment}, "control_urls": crms.control_urls}
        assert self._process.stdin is not None  # noqa: S101 - asked for
        with suppress(BrokenPipeError):  # it has died, which is said by whoever waits for its end
            self._process.stdin.write(json.dumps(word).encode() + b"\n")
            self._process.stdin.flush()

    def arrived(self) -> list[Arrived]:
        """Wait for its end. Raises ``PermanentError`` where it failed."""
        assert self._process.stdout is not None  # noqa: S101 - asked for
        said, code = self._process.stdout.read(), self._process.wait()
        if code:
            self._complaints.seek(0)
            lines = self._complaints.read().decode(errors="replace").strip().splitlines()
            why = lines[-1] if lines else f"exit code {code}"
            raise PermanentError(f"the CRMs could not be filled: {why}")
        return [Arrived(**each) for each in json.loads(said)]


@contextmanager
def exporting() -> Iterator[Exporting]:
    """Start the process that exports: it is ready when it is told to begin, and ends with the block.

    Its standard input is a pipe from here: the kernel closes it when this process dies, and the export then ends.
    """
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(
            [sys.executable, "-m", "zcc_pipeline.cli.demo_export_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
        ) as process,
    ):
        try:
            yield Exporting(process, complaints)
        finally:
            process.kill()


def export_to_all(runtime: Runtime, control_urls: Mapping[str, str]) -> list[Arrived]:
    """Make each CRM ready as an administrator would, and export to all of them side by side."""
    with ThreadPoolExecutor(len(control_urls)) as threads:
        people = _people(runtime.config.warehouse.analytics_path)
        reports = threads.map(lambda crm: _export(runtime, crm, control_urls[crm], people), control_urls)
        done = dict(zip(control_urls, reports, strict=True))
        shown = _most_telling(runtime, list(control_urls))
        arrived = threads.map(lambda crm: _arrived(runtime, crm, control_urls[crm], done[crm], shown), control_urls)
        return list(arrived)


def _export(runtime: Runtime, crm: str, control_url: str, people: Sequence[Mapping[str, Any]]) -> ExportReport:
    from zcc_pipeline.pipeline.exporting import export, set_up

    if not _control(f"{control_url}/state")["people_added"]:
        _control(f"{control_url}/people", {"people": people})
        set_up(runtime, crm)
    return export(runtime, crm)


def _arrived(runtime: Runtime, crm: str, control_url: str, report: ExportReport, shown: str | None) -> Arrived:
    from zcc_pipeline.pipeline.crms import TITLES

    sample = None
    if shown is not None:
        sample = _control(f"{control_url}/record?" + urllib.parse.urlencode({"holds": shown}))
    held = _control(f"{control_url}/holding", {"values": _settled(runtime, crm)})
    return Arrived(
        crm=crm,
        title=TITLES[crm],
        counts={status.value: count for status, count in report.counts.items()},
        not_due=report.not_due,
        refused=dict(report.codes),
        api_calls=report.usage.api_calls,
        stopped=report.stopped,
        is_complete=report.is_complete,
        held=held,
        sample=sample,
    )


def _people(analytics: Path) -> list[dict[str, Any]]:
    """Whom the CRMs know: most of the customers, and the agents."""
    import duckdb

    with duckdb.connect(str(analytics), read_only=True) as connection:
        customers = connection.execute(_PEOPLE, [_STRANGERS]).fetchall()
        agents = connection.execute(_AGENTS).fetchall()
    return [
        *({"name": name or "Unknown", "email": email, "phone": phone} for name, email, phone in customers),
        *({"name": name or email, "email": email, "kind": "agent"} for name, email in agents),
    ]


def _settled(runtime: Runtime, crm: str) -> list[str]:
    """Engagements that the ledger says are there."""
    ledger = runtime.state.exports
    days = {count.day for count in ledger.counts(crm)}
    rows = [row for day in sorted(days) for row in ledger.on_day(crm, day).values()]
    return [row.engagement_id for row in rows if row.remote_id is not None]


def _most_telling(runtime: Runtime, crms: Sequence[str]) -> str | None:
    """An engagement that is in every CRM, with as much to show as there is."""
    import duckdb

    everywhere = set.intersection(*(set(_settled(runtime, crm)) for crm in crms))
    with duckdb.connect(str(runtime.config.warehouse.analytics_path), read_only=True) as connection:
        found = connection.execute(_SHOWN, [sorted(everywhere)]).fetchone()
    return None if found is None else str(found[0])


def show_arrived(arrived: Sequence[Arrived]) -> None:
    """On a terminal."""
    columns = ("CRM", "created", "updated", "unchanged", "not due yet", "refused", "API calls", "there once")
    table(columns, [_row(each) for each in arrived], numbers=columns[1:])
    paragraph(
        "An engagement leaves when it has settled, a day after its end. The same path as zcc export; each CRM answers "
        "in its own words, and one engagement as it arrived there:"
    )
    for each in arrived:
        if each.sample is not None:
            say(f"\n{each.title}, {each.sample['kind']}")
            for name, value in telling_fields(each.sample["record"])[:_FIELDS_SHOWN]:
                say(shortened(f"  {name:<28} {value}"))


def _row(each: Arrived) -> tuple[object, ...]:
    names = ("created", "updated", "unchanged")
    return (
        each.title,
        *(each.counts.get(name, 0) for name in names),
        each.not_due,
        each.counts.get("failed_permanent", 0),
        each.api_calls,
        each.held["once"],
    )


def telling_fields(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Those of a record that say something about the engagement; a group of fields counts as its fields."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        flat |= value if isinstance(value, dict) else {name: value}
    return [
        (name, _flat(value))
        for name, value in flat.items()
        if value not in (None, "", [], {}, False) and not _OF_THE_CRM_S_OWN.fullmatch(name)
    ]


def _flat(value: object) -> str:
    if isinstance(value, list):
        return f"{len(value)} of them"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(text.split())


def arrived_document(arrived: Sequence[Arrived]) -> list[dict[str, object]]:
    """For scripts."""
    return [
        {
            "crm": each.crm,
            "is_good": each.is_good,
            "counts": dict(each.counts),
            "not_due": each.not_due,
            "refused": dict(each.refused),
            "api_calls": each.api_calls,
            "stopped": each.stopped,
            "held": dict(each.held),
            "record": each.sample,
        }
        for each in arrived
    ]


def _control(url: str, body: object = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"content-type": "application/json"})  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
        return found
