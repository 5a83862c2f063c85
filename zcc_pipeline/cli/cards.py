"""``zcc cards``: card data in texts that landed before anybody looked, or while another policy held."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from zcc_pipeline.cli.options import FromOption, JsonOption, ToOption, parse_days
from zcc_pipeline.cli.screen import counted, paragraph, print_json, say, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from zcc_pipeline.pipeline.card_data_rescan import RescanReport


def rescan(first: FromOption, last: ToOption = "today", as_json: JsonOption = False) -> None:
    """Look for card data in everything that landed on those days, and do what ZCC_CARD_DATA_POLICY says.

    With `redact` the digits are taken out of lake, transcript files and quarantine, and the warehouse is made anew.
    What was archived stays in the archive. A rescan that was stopped goes on where it was.

    Examples:
        zcc cards rescan --from 2026-11-01
        zcc cards rescan --from 2026-11-01 --to 2026-11-07 --json
    """
    from zcc_pipeline.cli.session import opened_runtime
    from zcc_pipeline.domain.window import iter_days
    from zcc_pipeline.pipeline.card_data_rescan import rescan as rescan_days

    with opened_runtime(as_json=as_json) as runtime:
        start, end = parse_days(first, last, today=runtime.today())
        report = rescan_days(runtime, list(iter_days(start, end)))
    if as_json:
        print_json(report)
    else:
        _show(report)


def _show(report: RescanReport) -> None:
    rows = sorted(report.found.items())
    if rows:
        table(("dataset", "texts with card data"), rows, numbers=("texts with card data",))
        say()
    done = {"flag": "They are flagged.", "block": "They are blocked.", "redact": "Their digits are removed."}
    paragraph(
        f"{counted(report.days, 'day')} looked at; "
        + (done[report.policy] if rows else "no card data that was not known.")
        + (f" {counted(report.transcripts, 'transcript file')} rewritten." if report.transcripts else "")
        + (f" {counted(report.quarantined, 'quarantined record')} rewritten." if report.quarantined else "")
    )
    if report.policy != "redact" and rows:
        say("`zcc build` shows it in the marts.")


def cards() -> None:
    """Card data in texts: look again.

    Examples:
        zcc cards rescan --from 2026-11-01
    """


def build_group(keep_lines: Callable[[str | None], str]) -> typer.Typer:
    """The group; ``keep_lines`` lays out help texts."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.callback(help=keep_lines(cards.__doc__))(cards)
    group.command("rescan", short_help="Look again at what has landed.", help=keep_lines(rescan.__doc__))(rescan)
    return group
