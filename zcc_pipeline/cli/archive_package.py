"""``zcc archive package``: a selection for somebody outside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zcc_pipeline.cli.options import JsonOption, parse_day
from zcc_pipeline.cli.screen import bytes_text, counted, paragraph, path_text, print_json, say

if TYPE_CHECKING:
    from zcc_pipeline.pipeline.archive_package import PackageOutcome


def package(
    to: Annotated[Path, typer.Option("--to-folder", metavar="FOLDER", help="The package; must not exist yet.")],
    matter: Annotated[
        str, typer.Option("--matter", metavar="NUMBER", help="Number of the matter, for the ledger; no names in it.")
    ],
    customer: Annotated[
        str | None, typer.Option("--customer", metavar="E-MAIL-OR-PHONE", help="All engagements of this customer.")
    ] = None,
    engagement: Annotated[
        list[str] | None, typer.Option("--engagement", metavar="ID", help="This engagement; may be repeated.")
    ] = None,
    first: Annotated[str | None, typer.Option("--from", metavar="DAY", help="Started on or after this day.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Started up to this day.")] = None,
    all_versions: Annotated[
        bool, typer.Option("--all-versions", help="Also what earlier versions held, not only the newest.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Hand engagements over: a BagIt package with a cover sheet, lists, the files and their audit trail.

    Whoever gets it needs a browser to read it and sha512sum to check it. The ledger notes the matter, the objects and
    the package's digest; tell that digest to whoever gets the package on another way.

    Examples:
        zcc archive package --customer ann@example.com --matter 2026-17 --to-folder ./matter-2026-17
        zcc archive package --engagement Q2x7b --matter 2026-17 --to-folder ./one --all-versions
    """
    from zcc_pipeline.archive.packaging import Selection
    from zcc_pipeline.cli.session import opened_runtime
    from zcc_pipeline.pipeline.archive_package import package as make

    if customer is None and not engagement and first is None and last is None:
        raise typer.BadParameter("say which: --customer, --engagement, --from or --to.", param_hint="--customer")
    if not matter.strip():
        raise typer.BadParameter("a matter has a number.", param_hint="--matter")
    with opened_runtime(as_json=as_json) as runtime:
        today = runtime.today()
        selection = Selection(
            customer=customer,
            engagement_ids=frozenset(engagement or ()),
            first=parse_day(first, option="--from", today=today) if first else None,
            last=parse_day(last, option="--to", today=today) if last else None,
            timezone=runtime.config.timezone,
            phone_region=runtime.config.warehouse.phone_region,
        )
        outcome = make(runtime, selection, matter=matter.strip(), to=to, all_versions=all_versions)
    show(outcome, as_json=as_json)


def show(outcome: PackageOutcome, *, as_json: bool) -> None:
    """What was handed over, and where the ledger names it."""
    packaged = outcome.packaged
    if as_json:
        print_json(
            {
                "folder": packaged.folder,
                "engagements": packaged.objects,
                "files": packaged.files,
                "bytes": packaged.bytes_written,
                "tagmanifest_sha512": packaged.sha512,
                "ledger_entry": outcome.entry,
            }
        )
        return
    say(
        f"{counted(packaged.objects, 'engagement')}, {counted(packaged.files, 'file')}, "
        f"{bytes_text(packaged.bytes_written)} in {path_text(packaged.folder)}."
    )
    paragraph(f"Entry {outcome.entry} of the ledger names it by the SHA-512 of tagmanifest-sha512.txt:")
    say(packaged.sha512)
