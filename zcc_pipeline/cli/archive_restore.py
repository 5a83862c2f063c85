"""``zcc archive restore``: lost files and lake versions, back from the archive."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from zcc_pipeline.cli.options import JsonOption
from zcc_pipeline.cli.screen import bytes_text, counted, paragraph, print_json, say
from zcc_pipeline.cli.sentences import FAILED

_SHOWN = 20


def restore(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be brought back, and change nothing.")
    ] = False,
    from_second_copy: Annotated[
        bool, typer.Option("--from-second-copy", help="Take it from ZCC_ARCHIVE_SECOND_COPY_URL, not from the archive.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring back what the file store and the lake have lost. What is there and right is never touched.

    Each file is compared by its digest with what was archived and put back where it was if it is missing or damaged;
    records that the lake lacks land as the versions that were archived. What was never archived is read again by
    `zcc run`. The next build loads what has landed. Exit code 1 when an archived file itself is not right.

    Examples:
        zcc archive restore --dry-run
        zcc archive restore
        zcc archive restore --from-second-copy
    """
    from zcc_pipeline.cli.session import opened_runtime
    from zcc_pipeline.pipeline.restore import restore as bring_back

    with opened_runtime(as_json=as_json) as runtime:
        report = bring_back(runtime, dry_run=dry_run, from_second_copy=from_second_copy)
    if as_json:
        print_json(asdict(report))
    else:
        would = "Would restore" if dry_run else "Restored"
        say(
            f"{would} {counted(report.files_restored, 'file')} ({bytes_text(report.bytes_restored)}) and "
            f"{counted(report.records_restored, 'record')}, from {counted(report.objects, 'object')}."
        )
        say(f"There and right: {counted(report.files_there, 'file')}, {counted(report.records_there, 'record')}.")
        if report.suppressed:
            say(f"Left where they are, because they were erased: {counted(report.suppressed, 'engagement')}.")
        if report.files_replaced:
            say(f"Of the files, damaged and put right: {report.files_replaced:,}.")
        for object_id, problem in list(report.failed.items())[:_SHOWN]:
            paragraph(f"- {object_id}: {problem}", indent="  ")
        if len(report.failed) > _SHOWN:
            say(f"- and {len(report.failed) - _SHOWN:,} more")
    if report.failed:
        raise typer.Exit(FAILED)
