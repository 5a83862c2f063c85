"""``zcc archive verify``: is the archive what it was?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zcc_pipeline.cli.options import JsonOption
from zcc_pipeline.cli.screen import bytes_text, counted, paragraph, path_text, print_json, say
from zcc_pipeline.cli.sentences import FAILED

if TYPE_CHECKING:
    from zcc_pipeline.pipeline.archive_verification import VerificationOutcome

ReportOption = Annotated[
    Path | None,
    typer.Option("--report", metavar="FOLDER", help="Where the report goes. Default: archive_reports under ZCC_HOME."),
]
TrustOption = Annotated[
    list[str] | None,
    typer.Option("--trust", metavar="KEY", help="Trust this public key (name+hash+key) and no other; may be repeated."),
]
CheckpointsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--checkpoints",
        metavar="FOLDER",
        help="Checkpoints kept elsewhere: notes, or messages (.eml); may be repeated.",
    ),
]
SecondCopyOption = Annotated[
    Path | None,
    typer.Option("--second-copy", metavar="FOLDER", help="A copy of the archive, to be read in whole, too."),
]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Go on where a verification was broken off.")]
LimitOption = Annotated[
    float | None,
    typer.Option("--megabytes-per-second", metavar="N", min=0.1, help="Read no faster than this.", show_default=False),
]


def verify(
    report: ReportOption = None,
    trust: TrustOption = None,
    checkpoints: CheckpointsOption = None,
    second_copy: SecondCopyOption = None,
    resume: ResumeOption = False,
    limit: LimitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read every byte of the archive again and name whatever is not as it was.

    Objects against their inventories and the ledger, the ledger against its signed checkpoints (with --checkpoints also
    against copies that others keep: only those show that its end was cut off), days that were closed, the index, and
    with --second-copy another copy of it all. The result is an entry in the ledger. Exit code 1 when anything is wrong.

    Examples:
        zcc archive verify
        zcc archive verify --checkpoints /mnt/witness --second-copy /mnt/backup/archive
        zcc archive verify --resume --megabytes-per-second 50
    """
    from zcc_pipeline.cli.session import opened_runtime
    from zcc_pipeline.pipeline.archive_verification import VerifyOptions, verify_archive

    options = VerifyOptions(
        reports=report,
        trusted=tuple(trust or ()),
        checkpoints=tuple(checkpoints or ()),
        second_copy=second_copy,
        resume=resume,
        bytes_per_second=None if limit is None else limit * 1_000_000,
    )
    with opened_runtime(as_json=as_json) as runtime:
        outcome = verify_archive(
            runtime.archive,
            home=runtime.config.home,
            clock=runtime.clock,
            run_id=runtime.new_id(),
            options=options,
            progress=runtime.progress,
        )
    if as_json:
        print_json(as_document(outcome))
    else:
        show(outcome)
    if not outcome.summary.is_clean:
        raise typer.Exit(FAILED)


def as_document(outcome: VerificationOutcome) -> dict[str, object]:
    """For scripts; all findings are in the report's JSON file."""
    from zcc_pipeline.archive.report import document_of

    return document_of(outcome.summary) | {
        "first_findings": outcome.first_findings,
        "report": outcome.report.json_path,
        "ledger_entry": outcome.entry,
        "not_logged": outcome.not_logged or None,
    }


def show(outcome: VerificationOutcome) -> None:
    """The result in words."""
    counts = outcome.summary.counts
    say(
        f"{counted(counts.objects, 'object')}, {bytes_text(counts.bytes_read)} read, "
        f"{counts.entries:,} entries of the ledger, {counted(counts.windows, 'closed day')}"
        + (f", {counted(counts.copies, 'object')} of the second copy" if outcome.summary.has_second_copy else "")
        + "."
    )
    for finding in outcome.first_findings:
        paragraph(f"- {finding}", indent="  ")
    more = counts.findings - len(outcome.first_findings)
    if more > 0:
        say(f"- and {more:,} more, in the report")
    say(
        "Nothing wrong was found."
        if outcome.summary.is_clean
        else f"{counted(counts.findings, 'thing')} not as it was."
    )
    if not outcome.summary.checkpoints_from_elsewhere:
        paragraph(
            "No checkpoint from elsewhere was held against the ledger: if its end was cut off with all its copies, "
            "that does not show. ZCC_ARCHIVE_WITNESS_URL keeps copies; --checkpoints reads them."
        )
    if outcome.not_logged:
        paragraph(f"No entry in the ledger: {outcome.not_logged}.")
    say(f"Report: {path_text(outcome.report.html_path)}")
