"""``zcc archive copy``: the second copy brought up to date."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from zcc_pipeline.cli.options import JsonOption
from zcc_pipeline.cli.screen import bytes_text, counted, paragraph, print_json, say
from zcc_pipeline.cli.sentences import FAILED

if TYPE_CHECKING:
    from zcc_pipeline.archive.copying import Copied

_SHOWN = 20


def copy(
    everything: Annotated[
        bool, typer.Option("--all", help="Look at every object, not only at what is new: puts back what was lost.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring the second copy (ZCC_ARCHIVE_SECOND_COPY_URL) up to date. Each export does so by itself.

    Every byte is read and written anew, and compared with its digest on the way; nothing is linked or shared. An object
    that the archive does not have as its ledger says is not copied, and the copy keeps what it had. With --all objects
    that the copy has lost come back; `zcc archive verify` reads all of it and names what is damaged: remove that from
    the copy first. Exit code 1 when the copy is not up to date.

    Examples:
        zcc archive copy
        zcc archive copy --all
    """
    from zcc_pipeline.cli.session import opened_runtime
    from zcc_pipeline.pipeline.archive_copying import update_second_copy

    with opened_runtime(as_json=as_json) as runtime:
        copied = update_second_copy(runtime, everything=everything)
    if as_json:
        print_json(asdict(copied) | {"is_up_to_date": copied.is_up_to_date})
    else:
        show_copied(copied)
    if not copied.is_up_to_date:
        raise typer.Exit(FAILED)


def show_copied(copied: Copied) -> None:
    """What was copied and what was not."""
    said = f"Second copy: {counted(copied.objects, 'object')} ({bytes_text(copied.bytes_copied)}) copied"
    say(said + (f", {copied.removed:,} removed." if copied.removed else "."))
    if copied.problem:
        paragraph(f"It is not up to date: {copied.problem}.")
    for object_id, problem in list(copied.failed.items())[:_SHOWN]:
        paragraph(f"- {object_id}: {problem}", indent="  ")
    if len(copied.failed) > _SHOWN:
        say(f"- and {len(copied.failed) - _SHOWN:,} more")
    if copied.shares_disk:
        paragraph("It lies on the same device as the archive: when that breaks, both are gone.")
