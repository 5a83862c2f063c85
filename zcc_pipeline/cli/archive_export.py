"""``zcc archive export``: what has changed, into the compliance archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from zcc_pipeline.cli.archive_copy import show_copied
from zcc_pipeline.cli.options import JsonOption, parse_day
from zcc_pipeline.cli.screen import bytes_text, counted, heading, paragraph, print_json, say, table
from zcc_pipeline.cli.sentences import FAILED

if TYPE_CHECKING:
    from datetime import date

    from zcc_pipeline.pipeline.archiving import ArchiveReport

REFUSED_SHOWN = 20

FirstOption = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="DAY", help="Only engagements that started on or after this day.", show_default=False
    ),
]
LastOption = Annotated[
    str | None,
    typer.Option("--to", metavar="DAY", help="Only engagements that started up to this day.", show_default=False),
]


def export(first: FirstOption = None, last: LastOption = None, as_json: JsonOption = False) -> None:
    """Archive what has changed since it was archived: a new engagement becomes an object, a late piece a version.

    Run it as often as you like: what is the same makes no version, and a run that was stopped goes on where it was.
    Days are closed when everything that the source listed is archived or explained. Exit code 1 when something was
    refused, a checkpoint has no copy where ZCC_ARCHIVE_WITNESS_URL says, or the second copy is not up to date.

    Examples:
        zcc archive export
        zcc archive export --from 2026-11-01 --to 2026-11-07
    """
    from zcc_pipeline.cli.session import opened_runtime
    from zcc_pipeline.pipeline.archiving import archive_changes

    with opened_runtime(as_json=as_json) as runtime:
        report = archive_changes(runtime, days=_days(first, last, today=runtime.today()))
    if as_json:
        print_json(as_document(report))
    else:
        show_report(report)
    if not report.is_clean:
        raise typer.Exit(FAILED)


def _days(first: str | None, last: str | None, *, today: date) -> tuple[date, date] | None:
    """Both ends, each as far as there are days where it was not given."""
    from datetime import date

    if first is None and last is None:
        return None
    start = parse_day(first, option="--from", today=today) if first else date.min
    end = parse_day(last, option="--to", today=today) if last else date.max
    if start > end:
        raise typer.BadParameter(f"the first day ({start}) is after the last ({end}); swap them?", param_hint="--from")
    return start, end


def as_document(report: ArchiveReport) -> dict[str, Any]:
    """The report for scripts."""
    return {
        "engagements": report.engagements,
        "objects_created": report.created,
        "versions_added": report.versions,
        "unchanged": report.unchanged,
        "erased": report.suppressed,
        "held_back": report.held_back,
        "bytes_written": report.bytes_written,
        "healed": report.healed,
        "refused": report.refused,
        "days_touched": report.days_touched,
        "days_closed": report.days_closed,
        "days_reopened": report.days_reopened,
        "days_open": report.days_open,
        "retention": report.retention,
        "storage": report.worm,
        "ledger_entries": report.ledger_size,
        "root_hash": report.root_hash,
        "without_witness": report.unwitnessed,
        "time_stamp": report.stamp,
        "second_copy": report.second_copy,
    }


def show_report(report: ArchiveReport) -> None:
    """What became of how many, what was refused, and what the ledger says now."""
    rows = [
        ("created", report.created),
        ("new version", report.versions),
        ("unchanged", report.unchanged),
        ("erased", report.suppressed),
        ("held back", report.held_back),
        ("refused", len(report.refused)),
    ]
    table(("outcome", "engagements"), [row for row in rows if row[1]], numbers=("engagements",))
    if report.held_back:
        paragraph("What is held back has a text with blocked card data; `zcc quarantine` names it and lets it go.")
    if report.refused:
        heading("Refused")
        shown = [(one.engagement_id, str(one.day), one.why) for one in report.refused[:REFUSED_SHOWN]]
        table(("engagement", "day", "why"), shown, fold="why")
    say()
    say(f"{bytes_text(report.bytes_written)} written.")
    if report.healed:
        paragraph(f"{counted(report.healed, 'object')} that an export before had not entered into the ledger now are.")
    if report.days_closed or report.days_open:
        say(f"{counted(len(report.days_closed), 'day')} closed, {counted(len(report.days_open), 'day')} still open.")
    if report.retention.promised or report.retention.extended:
        said = f"{report.retention.promised:,} given a last day, {report.retention.extended:,} a later one"
        say(f"How long they are kept: {said}.")
    if report.retention.shorter_now:
        paragraph(
            f"{counted(report.retention.shorter_now, 'engagement')} would be kept shorter by the retention file as it "
            "is now; what was promised stands."
        )
    _show_trust(report)


def _show_trust(report: ArchiveReport) -> None:
    """What those who do not take our word can rely on."""
    if report.worm is not None:
        paragraph(f"{'WORM' if report.worm.is_worm else 'Not WORM'}: {report.worm.reason}.")
    if report.root_hash:
        say(f"The ledger has {report.ledger_size:,} entries; root hash {report.root_hash}")
    if report.stamp is not None and report.stamp.why_not:
        paragraph(
            f"The newest checkpoint has no time stamp: {report.stamp.why_not}. The next export asks again; nothing "
            "else waits for it."
        )
    elif report.stamp is not None:
        say(f"The checkpoint of {report.stamp.size:,} entries has its time stamp.")
    if report.second_copy is not None:
        show_copied(report.second_copy)
    if report.unwitnessed:
        paragraph(
            f"No copy of a checkpoint could be left where ZCC_ARCHIVE_WITNESS_URL says: "
            f"{', '.join(sorted(report.unwitnessed))}."
        )
