"""``zcc archive purge``: what need not be kept any more leaves every place."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zcc_pipeline.cli.options import JsonOption, parse_day
from zcc_pipeline.cli.screen import bytes_text, counted, heading, paragraph, path_text, print_json, say, table
from zcc_pipeline.cli.sentences import FAILED

if TYPE_CHECKING:
    from zcc_pipeline.pipeline.purging import PurgeReport
    from zcc_pipeline.pipeline.purging.report import Refusal

SHOWN = 20
"""Engagements or records that are named one by one; --json has all."""


EngagementsOption = Annotated[
    list[str] | None,
    typer.Option("--engagement", metavar="ID", help="This engagement; may be repeated.", show_default=False),
]
CustomerOption = Annotated[
    str | None,
    typer.Option("--customer", metavar="E-MAIL-OR-PHONE", help="All archived engagements of this customer."),
]
ExpiredOption = Annotated[bool, typer.Option("--expired", help="All whose last day is over and which nothing holds.")]
BeforeOption = Annotated[
    str | None,
    typer.Option(
        "--before", metavar="DAY", help="With --expired: only what started before this day.", show_default=False
    ),
]
AgainOption = Annotated[
    bool, typer.Option("--again", help="All that was ever purged, once more: after a backup was restored.")
]
ActorOption = Annotated[
    str | None,
    typer.Option("--actor", metavar="ACCOUNT", help="Who decides: a role or an account name.", show_default=False),
]
MatterOption = Annotated[
    str | None,
    typer.Option("--matter", metavar="NUMBER", help="Number of the request, for the ledger.", show_default=False),
]
CrmListOption = Annotated[
    Path | None,
    typer.Option(
        "--crm-list",
        metavar="FILE",
        help="Where records in CRMs are listed; default: purge_reports under ZCC_HOME.",
    ),
]
BypassOption = Annotated[
    bool, typer.Option("--bypass-governance", help="In a bucket: lift locks in governance mode that still run.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it; without this it is only said what would be done.")]


def purge(
    engagements: EngagementsOption = None,
    customer: CustomerOption = None,
    expired: ExpiredOption = False,
    before: BeforeOption = None,
    again: AgainOption = False,
    actor: ActorOption = None,
    matter: MatterOption = None,
    crm_list: CrmListOption = None,
    bypass: BypassOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Erase engagements whose retention has passed and which no matter holds, in every place, for good.

    Archive, second copy, files, lake, warehouse, analysts' copy, inbox, quarantine, ledgers, Dagster's storage and
    packages under ZCC_HOME; and they do not come back with the next poll. Records in CRMs and packages elsewhere are
    listed: only you can delete those. What must be kept is refused with the reason, and with --yes the ledger says that
    it was asked for. A purge that was cut off is finished by the next one. Exit code 1 without --yes where there is
    something to do, when something was refused, and when something is left.

    Examples:
        zcc archive purge --expired
        zcc archive purge --expired --before 2024-01-01 --yes
        zcc archive purge --customer ann@example.com --matter gdpr-2026-112 --actor privacy --yes
    """
    from zcc_pipeline.cli.archive_holds import check_words
    from zcc_pipeline.cli.session import opened_runtime
    from zcc_pipeline.pipeline.purging import Wish, plan_purge
    from zcc_pipeline.pipeline.purging import purge as erase

    if before is not None and not expired:
        raise typer.BadParameter("narrows --expired.", param_hint="--before")
    check_words(matter, actor)
    with opened_runtime(as_json=as_json) as runtime:
        wish = Wish(
            engagement_ids=tuple(engagements or ()),
            customer=customer,
            is_expired=expired,
            before=parse_day(before, option="--before", today=runtime.today()) if before else None,
            again=again,
            bypass_governance=bypass,
            actor=actor,
            matter=matter,
        )
        report = erase(runtime, wish, crm_list=crm_list) if yes else plan_purge(runtime, wish)
    if as_json:
        print_json(as_document(report))
    else:
        show(report)
    if not report.is_clean:
        raise typer.Exit(FAILED)


def as_document(report: PurgeReport) -> dict[str, Any]:
    """The report for scripts."""
    return asdict(report) | {"is_clean": report.is_clean}


def show(report: PurgeReport) -> None:
    """What goes, what stays and why, and what others have to do."""
    _show_chosen(report)
    if report.refused:
        heading("Must be kept")
        shown = [(each.engagement_id, each.ground.value, _why(each)) for each in report.refused[:SHOWN]]
        table(("engagement", "ground", "why"), shown, fold="why")
        _say_more(len(report.refused))
    removed = [each for each in report.removed if each.count]
    if removed:
        heading("Would be removed" if report.is_dry_run else "Removed")
        rows = [
            (each.place, each.what, each.count, bytes_text(each.size_bytes) if each.size_bytes else "")
            for each in removed
        ]
        table(("place", "what", "count", "size"), rows, numbers=("count",))
    _show_elsewhere(report)
    if report.remaining:
        heading("Left, until the next purge")
        table(("place", "why"), [(each.place, each.why) for each in report.remaining], fold="why")
    if report.unwitnessed:
        paragraph(f"The checkpoint has no copy elsewhere ({', '.join(sorted(report.unwitnessed))}).")
    if report.is_dry_run and (report.chosen or report.resumed):
        say("Nothing was removed. With --yes it is, for good.")


def _show_chosen(report: PurgeReport) -> None:
    if report.resumed:
        paragraph(f"A purge of {counted(len(report.resumed), 'engagement')} was cut off and is to be finished.")
    if report.is_dry_run:
        say(
            f"{counted(len(report.chosen), 'engagement')} may go: {_named(report.chosen)}."
            if report.chosen
            else "Nothing may go."
        )
    elif report.finished:
        say(f"{counted(len(report.finished), 'engagement')} erased: {_named(report.finished)}.")
        say(f"Entry {report.entry} of the ledger says so.")
    elif not report.pending:
        say("Nothing was erased.")
    if report.pending:
        paragraph(f"Not erased everywhere yet: {_named(report.pending)}.")
    if report.already:
        paragraph(f"Erased before: {_named(report.already)}.")
    if report.held:
        say(f"{counted(report.held, 'engagement')} past the last day and held by a matter.")
    if report.locked:
        paragraph(
            f"{counted(report.locked, 'engagement')} past the last day and kept by the bucket itself; "
            "--bypass-governance lifts locks in governance mode."
        )


def _show_elsewhere(report: PurgeReport) -> None:
    if report.crm_records:
        heading("For you to delete in CRMs")
        rows = [
            (each.crm, each.remote_object, each.remote_id, each.url or each.status)
            for each in report.crm_records[:SHOWN]
        ]
        table(("crm", "object", "id", "where"), rows, fold="where")
        _say_more(len(report.crm_records))
    if report.crm_list:
        say(f"All of them are listed in {path_text(report.crm_list)}")
    if report.packages:
        heading("Packages that hold them")
        packages = [(each.matter, str(each.made_on), each.sha512[:16]) for each in report.packages[:SHOWN]]
        table(("matter", "made on", "tagmanifest-sha512.txt begins"), packages)
        if not report.is_dry_run:
            say("These do not lie under ZCC_HOME: whoever has them has to delete them.")


def _why(refusal: Refusal) -> str:
    if refusal.matters:
        return f"held for {', '.join(refusal.matters)}"
    words = {
        "retention-unknown": "nobody has said until when it must be kept (ZCC_ARCHIVE_RETENTION)",
        "clock-behind-ledger": "the clock shows an earlier time than the ledger's newest entry",
        "storage-lock": "the bucket keeps it"
        + (f" until {refusal.retain_until}" if refusal.retain_until else " under a legal hold of its own")
        + "; --bypass-governance lifts locks in governance mode",
        "not-archived": "the archive has no such engagement",
    }
    if refusal.retain_until is None or refusal.ground.value in words:
        return words.get(refusal.ground.value, "")
    return f"until {refusal.retain_until}: {refusal.legal_ground or refusal.retention_class or 'as the ledger says'}"


def _say_more(count: int) -> None:
    if count > SHOWN:
        say(f"and {count - SHOWN:,} more; --json has all")


def _named(names: tuple[str, ...]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")
