"""The demo's summary: what is complete and why, whether it is true, where it lies, and what it can tell."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from zcc_pipeline.cli import demo_truth
from zcc_pipeline.cli.completeness_table import as_rows, show_by_kind
from zcc_pipeline.cli.coverage_table import show_coverage_by_day
from zcc_pipeline.cli.dagster_ui import ui_commands
from zcc_pipeline.cli.demo_archive import Proved, Verifying, proved_document, show_proved
from zcc_pipeline.cli.demo_events import Reconciled, reconciled_document
from zcc_pipeline.cli.demo_exports import Arrived, arrived_document, show_arrived
from zcc_pipeline.cli.demo_questions import Answer, answer_all
from zcc_pipeline.cli.demo_truth import Agreement, compare_with_truth
from zcc_pipeline.cli.run import is_unchanged, show_troubles
from zcc_pipeline.cli.screen import bytes_text, heading, paragraph, path_text, say, seconds_text, table
from zcc_pipeline.domain.completeness import Status

if TYPE_CHECKING:
    from zcc_pipeline.orchestration.run import RunSummary
    from zcc_pipeline.pipeline.runtime import Runtime
    from zcc_pipeline.pipeline.status import StatusReport

SHOWN_DIFFERENCES = 10


@dataclass(frozen=True, slots=True)
class Place:
    """Where something lies and how much it is."""

    what: str
    path: Path
    amount: str


@dataclass(frozen=True, slots=True)
class DemoReport:
    """Everything the summary shows."""

    home: Path
    timezone: str
    summary: RunSummary
    status: StatusReport
    reconciled: Reconciled
    arrived: list[Arrived]
    proved: Proved | None
    agreement: Agreement
    places: list[Place]
    answers: list[Answer]

    @property
    def is_good(self) -> bool:
        """Whether the run succeeded, every lost event was noticed, nothing differs from the truth, each CRM holds what
        it should, and what was altered in a copy of the archive was found."""
        is_out = all(each.is_good for each in self.arrived)
        is_proved = self.proved is not None and self.proved.is_good
        return self.summary.is_success and self.agreement.is_full and self.reconciled.is_good and is_out and is_proved


def make_report(
    runtime: Runtime,
    summary: RunSummary,
    reconciled: Reconciled,
    arrived: list[Arrived],
    verifying: Verifying | None,
    *,
    truth: Path,
    last: date,
) -> DemoReport:
    """Gather it after a run; the verification that is under way is waited for last."""
    from zcc_pipeline.pipeline.status import status

    return DemoReport(
        home=runtime.config.home,
        timezone=runtime.config.timezone.key,
        summary=summary,
        status=status(runtime, None, last),
        reconciled=reconciled,
        arrived=arrived,
        agreement=compare_with_truth(runtime, truth),
        places=_places(runtime),
        answers=answer_all(runtime.config.warehouse.analytics_path),
        proved=None if verifying is None else verifying.proved(),
    )


def _places(runtime: Runtime) -> list[Place]:
    home, warehouse = runtime.config.home, runtime.config.warehouse
    return [
        folder_place("lake: every record version, Parquet", home / "lake"),
        folder_place("recordings, transcripts, voicemails", home / "files"),
        folder_place("archive: one object an engagement, and a ledger", home / "archive"),
        Place("ready to query (DuckDB)", warehouse.analytics_path, bytes_text(warehouse.analytics_path.stat().st_size)),
    ]


def folder_place(what: str, folder: Path) -> Place:
    """What a folder holds; nothing where there is none."""
    sizes = list(_sizes(str(folder))) if folder.is_dir() else []
    return Place(what, folder, f"{len(sizes):,} files, {bytes_text(sum(sizes))}")


def _sizes(folder: str) -> Iterator[int]:
    """Of the files under it: an archive has so many that pathlib would take seconds."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _sizes(entry.path)
            else:
                yield entry.stat().st_size


def show_report(report: DemoReport) -> None:
    """On a terminal."""
    say(f"Read, fetched, proved, built and published in {seconds_text(report.summary.seconds)}.")
    if is_unchanged(report.summary):
        say("Nothing has changed at the source since the last time, so no record was written.")
    show_troubles(report.summary)
    heading("Complete? Engagements by the day they started, and what each kind of data owes them")
    show_by_kind(report.status.lines, since=report.status.first)
    unexplained = report.status.count(Status.UNEXPLAINED)
    if unexplained:
        paragraph(
            f"{unexplained:,} are unexplained: absent, and nothing at the source says why. No reason is invented for "
            "them; they fail a check until somebody has looked. The account has a few on purpose."
        )
    heading("Pushed and polled: what was lost on the way, and noticed")
    _show_reconciled(report.reconciled)
    heading("True?")
    _show_agreement(report.agreement)
    heading("Out to the CRMs")
    show_arrived(report.arrived)
    heading("Into the archive, where nothing can be altered unnoticed")
    show_proved(report.proved)
    heading("Where it lies")
    table(("what", "where", "how much"), [(place.what, path_text(place.path), place.amount) for place in report.places])
    heading("Three questions to analytics.duckdb")
    for answer in report.answers:
        say(f"\n{answer.question.text}\n")
        say("  " + answer.question.sql.replace("\n", "\n  ") + "\n")
        table(answer.columns, answer.rows, numbers=answer.question.numbers)
    heading("Go on")
    home, analytics = report.home, path_text(report.places[-1].path)
    say("  zcc status           what is complete, at any time")
    say("  zcc demo             once more: nothing changes, because nothing has changed")
    say("  zcc demo --ui        the same, and Dagster's UI stays open on it")
    say("\nAsk your own questions, in Python:\n")
    say(f"  import duckdb; duckdb.connect({analytics!r}, read_only=True).sql('show tables')")
    say("\nOr open Dagster on it by hand:\n")
    for command in ui_commands(home, ZCC_TIMEZONE=report.timezone, ZCC_START_DATE=str(report.status.first)):
        say(f"  {command}")


def _show_reconciled(reconciled: Reconciled) -> None:
    faults = {name.replace("_", " "): count for name, count in reconciled.faults.items() if count}
    done = ", ".join(f"{count:,} {name}" for name, count in sorted(faults.items(), key=lambda item: -item[1]))
    paragraph(
        f"{reconciled.events:,} events happened and were sent to the receiver, some of them badly on purpose: {done}. "
        f"{reconciled.arrived:,} arrived; what arrived twice was kept once."
    )
    show_coverage_by_day(reconciled.lines)
    total = len(reconciled.differences)
    paragraph(
        f"{total:,} differences detected = {reconciled.count('recovered'):,} recovered + "
        f"{reconciled.count('failed'):,} failed + {reconciled.count('explained'):,} explained; "
        f"a second look finds {reconciled.second_look:,}."
    )
    for loss in reconciled.unnoticed[:SHOWN_DIFFERENCES]:
        paragraph(f"Not noticed: the loss of {loss}", indent="  ")


def _show_agreement(agreement: Agreement) -> None:
    compared = ", ".join(f"{count:,} {what}" for what, count in agreement.compared.items())
    paragraph(f"Compared row by row with what the account really contains: {compared}.")
    waiting = agreement.undecided["statuses"]
    if waiting:
        paragraph(f"{waiting:,} statuses are not final yet: they settle a day after an engagement's end.")
    files = agreement.undecided["files"]
    if files:
        paragraph(f"{files:,} files were not there yet when they were asked for; they are asked for again later.")
    if agreement.from_flows:
        paragraph(f"{agreement.from_flows:,} chat transcripts that the API does not give came from flow scripts.")
    if agreement.is_full:
        typer.secho("Nothing lost, nothing doubled, no invented reason.", fg="green", bold=True)
        return
    say(f"{len(agreement.differences):,} rows differ:")
    for difference in agreement.differences[:SHOWN_DIFFERENCES]:
        paragraph(f"  {difference}", indent="    ")


def report_document(report: DemoReport) -> dict[str, object]:
    """For scripts."""
    return {
        "is_good": report.is_good,
        "is_unchanged": is_unchanged(report.summary),
        "run": report.summary,
        "completeness": as_rows(report.status.lines),
        "reconciled": reconciled_document(report.reconciled),
        "crms": arrived_document(report.arrived),
        "archive": proved_document(report.proved),
        "truth": demo_truth.as_document(report.agreement),
        "places": report.places,
        "answers": [
            {
                "question": answer.question.text,
                "sql": answer.question.sql,
                "columns": answer.columns,
                "rows": answer.rows,
            }
            for answer in report.answers
        ],
    }
